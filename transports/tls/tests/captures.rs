//! Replays the TLS connection that a real frpc made, head byte and all.
//!
//! What is inside cannot be read without the keys of that day, so this replays what can be: our
//! server must take the recorded ClientHello, and answer as the recorded server did up to where
//! the answers depend on random numbers.
//!
//! The recordings are not part of this repository: `CULVERT_CAPTURES` names their folder, else
//! `../shared/captures` next to the workspace is tried. Without them the test says so and passes.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a failed test panics, a skipped one says so"
)]

use std::{env, fs, path::Path, path::PathBuf};

use culvert_io::{Peer, Stream};
use culvert_tls::{FIRST_BYTE, accept, server_config};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn capture() -> Option<Value> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let folder = env::var_os("CULVERT_CAPTURES").map_or(beside, PathBuf::from);
    let Ok(text) = fs::read_to_string(folder.join("tls-0x17-mux-tcp.json")) else {
        println!("skipped: no captures, set CULVERT_CAPTURES to their folder");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// The first bytes that one side sent.
fn first(capture: &Value, side: &str) -> Vec<u8> {
    let events = capture["connections"][0]["events"].as_array().unwrap();
    let event = events.iter().find(|event| event[0] == side).unwrap();
    let hex = event[2].as_str().unwrap().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.chunks(2).map(byte).collect()
}

/// Length of a record and the type of the message in it, from its first six bytes.
fn record(bytes: &[u8]) -> (u8, usize, u8) {
    let length = u16::from_be_bytes([bytes[3], bytes[4]]);
    (bytes[0], usize::from(length), bytes[5])
}

#[tokio::test]
async fn a_recorded_client_hello_is_answered() {
    let Some(capture) = capture() else { return };
    let client = first(&capture, "client");
    let (&head, hello) = client.split_first().unwrap();
    assert_eq!(head, FIRST_BYTE);
    assert_eq!(record(hello), (0x16, hello.len() - 5, 1));

    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let addr = "127.0.0.1:1".parse().unwrap();
    let stream = Stream::new(ours, Peer::new(addr, addr, "memory"));
    let config = server_config(None, None).unwrap();
    let serve = accept(stream, &config);
    let replay = async {
        theirs.write_all(hello).await.unwrap();
        let mut answer = [0; 6];
        theirs.read_exact(&mut answer).await.unwrap();
        drop(theirs);
        answer
    };
    let (served, answer) = tokio::join!(serve, replay);
    // The peer of the recording cannot finish a handshake with our key share.
    assert!(served.is_err());
    let recorded = first(&capture, "server");
    let (kind, _, message) = record(&recorded);
    assert_eq!((record(&answer).0, record(&answer).2), (kind, message));
    assert_eq!((kind, message), (0x16, 2));
    assert_eq!(answer[1..3], recorded[1..3]);
}
