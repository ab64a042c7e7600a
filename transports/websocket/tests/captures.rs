//! Replays websocket connections that real frps and frpc programs made.
//!
//! The recordings are not part of this repository: `CULVERT_CAPTURES` names their folder, else
//! `../shared/captures` next to the workspace is tried. Without them the test says so and passes.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a failed test panics, a skipped one says so"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use culvert_websocket::{Decoder, Role, Upgrade};
use serde_json::Value;

fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let folder = env::var_os("CULVERT_CAPTURES").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no captures, set CULVERT_CAPTURES to their folder");
    None
}

/// All that one side of a connection sent.
fn sent(connection: &Value, side: &str) -> Vec<u8> {
    let events = connection["events"].as_array().unwrap();
    let hex: String = events
        .iter()
        .filter(|event| event[0] == side && event[2] != "EOF")
        .map(|event| event[2].as_str().unwrap())
        .collect();
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn split_head(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    bytes.split_at(end)
}

/// What the frames carry, in pieces of any size.
fn carried(frames: &[u8], role: Role) -> Vec<u8> {
    let mut whole = frames.to_vec();
    let mut decoder = Decoder::new(role);
    let n = decoder.decode(&mut whole);
    assert_eq!(decoder.violation(), None);
    whole.truncate(n);
    for size in [1, 3, 17] {
        let mut decoder = Decoder::new(role);
        let mut out = Vec::new();
        for piece in frames.chunks(size) {
            let mut piece = piece.to_vec();
            let n = decoder.decode(&mut piece);
            out.extend_from_slice(&piece[..n]);
        }
        assert!(out == whole, "pieces of {size}");
    }
    whole
}

fn replay(name: &str, first_of_client: &[u8], first_of_server: &[u8]) {
    let Some(folder) = folder() else { return };
    let text = fs::read(folder.join(name)).unwrap();
    let capture: Value = serde_json::from_slice(&text).unwrap();
    let connections = capture["connections"].as_array().unwrap();
    assert!(!connections.is_empty());
    for (index, connection) in connections.iter().enumerate() {
        let (client, server) = (sent(connection, "client"), sent(connection, "server"));
        let (request, from_client) = split_head(&client);
        let (answer, from_server) = split_head(&server);
        let upgrade = Upgrade::new(request).unwrap();
        assert_eq!(upgrade.response().as_bytes(), answer);
        let from_client = carried(from_client, Role::Server);
        assert!(from_client.starts_with(first_of_client));
        let from_server = carried(from_server, Role::Client);
        if index == 0 {
            assert!(from_server.starts_with(first_of_server));
        }
    }
}

const OPEN: &[u8] = b"\x00\x01\x00\x01\x00\x00\x00\x01";
const ACCEPT: &[u8] = b"\x00\x01\x00\x02\x00\x00\x00\x01\x00\x5c\x00\x00";

#[test]
fn without_a_mux() {
    // Messages begin with seven zero bytes of their length behind the type.
    replay("ws-nomux-tcp.json", b"", b"1\0\0\0\0\0\0");
}

#[test]
fn with_a_mux() {
    replay("ws-mux-tcp.json", OPEN, ACCEPT);
}

#[test]
fn with_text_frames_of_an_older_client() {
    replay("ws-mux-tcp-old.json", OPEN, ACCEPT);
}
