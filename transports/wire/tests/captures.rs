//! Replays connections that real frps and frpc programs made against the codec and the ciphers.
//!
//! The recordings are not part of this repository: `CULVERT_CAPTURES` names their folder, else
//! `../shared/captures` next to the workspace is tried. Without them the test says so and passes;
//! some of their bytes are in the unit tests too.

#[cfg(test)]
mod replay {
    use std::collections::{BTreeMap, HashMap};
    use std::path::{Path, PathBuf};
    use std::{env, fs};

    use bytes::{Buf, BytesMut};
    use culvert_wire::msg::{
        LoginResp, NewProxy, NewVisitorConn, NewVisitorConnResp, StartWorkConn,
    };
    use culvert_wire::v2::{self, AeadKey, AeadKeys, Algorithm, NONCE, Opener, Opening, Sealer};
    use culvert_wire::{
        Body, CfbDecryptor, CfbEncryptor, Codec, Message, SnappyDecoder, SnappyEncoder, Token,
        Version,
    };
    use serde_json::Value;

    const ECHO: &[u8] = b"hello frphello frphello frp";

    /// The bytes that each side sent.
    #[derive(Default)]
    struct Connection {
        client: BytesMut,
        server: BytesMut,
    }

    impl Connection {
        /// How it is written, told from its first bytes, which are taken off.
        fn version(&mut self) -> Codec {
            let version = Version::sniff(&self.client).expect("enough bytes to tell");
            let codec = Codec::new(version);
            self.client.advance(codec.magic().len());
            codec
        }

        /// The streams of a mux, by their order: frames of 12 bytes and their payload, type 0
        /// carrying bytes (protocol 2.3).
        fn streams(self) -> Vec<Self> {
            let mut streams = BTreeMap::<u32, Self>::new();
            for (id, payload) in frames(self.client) {
                streams.entry(id).or_default().client.unsplit(payload);
            }
            for (id, payload) in frames(self.server) {
                streams.entry(id).or_default().server.unsplit(payload);
            }
            streams.into_values().collect()
        }
    }

    /// The stream and the payload of each frame that carries bytes.
    fn frames(mut side: BytesMut) -> Vec<(u32, BytesMut)> {
        let mut frames = Vec::new();
        while let Some(header) = side.split_first_chunk::<12>().map(|(h, _)| *h) {
            side.advance(12);
            let [id, length] =
                [4, 8].map(|at| u32::from_be_bytes(header[at..at + 4].try_into().unwrap()));
            if header[1] == 0 {
                frames.push((id, side.split_to(usize::try_from(length).unwrap())));
            }
        }
        assert!(side.is_empty(), "half a frame");
        frames
    }

    struct Capture {
        name: String,
        token: Token,
        /// The client was given another token than the server.
        client_token_differs: bool,
        secret_key: Token,
        connections: Vec<Connection>,
    }

    #[derive(Default)]
    struct Seen {
        messages: usize,
        payload: usize,
        /// Run id to the proxies that its control connection registered.
        proxies: HashMap<String, NewProxy>,
    }

