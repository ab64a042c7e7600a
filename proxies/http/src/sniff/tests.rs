use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::{H2_PREFACE, MAX_HELLO, Sniff, h2_preface, server_name};

/// What a real client sends first.
fn hello(name: &'static str) -> Vec<u8> {
    let config = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let mut client = ClientConnection::new(Arc::new(config), name.try_into().unwrap()).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

/// The same message in records of at most `most` bytes.
fn in_records(hello: &[u8], most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in hello[5..].chunks(most) {
        bytes.extend_from_slice(&[0x16, 3, 1]);
        bytes.extend_from_slice(&u16::try_from(part.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn found(name: &str) -> Sniff<String> {
    Sniff::Found(name.to_owned())
}

/// Every beginning needs more, says so truthfully, and the whole is found.
fn at_every_byte(bytes: &[u8], name: &str) {
    for end in 0..bytes.len() {
        match server_name(&bytes[..end]) {
            Sniff::NeedMore(at_least) => {
                assert!(
                    at_least > end && at_least <= bytes.len(),
                    "{end}: {at_least}"
                );
            }
            other => panic!("{end}: {other:?}"),
        }
    }
    assert_eq!(server_name(bytes), found(name));
    assert_eq!(server_name(&[bytes, b"more"].concat()), found(name));
}

#[test]
fn finds_the_name_split_at_every_byte() {
    at_every_byte(&hello("a.web.test"), "a.web.test");
}

#[test]
fn finds_the_name_across_records() {
    let hello = hello("a.web.test");
    for most in [1, 2, 3, 5, 40, 100, 200] {
        at_every_byte(&in_records(&hello, most), "a.web.test");
    }
}

#[test]
fn a_hello_without_a_name_has_an_empty_one() {
    assert_eq!(server_name(&hello("127.0.0.1")), found(""));
    // Without any extensions: TLS 1.0 and before.
    let mut body = vec![3, 1];
    body.extend([0; 32]);
    body.extend([0, 0, 2, 0, 47, 1, 0]);
    let mut message = vec![1, 0, 0, u8::try_from(body.len()).unwrap()];
    message.extend(body);
    let mut record = vec![0x16, 3, 1, 0, u8::try_from(message.len()).unwrap()];
    record.extend(message);
    assert_eq!(server_name(&record), found(""));
}

#[test]
fn refuses_what_is_no_hello() {
    for bytes in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"\x17\x03\x03",
        b"\x16\x02",
        b"\x16\x03\x01\x00\x00",                 // an empty record
        b"\x16\x03\x01\x40\x01",                 // a record that is too long
        b"\x16\x03\x01\x00\x01\x02",             // a ServerHello
        b"\x16\x03\x01\x00\x04\x01\x01\x00\x01", // a message that is too long
    ] {
        assert_eq!(server_name(bytes), Sniff::No, "{bytes:02x?}");
    }
    let hello = hello("a.web.test");
    let another_kind_between =
        [&in_records(&hello, 40)[..45], &[0x15, 3, 3, 0, 2, 2, 112]].concat();
    assert_eq!(server_name(&another_kind_between), Sniff::No);
}

#[test]
fn a_broken_hello_never_panics() {
    let hello = hello("a.web.test");
    for at in 5..hello.len() {
        for value in [0, 1, 0x7f, 0xff, hello[at].wrapping_add(1)] {
            let mut broken = hello.clone();
            broken[at] = value;
            let _any = server_name(&broken);
        }
    }
}

#[test]
fn many_records_have_a_bound() {
    let mut long = vec![1, 0, 0xff, 0xfc];
    long.resize(65536, 0);
    let bytes = in_records(&[&[0; 5][..], &long].concat(), 8);
    assert!(
        (0..bytes.len())
            .step_by(997)
            .all(|end| match server_name(&bytes[..end]) {
                Sniff::NeedMore(at_least) => at_least <= MAX_HELLO,
                Sniff::No => end > MAX_HELLO - 100,
                Sniff::Found(_) => false,
            })
    );
}

#[test]
fn tells_http2_by_its_preface() {
    for end in 0..H2_PREFACE.len() {
        assert_eq!(h2_preface(&H2_PREFACE[..end]), Sniff::NeedMore(24));
    }
    assert_eq!(h2_preface(H2_PREFACE), Sniff::Found(()));
    assert_eq!(h2_preface(b"PRI * HTTP/1"), Sniff::No);
    assert_eq!(h2_preface(b"G"), Sniff::No);
}
