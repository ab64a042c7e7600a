use super::*;

/// An answer to `query` with these flags and records (type, data), whose names are pointers.
fn answer(query: &Query, flags: u16, records: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = query.bytes().to_vec();
    bytes[2..4].copy_from_slice(&(RESPONSE | flags).to_be_bytes());
    bytes[7] = u8::try_from(records.len()).unwrap();
    for (kind, data) in records {
        bytes.extend([0xc0, 12]);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 60]);
        bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(*data);
    }
    bytes
}

fn query() -> Query {
    Query::new(0x1234, "Frps.example", Kind::A).unwrap()
}

#[test]
fn a_question_as_bytes() {
    let bytes =
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04Frps\x07example\x00\x00\x01\x00\x01";
    assert_eq!(query().bytes(), bytes);
}

#[test]
fn what_cannot_be_asked() {
    let long = "a.".repeat(130) + "a";
    for name in ["", "a..b", ".a", &"a".repeat(64), &long] {
        assert_eq!(Query::new(1, name, Kind::A), None, "{name}");
    }
}

#[test]
fn addresses_behind_an_alias() {
    let records: [(u16, &[u8]); 4] = [
        (5, b"\x03www\xc0\x0c"),
        (TYPE_A, &[1, 2, 3, 4]),
        (TYPE_AAAA, &[0; 16]),
        (TYPE_A, &[5, 6, 7, 8]),
    ];
    let found = query().answer(&answer(&query(), 0, &records));
    let expected = ["1.2.3.4", "5.6.7.8"].map(|a| Record::Address(a.parse().unwrap()));
    assert_eq!(found, Some(Answer::Found(expected.to_vec())));
}

#[test]
fn refusals_and_long_answers() {
    let code = |flags| query().answer(&answer(&query(), flags, &[]));
    assert_eq!(code(3), Some(Answer::Found(Vec::new())));
    assert_eq!(code(TRUNCATED), Some(Answer::Truncated));
    for flags in [1, 2, 5, 9] {
        assert!(matches!(code(flags), Some(Answer::Refused(_))));
    }
}

#[test]
fn what_is_no_answer() {
    let other = Query::new(0x1234, "other.example", Kind::A).unwrap();
    assert_eq!(query().answer(&answer(&other, 0, &[])), None);
    let other = Query::new(0x1235, "frps.example", Kind::A).unwrap();
    assert_eq!(query().answer(&answer(&other, 0, &[])), None);
    assert_eq!(query().answer(query().bytes()), None);
    assert_eq!(query().answer(b""), None);
}

#[test]
fn an_answer_cut_anywhere_gives_what_is_there() {
    let whole = answer(&query(), 0, &[(TYPE_A, &[1, 2, 3, 4])]);
    for cut in 0..whole.len() {
        let found = query().answer(&whole[..cut]);
        assert!(!matches!(found, Some(Answer::Found(a)) if !a.is_empty()));
    }
}

/// The data of a service record: `target` as it is on the wire.
fn service(priority: u16, weight: u16, port: u16, target: &[u8]) -> Vec<u8> {
    let numbers = [priority, weight, port].map(u16::to_be_bytes).concat();
    [&numbers, target].concat()
}

fn services(records: &[&[u8]]) -> Vec<Service> {
    let asked = Query::new(7, "_frp._tcp.frps.example", Kind::Srv).unwrap();
    let records: Vec<_> = records.iter().map(|data| (TYPE_SRV, *data)).collect();
    let Some(Answer::Found(found)) = asked.answer(&answer(&asked, 0, &records)) else {
        panic!("no answer");
    };
    let service = |record| match record {
        Record::Service(service) => service,
        Record::Address(_) => panic!("an address"),
    };
    found.into_iter().map(service).collect()
}

#[test]
fn services_with_whole_and_shortened_names() {
    // The question's name begins at 12, its third label at 12 + 5 + 5.
    let whole = service(1, 2, 7000, b"\x01A\x04frps\x07example\x00");
    let short = service(3, 4, 7001, b"\x01b\xc0\x16");
    let none = service(0, 0, 0, b"\x00");
    let found = services(&[&whole, &short, &none]);
    let all: Vec<_> = found
        .iter()
        .map(|s| (s.priority, s.weight, s.port, s.target.as_str()))
        .collect();
    assert_eq!(
        all,
        [
            (1, 2, 7000, "a.frps.example"),
            (3, 4, 7001, "b.frps.example"),
            (0, 0, 0, "")
        ]
    );
}

#[test]
fn services_that_mean_nothing_are_passed_over() {
    let good = service(0, 0, 1, b"\x01a\x00");
    // Where the first target begins: after header, question, and the front of the record.
    let own = 12 + 28 + 12 + 6;
    for target in [
        // No end, beyond the record, beyond the message, a control byte, a dot inside a label.
        b"\x01a".as_slice(),
        b"\x09a\x00",
        b"\xff\xff",
        b"\x01\n\x00",
        b"\x03a.b\x00",
        // To itself, and forward.
        &[0xc0, own],
        &[0xc0, own + 4],
    ] {
        let bad = service(0, 0, 1, target);
        let found = services(&[&bad, &good]);
        assert!(
            found.iter().all(|s| s.target == "a"),
            "{target:?}: {found:?}"
        );
    }
}