    fn folder() -> Option<PathBuf> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
        let folder = env::var_os("CULVERT_CAPTURES").map_or(beside, PathBuf::from);
        if folder.is_dir() {
            return Some(folder);
        }
        println!(
            "skipped: no folder of captures at {}; set CULVERT_CAPTURES",
            folder.display()
        );
        None
    }

    fn load(path: &Path) -> Capture {
        let json: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let text = |key: &str| json[key].as_str().unwrap_or_default();
        let connections = json["connections"]
            .as_array()
            .unwrap()
            .iter()
            .map(connection)
            .collect();
        Capture {
            name: text("name").to_owned(),
            token: Token::new(text("token")),
            client_token_differs: !text("frpc_toml")
                .contains(&format!("auth.token = {}", json["token"])),
            secret_key: Token::new(quoted(text("visitor_toml"), "secretKey = ")),
            connections,
        }
    }

    fn quoted<'a>(toml: &'a str, key: &str) -> &'a str {
        toml.split_once(key)
            .and_then(|(_, rest)| rest.split('"').nth(1))
            .unwrap_or_default()
    }

    fn connection(json: &Value) -> Connection {
        let side = |name: &str| {
            let events = json["events"].as_array().unwrap().iter();
            let sent = events.filter(|event| event[0] == name && event[2] != "EOF");
            sent.flat_map(|event| hex(event[2].as_str().unwrap()))
                .collect()
        };
        Connection {
            client: side("client"),
            server: side("server"),
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        let pairs = text
            .as_bytes()
            .chunks(2)
            .map(|pair| str::from_utf8(pair).unwrap());
        pairs
            .map(|pair| u8::from_str_radix(pair, 16).unwrap())
            .collect()
    }

    fn written(codec: Codec, message: impl Into<Message>) -> BytesMut {
        let mut out = BytesMut::new();
        codec.encode(&message.into(), &mut out).unwrap();
        out
    }

    /// Takes the next message and checks that we would have written the same bytes.
    fn next(codec: Codec, from: &mut BytesMut, seen: &mut Seen) -> Option<Message> {
        let before = from.clone();
        let message = codec.decode(from).unwrap()?;
        assert_eq!(
            written(codec, message.clone()),
            before[..before.len() - from.len()],
            "{message:?}"
        );
        seen.messages += 1;
        Some(message)
    }

    fn next_as<T: Body + Clone>(codec: Codec, from: &mut BytesMut, seen: &mut Seen) -> Option<T> {
        let before = from.clone();
        let message: T = codec.decode_as(from).unwrap()?;
        assert_eq!(
            written(codec, message.clone()),
            before[..before.len() - from.len()]
        );
        seen.messages += 1;
        Some(message)
    }

    fn all(codec: Codec, mut from: BytesMut, seen: &mut Seen) -> Vec<Message> {
        let messages = std::iter::from_fn(|| next(codec, &mut from, seen)).collect();
        assert!(
            from.is_empty(),
            "{} bytes left of the last message",
            from.len()
        );
        messages
    }

    /// Decrypts one direction and checks that sealing it again with its IV gives the same bytes.
    fn open(mut sealed: BytesMut, secret: &Token) -> BytesMut {
        if sealed.is_empty() {
            return sealed;
        }
        let wire = sealed.clone();
        let key = secret.key();
        // In odd pieces, as the network might.
        let mut decryptor = CfbDecryptor::new(&key);
        let iv = sealed
            .chunks_mut(7)
            .map(|piece| decryptor.open(piece))
            .sum();
        sealed.advance(iv);
        let mut again = sealed.clone();
        let iv = wire[..iv].try_into().unwrap();
        CfbEncryptor::with_iv(&key, iv).seal_tail(&mut again, 0);
        assert_eq!(again, wire);
        sealed
    }

    /// Opens the records of one direction and checks that sealing them again with their nonce
    /// gives the same bytes.
    fn open_records(mut sealed: BytesMut, key: &AeadKey) -> BytesMut {
        let mut nonce = [0; NONCE];
        let length = key.algorithm().nonce().min(sealed.len());
        nonce[..length].copy_from_slice(&sealed[..length]);
        let mut sealer = Sealer::with_nonce(key, nonce);
        let (mut opener, mut plain) = (Opener::new(key), BytesMut::new());
        while let wire = sealed.clone()
            && let Some(opened) = opener.open(&mut sealed).unwrap()
        {
            let mut record = sealed.split_to(opened.taken);
            plain.extend_from_slice(&record[opened.plain.clone()]);
            if opened.plain.is_empty() {
                assert_eq!(record, sealer.take_nonce().unwrap());
            } else {
                sealer.seal(&mut record).unwrap();
                assert_eq!(record, wire[..opened.taken]);
            }
        }
        assert!(sealed.is_empty(), "half a record");
        plain
    }

    /// Takes both hellos off their sides; answers the keys that they lead to, as the server has
    /// them.
    fn hellos(capture: &Capture, connection: &mut Connection) -> AeadKeys {
        let Some(Opening::Hello(hello)) = v2::decode_opening(&mut connection.client).unwrap()
        else {
            panic!("{}: no hello", capture.name);
        };
        v2::negotiate(&hello, &capture.token).expect("our server would take it");
        let answer = v2::decode_server_hello(&mut connection.server)
            .unwrap()
            .expect("an answer");
        let json: Value = serde_json::from_slice(&answer).unwrap();
        let name = json["selected"]["crypto"]["algorithm"].as_str().unwrap();
        let transcript = v2::transcript(&hello, &answer);
        AeadKeys::server(
            &capture.token,
            &transcript,
            Algorithm::from_name(name).unwrap(),
        )
        .unwrap()
    }

    fn unpack(mut packed: BytesMut) -> BytesMut {
        let mut plain = BytesMut::new();
        let mut decoder = SnappyDecoder::new();
        while decoder.read(&mut packed, &mut plain).unwrap() {}
        assert!(packed.is_empty());
        let (mut again, mut once_more) = (BytesMut::new(), BytesMut::new());
        SnappyEncoder::new().write(&plain, &mut again).unwrap();
        SnappyDecoder::new()
            .read(&mut again, &mut once_more)
            .unwrap();
        assert_eq!(once_more, plain);
        plain
    }

    fn control(capture: &Capture, codec: Codec, mut connection: Connection, seen: &mut Seen) {
        let keys = (codec == Codec::V2).then(|| hellos(capture, &mut connection));
        let Connection {
            mut client,
            mut server,
        } = connection;
        let Some(Message::Login(login)) = next(codec, &mut client, seen) else {
            panic!("{}: no login", capture.name);
        };
        let right = capture.token.verify(login.timestamp, &login.privilege_key);
        assert_eq!(right, !capture.client_token_differs, "{}", capture.name);
        let answer: LoginResp = next_as(codec, &mut server, seen).unwrap();
        assert_eq!(answer.error.is_empty(), right);
        if !right {
            assert!(client.is_empty() && server.is_empty());
            return;
        }
        let (client, server) = match keys {
            Some(keys) => (
                open_records(client, keys.read()),
                open_records(server, keys.write()),
            ),
            None => (open(client, &capture.token), open(server, &capture.token)),
        };
        for message in all(codec, client, seen) {
            match message {
                Message::NewProxy(proxy) => {
                    seen.proxies.insert(answer.run_id.clone(), *proxy);
                }
                Message::Ping(ping) if ping.timestamp != 0 => {
                    assert!(capture.token.verify(ping.timestamp, &ping.privilege_key));
                }
                Message::Ping(_) | Message::CloseProxy(_) => {}
                other => panic!("{}: a client sent {other:?}", capture.name),
            }
        }
        for message in all(codec, server, seen) {
            match message {
                Message::ReqWorkConn(_) | Message::Pong(_) => {}
                Message::NewProxyResp(answer) => assert_eq!(answer.error, ""),
                other => panic!("{}: a server sent {other:?}", capture.name),
            }
        }
    }

    fn datagrams(codec: Codec, side: BytesMut, seen: &mut Seen) {
        for message in all(codec, side, seen) {
            let Message::UdpPacket(packet) = message else {
                panic!("{message:?} among datagrams");
            };
            assert_eq!(packet.c, b"ping udp"[..]);
            assert!(packet.user().unwrap().ip().is_loopback());
        }
    }

    fn payload(codec: Codec, proxy_type: &str, sides: [BytesMut; 2], seen: &mut Seen) {
        for side in sides {
            seen.payload += side.len();
            match proxy_type {
                "udp" | "sudp" => datagrams(codec, side, seen),
                "http" => assert!(side.starts_with(b"GET /x") || side.starts_with(b"HTTP/1.1")),
                _ => assert_eq!(side, ECHO),
            }
        }
    }

    fn work(capture: &Capture, codec: Codec, mut connection: Connection, seen: &mut Seen) {
        let first = next(codec, &mut connection.client, seen);
        let Some(Message::NewWorkConn(ask)) = first else {
            panic!("{first:?}")
        };
        if ask.timestamp != 0 {
            assert!(capture.token.verify(ask.timestamp, &ask.privilege_key));
        }
        let Connection { client, mut server } = connection;
        let Some(start) = next_as::<StartWorkConn>(codec, &mut server, seen) else {
            assert!(
                client.is_empty() && server.is_empty(),
                "an idle connection has no payload"
            );
            return;
        };
        let proxy = seen
            .proxies
            .get(&ask.run_id)
            .expect("a proxy of this client")
            .clone();
        assert_eq!(start.proxy_name, proxy.proxy_name);
        let sides = [client, server].map(|side| {
            let side = if proxy.use_encryption {
                open(side, &capture.token)
            } else {
                side
            };
            if proxy.use_compression {
                unpack(side)
            } else {
                side
            }
        });
        payload(codec, &proxy.proxy_type, sides, seen);
    }

    fn visit(capture: &Capture, codec: Codec, mut connection: Connection, seen: &mut Seen) {
        let ask: NewVisitorConn = next_as(codec, &mut connection.client, seen).unwrap();
        let Connection { client, mut server } = connection;
        assert!(capture.secret_key.verify(ask.timestamp, &ask.sign_key));
        let answer: NewVisitorConnResp = next_as(codec, &mut server, seen).unwrap();
        assert_eq!(
            (answer.error.as_str(), &answer.proxy_name),
            ("", &ask.proxy_name)
        );
        let sides = [client, server].map(|side| {
            let side = if ask.use_encryption {
                open(side, &capture.secret_key)
            } else {
                side
            };
            if ask.use_compression {
                unpack(side)
            } else {
                side
            }
        });
        let mut proxies = seen.proxies.values();
        let proxy = proxies
            .find(|proxy| proxy.proxy_name == ask.proxy_name)
            .unwrap();
        payload(codec, &proxy.proxy_type.clone(), sides, seen);
    }

    fn replay(mut capture: Capture) -> Seen {
        let mut seen = Seen::default();
        for mut connection in std::mem::take(&mut capture.connections) {
            let codec = connection.version();
            let first = codec.decode_opening(&mut connection.client.clone());
            match first.unwrap().expect("a first message") {
                Opening::Hello(_) | Opening::Message(Message::Login(_)) => {
                    control(&capture, codec, connection, &mut seen);
                }
                Opening::Message(Message::NewWorkConn(_)) => {
                    work(&capture, codec, connection, &mut seen);
                }
                Opening::Message(Message::NewVisitorConn(_)) => {
                    visit(&capture, codec, connection, &mut seen);
                }
                Opening::Message(other) => {
                    panic!("{}: a connection begins with {other:?}", capture.name)
                }
            }
        }
        seen
    }

    #[test]
    fn recorded_connections_are_understood_to_the_last_byte() {
        let Some(folder) = folder() else { return };
        let mut paths: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        let mut replayed = 0;
        for path in paths {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if !name.starts_with("v1-") && !name.starts_with("v2-") {
                println!("skipped: {name}, which lies inside another transport");
                continue;
            }
            let mut capture = load(&path);
            if name.contains("-mux-") {
                let streams = capture
                    .connections
                    .into_iter()
                    .flat_map(Connection::streams);
                capture.connections = streams.collect();
            }
            let seen = replay(capture);
            println!(
                "{name}: {} messages, {} payload bytes",
                seen.messages, seen.payload
            );
            assert!(seen.payload > 0 || name == "v1-nomux-bad-token", "{name}");
            replayed += 1;
        }
        assert!(replayed > 0, "the folder has no recordings");
    }
}
