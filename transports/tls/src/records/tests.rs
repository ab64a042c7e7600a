use rustls::{
    ConnectionTrafficSecrets, SupportedCipherSuite, crypto::ring::cipher_suite as suites,
};

use super::*;
use crate::tests::noise;

/// Keys that follow from their number, so that a peer has the same.
struct Counted {
    suite: SupportedCipherSuite,
    sealing: u8,
    opening: u8,
    tickets: usize,
    /// When there are no more keys.
    last: u8,
}

fn key(suite: SupportedCipherSuite, number: u8) -> (u64, ConnectionTrafficSecrets) {
    let (key, iv) = ([number; 32].into(), [number; 12].into());
    if suite == suites::TLS13_CHACHA20_POLY1305_SHA256 {
        (0, ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv })
    } else {
        (0, ConnectionTrafficSecrets::Aes256Gcm { key, iv })
    }
}

impl Keys for Counted {
    fn suite(&self) -> SupportedCipherSuite {
        self.suite
    }

    fn next_sealing(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        if self.sealing == self.last {
            return Err(Error::General("no more keys".into()));
        }
        self.sealing += 1;
        Ok(key(self.suite, self.sealing))
    }

    fn next_opening(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        self.opening += 1;
        Ok(key(self.suite, self.opening))
    }

    fn takes_tickets(&self) -> bool {
        true
    }

    fn ticket(&mut self, _body: &[u8]) -> Result<(), Error> {
        self.tickets += 1;
        Ok(())
    }
}

const SUITE: SupportedCipherSuite = suites::TLS13_AES_256_GCM_SHA384;

fn records_of(suite: SupportedCipherSuite) -> Records<Counted> {
    let secrets = ExtractedSecrets {
        tx: key(suite, 0),
        rx: key(suite, 0),
    };
    let keys = Counted {
        suite,
        sealing: 0,
        opening: 0,
        tickets: 0,
        last: u8::MAX,
    };
    Records::new(secrets, keys).unwrap()
}

fn records() -> Records<Counted> {
    records_of(SUITE)
}

/// One record as a peer can make it, with any type and any content.
fn record(peer: &mut Protection, kind: u8, plain: &[u8]) -> Vec<u8> {
    let record = [&[0; HEADER][..], plain, &[0; TRAILER][..]];
    let mut record = record.concat();
    peer.seal(ContentType::from(kind), &mut record).unwrap();
    record
}

fn peer() -> Protection {
    Protection::new(key(SUITE, 0)).unwrap()
}

/// What was sealed since this was last asked.
fn sealed(records: &mut Records<Counted>) -> Vec<u8> {
    let output = std::mem::take(&mut records.output);
    output.waiting().to_vec()
}

/// Gives `records` these bytes behind what it has kept; answers the plaintext.
fn give(records: &mut Records<Counted>, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = [&std::mem::take(&mut records.part), bytes].concat();
    let plain = records.open(&mut bytes);
    bytes.truncate(plain);
    bytes
}

#[test]
fn what_is_sealed_in_batches_is_opened_wherever_it_is_cut() {
    for suite in [SUITE, suites::TLS13_CHACHA20_POLY1305_SHA256] {
        let (mut ours, mut theirs) = (records_of(suite), records_of(suite));
        let plain = noise(70_000, 5);
        for cut in [1, 4, 5, 6, 21, 22, 16_405, 16_406, 16_407, 40_000] {
            let slices = [&plain[..12], &plain[12..50_000], &[], &plain[50_000..]];
            let slices = slices.map(IoSlice::new);
            assert_eq!(ours.seal(&slices).unwrap(), plain.len());
            let bytes = sealed(&mut ours);
            assert_eq!(bytes.len(), plain.len() + 5 * (HEADER + TRAILER));
            let front = give(&mut theirs, &bytes[..cut]);
            let rest = give(&mut theirs, &bytes[cut..]);
            assert!([front, rest].concat() == plain, "{cut}");
            assert!(theirs.part.is_empty() && theirs.end.is_none());
        }
    }
}

#[test]
fn padding_and_empty_records_are_nothing() {
    let (mut peer, mut records) = (peer(), records());
    let bytes = [
        record(&mut peer, 0, &[b"one".as_slice(), &[23, 0, 0, 0]].concat()),
        record(&mut peer, 23, b""),
        record(&mut peer, 0, &[23]),
        record(&mut peer, 23, &[0, 7, 0]),
    ]
    .concat();
    assert_eq!(give(&mut records, &bytes), b"one\0\x07\0");
    let longest = vec![1; RECORD];
    let bytes = record(&mut peer, 23, &longest);
    assert_eq!(give(&mut records, &bytes), longest);
    let mut padded = vec![0; RECORD];
    padded[..4].copy_from_slice(b"two\x17");
    let bytes = record(&mut peer, 0, &padded);
    assert_eq!(give(&mut records, &bytes), b"two");
    assert!(records.end.is_none());
}

