//! A peer that has the keys of an established TLS connection and may send any records under them:
//! padded and empty ones, key updates, pieces of messages, alerts, what there is no name for. What is
//! read is the data that it sent, up to what breaks the rules and never beyond, and all that we send
//! can be opened.
#![no_main]

use std::{
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::pin,
    sync::{Arc, LazyLock, Mutex},
    task::Poll,
};

use culvert_io::{Peer, Stream};
use culvert_tls::{
    ClientConfig, ServerConfig, accept, client_config_unverified, connect, server_config,
    server_name,
};
use libfuzzer_sys::fuzz_target;
use ring::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Prk},
};
use rustls::{ClientConnection, Connection, KeyLog, ServerConnection, client::Resumption};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::Builder,
    task::unconstrained,
};

/// Nothing waits for room.
const ROOM: usize = 1 << 20;
/// What a peer may say without data in between.
const WITHOUT_DATA: usize = 32;
/// Types of records.
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;

static CONFIGS: LazyLock<(Arc<ServerConfig>, Arc<ClientConfig>)> = LazyLock::new(|| {
    let (mut server, mut client) = (
        server_config(None, None).unwrap(),
        client_config_unverified().unwrap(),
    );
    Arc::make_mut(&mut server).send_tls13_tickets = 0;
    Arc::make_mut(&mut client).resumption = Resumption::disabled();
    (server, client)
});

/// The secrets of one connection by their labels.
#[derive(Debug, Default)]
struct Secrets(Mutex<Vec<(String, Vec<u8>)>>);

impl KeyLog for Secrets {
    fn log(&self, label: &str, _random: &[u8], secret: &[u8]) {
        self.0.lock().unwrap().push((label.into(), secret.into()));
    }
}

/// One direction of the peer.
struct Direction {
    secret: Vec<u8>,
    number: u64,
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Direction {
    fn new(secrets: &Secrets, label: &str) -> Self {
        let all = secrets.0.lock().unwrap();
        let (_, secret) = all.iter().find(|(of, _)| of == label).unwrap();
        let secret = secret.clone();
        Self { secret, number: 0 }
    }

    /// HKDF-Expand-Label without a context (RFC 8446, 7.1).
    fn expand(&self, label: &str, len: usize) -> Vec<u8> {
        let label = format!("tls13 {label}");
        let info = [&[0, len as u8, label.len() as u8], label.as_bytes(), &[0]];
        let mut out = vec![0; len];
        let prk = Prk::new_less_safe(HKDF_SHA256, &self.secret);
        prk.expand(&info, Length(len))
            .unwrap()
            .fill(&mut out)
            .unwrap();
        out
    }

    fn next(&mut self) {
        (self.secret, self.number) = (self.expand("traffic upd", 32), 0);
    }

    fn key(&mut self) -> (LessSafeKey, Nonce) {
        let key = UnboundKey::new(&AES_128_GCM, &self.expand("key", 16)).unwrap();
        let mut nonce: [u8; 12] = self.expand("iv", 12).try_into().unwrap();
        for (byte, number) in nonce[4..].iter_mut().zip(self.number.to_be_bytes()) {
            *byte ^= number;
        }
        self.number += 1;
        (LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce))
    }

    fn seal(&mut self, kind: u8, plain: &[u8], padding: usize) -> Vec<u8> {
        let mut body = [plain, &[kind], &vec![0; padding]].concat();
        let [a, b] = u16::try_from(body.len() + 16).unwrap().to_be_bytes();
        let header = [DATA, 3, 3, a, b];
        let (key, nonce) = self.key();
        key.seal_in_place_append_tag(nonce, Aad::from(header), &mut body)
            .unwrap();
        [&header[..], &body].concat()
    }

    /// Takes the first record of `wire`, which must be one of ours.
    fn open(&mut self, wire: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
        let header: [u8; 5] = *wire.first_chunk()?;
        let len = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let mut body: Vec<u8> = wire.drain(..5 + len).skip(5).collect();
        let (key, nonce) = self.key();
        let inner = key.open_in_place(nonce, Aad::from(header), &mut body);
        let (kind, plain) = inner.unwrap().split_last().unwrap();
        Some((*kind, plain.to_vec()))
    }
}

/// Does the handshake with a stream of ours in the role that is left.
async fn established(ours_accepts: bool) -> (Stream, DuplexStream, Direction, Direction) {
    let (near, mut far) = duplex(ROOM);
    let (mut server, mut client) = CONFIGS.clone();
    let secrets = Arc::new(Secrets::default());
    let at = SocketAddr::from(([127, 0, 0, 1], 1));
    let near = Stream::new(near, Peer::new(at, at, "memory"));
    let name = || server_name("localhost", false).unwrap();
    let (conn, labels) = if ours_accepts {
        Arc::make_mut(&mut client).key_log = Arc::clone(&secrets) as _;
        let conn = ClientConnection::new(Arc::clone(&client), name()).unwrap();
        (
            conn.into(),
            ["CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"],
        )
    } else {
        Arc::make_mut(&mut server).key_log = Arc::clone(&secrets) as _;
        let conn = ServerConnection::new(Arc::clone(&server)).unwrap();
        (
            conn.into(),
            ["SERVER_TRAFFIC_SECRET_0", "CLIENT_TRAFFIC_SECRET_0"],
        )
    };
    let ours = async {
        if ours_accepts {
            accept(near, &server).await
        } else {
            connect(near, &client, name()).await
        }
    };
    let (ours, ()) = tokio::join!(ours, shake(conn, &mut far));
    let [sealing, opening] = labels.map(|label| Direction::new(&secrets, label));
    (ours.unwrap(), far, sealing, opening)
}

