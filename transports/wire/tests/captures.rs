//! Replays connections that real frps and frpc programs made against the codec and the ciphers.
//!
//! The recordings are not part of this repository: `CULVERT_CAPTURES` names their folder, else
//! `../shared/captures` next to the workspace is tried. Without them the test says so and passes;
//! some of their bytes are in the unit tests too.

#[cfg(test)]
mod replay {
    use std::collections::HashMap;
    use std::path::{Path, PathBuf};
    use std::{env, fs};

    use bytes::{Buf, BytesMut};
    use culvert_wire::msg::{
        LoginResp, NewProxy, NewVisitorConn, NewVisitorConnResp, StartWorkConn,
    };
    use culvert_wire::{
        Body, CfbDecryptor, CfbEncryptor, Codec, Message, SnappyDecoder, SnappyEncoder, Token,
    };
    use serde_json::Value;

    const WIRE: Codec = Codec::V1;
    const ECHO: &[u8] = b"hello frphello frphello frp";

    /// The bytes that each side sent.
    struct Connection {
        client: BytesMut,
        server: BytesMut,
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

    fn written(message: impl Into<Message>) -> BytesMut {
        let mut out = BytesMut::new();
        WIRE.encode(&message.into(), &mut out).unwrap();
        out
    }

    /// Takes the next message and checks that we would have written the same bytes.
    fn next(from: &mut BytesMut, seen: &mut Seen) -> Option<Message> {
        let before = from.clone();
        let message = WIRE.decode(from).unwrap()?;
        assert_eq!(
            written(message.clone()),
            before[..before.len() - from.len()],
            "{message:?}"
        );
        seen.messages += 1;
        Some(message)
    }

    fn next_as<T: Body + Clone>(from: &mut BytesMut, seen: &mut Seen) -> Option<T> {
        let before = from.clone();
        let message: T = WIRE.decode_as(from).unwrap()?;
        assert_eq!(
            written(message.clone()),
            before[..before.len() - from.len()]
        );
        seen.messages += 1;
        Some(message)
    }

    fn all(mut from: BytesMut, seen: &mut Seen) -> Vec<Message> {
        let messages = std::iter::from_fn(|| next(&mut from, seen)).collect();
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

    fn control(capture: &Capture, connection: Connection, seen: &mut Seen) {
        let Connection {
            mut client,
            mut server,
        } = connection;
        let Some(Message::Login(login)) = next(&mut client, seen) else {
            panic!("{}: no login", capture.name);
        };
        let right = capture.token.verify(login.timestamp, &login.privilege_key);
        assert_eq!(right, !capture.client_token_differs, "{}", capture.name);
        let answer: LoginResp = next_as(&mut server, seen).unwrap();
        assert_eq!(answer.error.is_empty(), right);
        if !right {
            assert!(client.is_empty() && server.is_empty());
            return;
        }
        for message in all(open(client, &capture.token), seen) {
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
        for message in all(open(server, &capture.token), seen) {
            match message {
                Message::ReqWorkConn(_) | Message::Pong(_) => {}
                Message::NewProxyResp(answer) => assert_eq!(answer.error, ""),
                other => panic!("{}: a server sent {other:?}", capture.name),
            }
        }
    }

    fn datagrams(side: BytesMut, seen: &mut Seen) {
        for message in all(side, seen) {
            let Message::UdpPacket(packet) = message else {
                panic!("{message:?} among datagrams");
            };
            assert_eq!(packet.c, b"ping udp"[..]);
            assert!(packet.user().unwrap().ip().is_loopback());
        }
    }

    fn payload(proxy_type: &str, sides: [BytesMut; 2], seen: &mut Seen) {
        for side in sides {
            seen.payload += side.len();
            match proxy_type {
                "udp" | "sudp" => datagrams(side, seen),
                "http" => assert!(side.starts_with(b"GET /x") || side.starts_with(b"HTTP/1.1")),
                _ => assert_eq!(side, ECHO),
            }
        }
    }

    fn work(capture: &Capture, run_id: &str, connection: Connection, seen: &mut Seen) {
        let Connection { client, mut server } = connection;
        let Some(start) = next_as::<StartWorkConn>(&mut server, seen) else {
            assert!(
                client.is_empty() && server.is_empty(),
                "an idle connection has no payload"
            );
            return;
        };
        let proxy = seen
            .proxies
            .get(run_id)
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
        payload(&proxy.proxy_type, sides, seen);
    }

    fn visit(capture: &Capture, ask: &NewVisitorConn, connection: Connection, seen: &mut Seen) {
        let Connection { client, mut server } = connection;
        assert!(capture.secret_key.verify(ask.timestamp, &ask.sign_key));
        let answer: NewVisitorConnResp = next_as(&mut server, seen).unwrap();
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
        payload(&proxy.proxy_type.clone(), sides, seen);
    }

    fn replay(capture: Capture) -> Seen {
        let mut seen = Seen::default();
        let mut capture = capture;
        for mut connection in std::mem::take(&mut capture.connections) {
            let first = WIRE.decode(&mut connection.client.clone()).unwrap();
            match first.expect("a first message") {
                Message::Login(_) => control(&capture, connection, &mut seen),
                Message::NewWorkConn(_) => {
                    let first = next(&mut connection.client, &mut seen);
                    let Some(Message::NewWorkConn(open)) = first else {
                        panic!("{first:?}")
                    };
                    if open.timestamp != 0 {
                        assert!(capture.token.verify(open.timestamp, &open.privilege_key));
                    }
                    work(&capture, &open.run_id, connection, &mut seen);
                }
                Message::NewVisitorConn(_) => {
                    let first = next(&mut connection.client, &mut seen);
                    let Some(Message::NewVisitorConn(ask)) = first else {
                        panic!("{first:?}")
                    };
                    visit(&capture, &ask, connection, &mut seen);
                }
                other => panic!("{}: a connection begins with {other:?}", capture.name),
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
            if name.starts_with("v1-mux-") {
                println!("skipped: {name}, which lies inside a mux");
            } else if name.starts_with("v1-nomux-") {
                let seen = replay(load(&path));
                println!(
                    "{name}: {} messages, {} payload bytes",
                    seen.messages, seen.payload
                );
                assert!(seen.payload > 0 || name == "v1-nomux-bad-token", "{name}");
                replayed += 1;
            }
        }
        assert!(replayed > 0, "the folder has no v1-nomux-*.json");
    }
}