#[test]
fn a_peer_that_breaks_the_rules_is_told_which() {
    use AlertDescription as Alert;
    let longer = vec![1; RECORD + 1];
    let mut padded = vec![0; RECORD + 1];
    padded[0] = 23;
    let cases: [(u8, &[u8], Alert); 22] = [
        (0, b"", Alert::UnexpectedMessage),
        (0, &[0; 100], Alert::UnexpectedMessage),
        (20, &[1], Alert::UnexpectedMessage),
        (24, &[1, 0, 0], Alert::UnexpectedMessage),
        (99, b"x", Alert::UnexpectedMessage),
        (23, &longer, Alert::RecordOverflow),
        (0, &padded, Alert::RecordOverflow),
        (21, b"", Alert::UnexpectedMessage),
        (21, &[1], Alert::DecodeError),
        (21, &[1, 0, 0], Alert::DecodeError),
        (21, &[1, 90, 1, 0], Alert::DecodeError),
        (22, b"", Alert::UnexpectedMessage),
        (22, &[24, 0, 0, 1, 2], Alert::IllegalParameter),
        (22, &[24, 0, 0, 0], Alert::DecodeError),
        (22, &[24, 0, 0, 2, 0, 0], Alert::DecodeError),
        (22, &[24, 0, 0, 1, 0, 4], Alert::UnexpectedMessage),
        (
            22,
            &[24, 0, 0, 1, 0, 24, 0, 0, 1, 0],
            Alert::UnexpectedMessage,
        ),
        (22, &[4, 1, 0, 0], Alert::DecodeError),
        // A new handshake, a request for a certificate, an end of one, and nothing known.
        (22, &[1, 0, 0, 1, 0], Alert::UnexpectedMessage),
        (22, &[13, 0, 0, 3, 0, 0, 0], Alert::UnexpectedMessage),
        (22, &[20, 0, 0, 32], Alert::UnexpectedMessage),
        (22, &[99, 0, 0, 0], Alert::UnexpectedMessage),
    ];
    for (kind, plain, alert) in cases {
        let (mut peer, mut records) = (peer(), records());
        let bytes = [
            record(&mut peer, 23, b"before"),
            record(&mut peer, kind, plain),
            record(&mut peer, 23, b"behind"),
        ]
        .concat();
        assert_eq!(give(&mut records, &bytes), b"before");
        assert!(records.is_done());
        assert_eq!(records.alert, Some(alert), "{kind} {:?}", plain.get(..5));
        // It is told once, and the error is there for good.
        assert!(records.report().is_err());
        let mut told = sealed(&mut records);
        let (kind, len) = self::peer().open(&mut told, 0).unwrap();
        assert_eq!(kind, ContentType::Alert);
        assert_eq!(told[..len], [FATAL, alert.into()]);
        assert!(records.report().is_err());
        assert!(sealed(&mut records).is_empty());
    }
}

#[test]
fn unprotected_and_too_long_records_are_refused_by_their_header() {
    for (header, alert) in [
        ([20, 3, 3, 0, 1], AlertDescription::UnexpectedMessage),
        ([21, 3, 3, 0, 2], AlertDescription::UnexpectedMessage),
        ([22, 3, 3, 0, 9], AlertDescription::UnexpectedMessage),
        ([23, 3, 3, 0x41, 1], AlertDescription::RecordOverflow),
        ([23, 3, 3, 0xff, 0xff], AlertDescription::RecordOverflow),
    ] {
        let mut records = records();
        assert!(give(&mut records, &header).is_empty());
        assert_eq!(records.alert, Some(alert), "{header:?}");
    }
    let mut records = records();
    assert!(give(&mut records, &[23, 3, 3, 0x41, 0]).is_empty());
    assert!(records.end.is_none() && records.part.len() == HEADER);
}

#[test]
fn a_changed_bit_is_found_wherever_it_is() {
    let whole = record(&mut peer(), 23, b"secret");
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let mut records = records();
        assert!(give(&mut records, &bytes).is_empty());
        // A length that grew waits for the rest.
        assert!(records.end.is_some() || !records.part.is_empty(), "{bit}");
    }
    // Neither may a record come twice.
    let mut records = records();
    assert_eq!(
        give(&mut records, &[&whole[..], &whole].concat()),
        b"secret"
    );
    assert_eq!(records.alert, Some(AlertDescription::BadRecordMac));
}