async fn shake(mut conn: Connection, far: &mut DuplexStream) {
    let mut piece = vec![0; 1 << 16];
    loop {
        let mut bytes = Vec::new();
        while conn.wants_write() {
            conn.write_tls(&mut bytes).unwrap();
        }
        far.write_all(&bytes).await.unwrap();
        if !conn.is_handshaking() {
            return;
        }
        let n = far.read(&mut piece).await.unwrap();
        let mut bytes = &piece[..n];
        while !bytes.is_empty() {
            conn.read_tls(&mut bytes).unwrap();
            conn.process_new_packets().unwrap();
        }
    }
}

/// What `work` comes to right now.
async fn now<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// The records that the peer makes, and what it may expect of them.
struct Script {
    sealing: Direction,
    sent: Vec<u8>,
    wire: Vec<u8>,
    without_data: usize,
    /// Something may have broken a rule.
    odd: bool,
}

impl Script {
    /// Makes the records of a step that has `rest` behind it; answers how much of that was used.
    fn step(&mut self, choice: u8, len: usize, rest: &[u8]) -> usize {
        let any = &rest[..rest.len().min(len & 15)];
        match choice & 7 {
            0 | 1 if self.sent.len() + len * len <= ROOM / 4 => {
                let len = (len * len).min(1 << 14);
                let padding = usize::from(choice >> 3).min((1 << 14) - len);
                let from = self.sent.len();
                self.sent
                    .extend((from..from + len).map(|at| (at % 251) as u8));
                let record = self.sealing.seal(DATA, &self.sent[from..], padding);
                self.wire.extend(record);
                self.without_data = if len > 0 { 0 } else { self.without_data + 1 };
                0
            }
            2 => {
                let update = [24, 0, 0, 1, choice >> 3 & 1];
                let cut = len % update.len();
                for part in [&update[..cut], &update[cut..]] {
                    if !part.is_empty() {
                        self.wire
                            .extend(self.sealing.seal(HANDSHAKE, part, len >> 4));
                    }
                }
                self.sealing.next();
                self.without_data += 1;
                0
            }
            3 | 4 => {
                let kind = [ALERT, HANDSHAKE, 20, choice][usize::from(choice >> 3 & 3)];
                self.wire.extend(self.sealing.seal(kind, any, 0));
                self.odd = true;
                any.len()
            }
            _ => 0,
        }
    }
}

async fn run(input: &[u8]) {
    let Some((&first, mut input)) = input.split_first() else {
        return;
    };
    let (mut ours, mut far, sealing, mut opening) = established(first & 1 == 0).await;
    let mut script = Script {
        sealing,
        sent: Vec::new(),
        wire: Vec::new(),
        without_data: 0,
        odd: false,
    };
    let mut got = Vec::new();
    while let [choice, len, rest @ ..] = input {
        let (choice, len) = (*choice, usize::from(*len));
        let used = script.step(choice, len, rest);
        input = &rest[used..];
        script.odd |= script.without_data > WITHOUT_DATA;
        match choice & 7 {
            5 => {
                let rest = script.wire.split_off(script.wire.len().min(len * len + 1));
                far.write_all(&script.wire).await.unwrap();
                script.wire = rest;
            }
            6 => {
                let mut piece = vec![0; len * len + 1];
                match now(ours.read(&mut piece)).await {
                    Some(Ok(n)) => got.extend_from_slice(&piece[..n]),
                    Some(Err(why)) => assert!(script.odd, "{why}"),
                    None => {}
                }
            }
            7 => drop(now(ours.write_all(b"answer")).await),
            _ => {}
        }
    }
    let end = script.sealing.seal(ALERT, &[1, 0], 0);
    far.write_all(&script.wire).await.unwrap();
    far.write_all(&end).await.unwrap();
    let end = ours.read_to_end(&mut got).await;
    assert!(script.sent.starts_with(&got), "what was read was not sent");
    let whole = end.is_ok() && got.len() == script.sent.len();
    assert!(script.odd || whole, "{end:?}");
    let answered = ours.write_all(b"answer").await.is_ok();
    assert!(script.odd || answered);
    ours.shutdown().await.unwrap();
    drop(ours);
    check(&mut far, &mut opening, script.odd).await;
}

/// Opens what has come from us.
async fn check(far: &mut DuplexStream, opening: &mut Direction, odd: bool) {
    let mut wire = Vec::new();
    far.read_to_end(&mut wire).await.unwrap();
    let mut last = None;
    while let Some((kind, plain)) = opening.open(&mut wire) {
        match kind {
            DATA => assert_eq!(plain, b"answer"),
            HANDSHAKE => {
                assert_eq!(plain, [24, 0, 0, 1, 0]);
                opening.next();
            }
            ALERT => assert!(odd || plain == [1, 0]),
            _ => panic!("a record of type {kind}"),
        }
        last = Some(kind);
    }
    assert!(wire.is_empty() && (odd || last == Some(ALERT)));
}

fuzz_target!(|input: &[u8]| {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(unconstrained(run(input)));
});
