//! Answers of name servers: any bytes behind the question that was asked. What comes of them is a
//! host, an address or nothing, and no more of it than the message has room for.
#![no_main]

use culvert_tcp::name_messages::{Answer, Kind, Query, Record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else {
        return;
    };
    let kind = [Kind::A, Kind::Aaaa, Kind::Srv][usize::from(choice % 3)];
    let query = Query::new(7, "_frp._tcp.example", kind).unwrap();
    // Most answers repeat the question; else little of this would be reached.
    let mut message = bytes.to_vec();
    if choice & 0x80 == 0 && bytes.len() >= 4 {
        let question = &query.bytes()[12..];
        message = [
            &[0, 7][..],
            &bytes[..2],
            &[0, 1],
            &bytes[2..4],
            &[0; 4],
            question,
            &bytes[4..],
        ]
        .concat();
    }
    let Some(Answer::Found(found)) = query.answer(&message) else {
        return;
    };
    assert!(found.len() <= message.len() / 10, "more records than fit");
    for record in found {
        match (kind, record) {
            (Kind::A, Record::Address(address)) => assert!(address.is_ipv4()),
            (Kind::Aaaa, Record::Address(address)) => assert!(address.is_ipv6()),
            (Kind::Srv, Record::Service(service)) => {
                assert!(service.target.len() <= 255);
                let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                assert!(service.target.bytes().all(fine), "{service:?}");
            }
            (_, other) => panic!("{other:?} was not asked for"),
        }
    }
});