#[test]
fn an_end_is_an_end_and_a_refusal_an_error() {
    let (mut peer, mut records) = (peer(), records());
    let bytes = [
        record(&mut peer, 21, &[1, 90]), // user_canceled says only that an end will follow
        record(&mut peer, 23, b"last"),
        record(&mut peer, 21, &[1, 0]),
        record(&mut peer, 23, b"too late"),
    ]
    .concat();
    assert_eq!(give(&mut records, &bytes), b"last");
    assert!(matches!(records.end, Some(End::Closed)));
    assert!(records.report().is_ok() && !records.is_done());
    // The other direction is open.
    assert_eq!(records.seal(&[IoSlice::new(b"answer")]).unwrap(), 6);
    records.close().unwrap();
    assert!(records.is_done());

    let mut records = self::records();
    give(&mut records, &record(&mut self::peer(), 21, &[2, 40]));
    assert!(records.report().is_err() && sealed(&mut records).is_empty());
}

#[test]
fn tickets_may_come_in_pieces_but_not_in_between() {
    let (mut peer, mut records) = (peer(), records());
    let ticket = [4, 0, 0, 3, 7, 7, 7];
    for cut in 1..ticket.len() {
        give(&mut records, &record(&mut peer, 22, &ticket[..cut]));
        give(&mut records, &record(&mut peer, 22, &ticket[cut..]));
    }
    assert_eq!(records.keys.tickets, ticket.len() - 1);
    assert!(records.end.is_none());
    give(&mut records, &record(&mut peer, 22, &ticket[..5]));
    give(&mut records, &record(&mut peer, 23, b"data"));
    assert_eq!(records.alert, Some(AlertDescription::UnexpectedMessage));
}

#[test]
fn a_key_update_that_is_asked_for_comes_before_the_next_data() {
    let (mut ours, mut peer) = (records(), peer());
    let asked = record(&mut peer, 22, &[24, 0, 0, 1, 1]);
    assert!(give(&mut ours, &asked).is_empty());
    assert!(ours.output.is_empty());
    let mut peer = Protection::new(key(SUITE, 1)).unwrap();
    assert_eq!(
        give(&mut ours, &record(&mut peer, 23, b"new key")),
        b"new key"
    );
    let mut theirs = records();
    for text in [b"one", b"two"] {
        ours.seal(&[IoSlice::new(text)]).unwrap();
        assert_eq!(give(&mut theirs, &sealed(&mut ours)), text);
        assert_eq!((ours.keys.sealing, theirs.keys.opening), (1, 1));
    }
}

#[test]
fn a_key_seals_only_so_many_records() {
    let (mut ours, mut theirs) = (records(), records());
    ours.most = 3;
    let plain = noise(10 * RECORD, 9);
    ours.seal(&[IoSlice::new(&plain)]).unwrap();
    let bytes = sealed(&mut ours);
    assert!(give(&mut theirs, &bytes) == plain);
    assert_eq!((ours.keys.sealing, theirs.keys.opening), (3, 3));
}

/// What a peer can say for ever.
#[test]
fn records_without_data_come_to_an_end() {
    let ticket: &[u8] = &[4, 0, 0, 1, 7];
    for (kind, plain) in [
        (22, &KEY_UPDATE[..]),
        (22, ticket),
        (23, b""),
        (21, &[1, 90]),
    ] {
        for (between, ends) in [(&b""[..], true), (b"data", false)] {
            let mut records = records();
            for number in 0..=u8::try_from(MOST_WITHOUT_DATA).unwrap() {
                assert!(records.end.is_none());
                // Only a key update changes the key.
                let (key_number, record_number) = match plain {
                    [24, ..] => (number, 0),
                    _ => (0, u64::from(number) * (1 + u64::from(!between.is_empty()))),
                };
                let (_, secrets) = key(SUITE, key_number);
                let mut peer = Protection::new((record_number, secrets)).unwrap();
                if !between.is_empty() {
                    give(&mut records, &record(&mut peer, 23, between));
                }
                give(&mut records, &record(&mut peer, kind, plain));
            }
            assert_eq!(records.end.is_some(), ends, "{plain:?}");
            let alert = ends.then_some(AlertDescription::UnexpectedMessage);
            assert_eq!(records.alert, alert);
        }
    }
}

