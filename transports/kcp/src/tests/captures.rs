//! Datagrams recorded between real frpc and frps programs.

use std::path::{Path, PathBuf};

use crate::{Conversation, Header, Parameters, fec::Frame};

/// The first datagrams of a recorded connection: yamux opens a stream, the server acknowledges.
const OPEN: &str =
    "00000000f1002600251c82b4510000020100000000000000000000000c0000000001000100000001005c0000";
const ACK: &str = "00000000f1001a00251c82b452001f0001000000000000000100000000000000";
const CONV: u32 = 0xb482_1c25;

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn read(end: &mut Conversation) -> Vec<u8> {
    std::iter::from_fn(|| end.read(usize::MAX))
        .flatten()
        .collect()
}

#[test]
fn our_datagrams_are_those_of_frpc_and_frps() {
    let mut client = Conversation::new(CONV, &Parameters::CLIENT, false, 0);
    client.write(&bytes("0001000100000001005c0000"));
    client.flush(1);
    assert_eq!(client.outbox().front().unwrap(), bytes(OPEN));
    client.outbox().pop();
    let mut server = Conversation::new(CONV, &Parameters::SERVER, true, 0);
    assert_eq!(Conversation::begun_by(&bytes(OPEN)), Some(CONV));
    assert!(server.input(&bytes(OPEN), 0));
    server.flush(0);
    // frps had set its window only after this one; ours is a stranger's.
    let mut expected = bytes(ACK);
    expected[14] = 31;
    assert_eq!(server.outbox().front().unwrap(), expected);
    assert_eq!(read(&mut server), bytes("0001000100000001005c0000"));
    assert!(client.input(&bytes(ACK), 1));
    assert!(client.is_drained() && client.is_proven());
}

/// `CULVERT_CAPTURES` names the folder of recordings, which are not part of this repository.
fn recorded() -> Option<Vec<(bool, Vec<u8>)>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let folder = std::env::var_os("CULVERT_CAPTURES").map_or(beside, PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join("kcp-mux-tcp.json")) else {
        println!("skipped: no captures; set CULVERT_CAPTURES to their folder");
        return None;
    };
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let connections = file["connections"].as_array().unwrap();
    let events = connections
        .iter()
        .flat_map(|c| c["events"].as_array().unwrap());
    let datagram = |e: &serde_json::Value| (e[0] == "client", bytes(e[2].as_str().unwrap()));
    Some(events.map(datagram).collect())
}

#[test]
fn a_recorded_connection_is_read_on_both_sides() {
    let Some(datagrams) = recorded() else { return };
    let conv = Conversation::begun_by(&datagrams[0].1).unwrap();
    let mut server = Conversation::new(conv, &Parameters::SERVER, false, 0);
    let mut client = Conversation::new(conv, &Parameters::CLIENT, false, 0);
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    for (by_client, datagram) in &datagrams {
        let Some(Frame::Data { packet, .. }) = Frame::parse(datagram) else {
            panic!("no data: {datagram:?}");
        };
        assert!(Header::all_of(conv, packet));
        let (end, got) = if *by_client {
            (&mut server, &mut to_server)
        } else {
            (&mut client, &mut to_client)
        };
        assert!(end.input(datagram, 0));
        got.extend(read(end));
    }
    let has = |stream: &[u8], text: &str| stream.windows(text.len()).any(|w| w == text.as_bytes());
    assert!(to_server.starts_with(&bytes("0001000100000001005c0000")));
    assert!(to_client.starts_with(&bytes("0001000200000001005c0000")));
    assert!(has(&to_server, "privilege_key") && has(&to_server, "pool_count"));
    assert!(has(&to_client, "run_id"));
}