#[test]
fn a_key_update_may_come_in_pieces_and_behind_a_ticket() {
    let all = [&[4, 0, 0, 1, 7][..], &KEY_UPDATE].concat();
    for cut in 1..all.len() {
        let (mut peer, mut records) = (peer(), records());
        let bytes = [
            record(&mut peer, 22, &all[..cut]),
            record(&mut peer, 22, &all[cut..]),
            record(&mut Protection::new(key(SUITE, 1)).unwrap(), 23, b"new key"),
        ]
        .concat();
        assert_eq!(give(&mut records, &bytes), b"new key", "{cut}");
        assert_eq!((records.keys.tickets, records.keys.opening), (1, 1));
        // The key before is of no use.
        give(&mut records, &record(&mut peer, 23, b"old key"));
        assert_eq!(records.alert, Some(AlertDescription::BadRecordMac));
    }
}

#[test]
fn nothing_comes_between_the_pieces_of_a_message() {
    for (kind, plain) in [(23, &b"data"[..]), (23, b""), (21, &[1, 0]), (21, &[2, 40])] {
        let (mut peer, mut records) = (peer(), records());
        give(&mut records, &record(&mut peer, 22, &KEY_UPDATE[..3]));
        give(&mut records, &record(&mut peer, kind, plain));
        assert_eq!(records.alert, Some(AlertDescription::UnexpectedMessage));
    }
}

#[test]
fn many_requests_are_answered_once_and_also_without_data_of_theirs() {
    let mut ours = records();
    for number in 0..5 {
        let mut peer = Protection::new(key(SUITE, number)).unwrap();
        give(&mut ours, &record(&mut peer, 22, &[24, 0, 0, 1, 1]));
    }
    ours.seal(&[IoSlice::new(b"one")]).unwrap();
    let mut bytes = sealed(&mut ours);
    bytes.truncate(HEADER + KEY_UPDATE.len() + TRAILER);
    let (kind, len) = peer().open(&mut bytes, 0).unwrap();
    assert_eq!(
        (kind, &bytes[..len]),
        (ContentType::Handshake, &KEY_UPDATE[..])
    );
    assert_eq!(ours.keys.sealing, 1);
}

#[test]
fn without_another_key_nothing_more_is_sealed() {
    let mut ours = records();
    (ours.most, ours.keys.last) = (2, 1);
    let plain = noise(10 * RECORD, 3);
    assert!(ours.seal(&[IoSlice::new(&plain)]).is_err());
    assert!(ours.is_done() && ours.report().is_err());
    // Neither is an end: nobody may take what is missing for all there was.
    sealed(&mut ours);
    ours.close().unwrap();
    assert!(sealed(&mut ours).is_empty());
}

#[test]
fn the_number_of_a_record_never_starts_anew() {
    let (_, secrets) = key(SUITE, 0);
    let mut last = Protection::new((u64::MAX, secrets)).unwrap();
    let mut bytes = [0; HEADER + TRAILER];
    assert!(last.seal(ContentType::ApplicationData, &mut bytes).is_err());
    assert!(last.open(&mut bytes, 0).is_err());
    // A key is replaced long before, also if its suite has no limit of its own.
    let ours = records_of(suites::TLS13_CHACHA20_POLY1305_SHA256);
    assert!(ours.most < u64::MAX);
    assert!(records().most <= 1 << 24);
}

#[test]
fn the_closing_alert_is_made_once() {
    let mut ours = records();
    ours.close().unwrap();
    let mut bytes = sealed(&mut ours);
    let (kind, len) = peer().open(&mut bytes, 0).unwrap();
    assert_eq!((kind, &bytes[..len]), (ContentType::Alert, &[1, 0][..]));
    ours.close().unwrap();
    assert!(sealed(&mut ours).is_empty());
}

#[test]
fn who_ends_after_a_failure_tells_of_it() {
    let mut ours = records();
    give(&mut ours, &record(&mut peer(), 22, b""));
    ours.close().unwrap();
    let mut bytes = sealed(&mut ours);
    let (_, len) = peer().open(&mut bytes, 0).unwrap();
    assert_eq!(
        bytes[..len],
        [FATAL, AlertDescription::UnexpectedMessage.into()]
    );
    // Nobody is told twice, nor behind the end.
    assert!(ours.report().is_err() && sealed(&mut ours).is_empty());
    let mut ours = records();
    ours.close().unwrap();
    sealed(&mut ours);
    give(&mut ours, &record(&mut peer(), 22, b""));
    assert!(ours.report().is_err() && sealed(&mut ours).is_empty());
}
