use super::{Scanner, Verdict};

const PASSES: [&str; 15] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\ncontent-length: \t 3 \t\r\n\r\n\n\rx",
    "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na\nb\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTRANSFER-ENCODING:CHUNKED\r\n\r\n00a;x=\"y\"\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1; a = \"\\\"\tb\" ;c=d;e\r\n!\r\n0;f\r\nX-Y: z\r\n\r\n",
    "GET / HTTP/1.1\r\nX: \r\n:x\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Lengthy: x\r\nX-Transfer-Encoding: y\r\n\r\n",
    "GET / HTTP/1.1\r\nX: a: b\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "PUT / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nabcde\r\n",
];

/// What must be refused, and in which byte at the latest.
const REFUSED: [&str; 27] = [
    "GET / HTTP/1.1\n|",
    "GET / HTTP/1.1\r\nHost: a\n|",
    "GET / HTTP/1.1\r\nHost: a\rb|",
    "GET / HTTP/1.1\rX|",
    "GET / HTTP/1.1\r\n\rX|",
    "\n|",
    "GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n|",
    "GET / HTTP/1.1\r\nHost: a\r\n\tb: c\r\n|",
    "GET / HTTP/1.1\r\n Host: a\r\n|",
    "GET / HTTP/1.1\r\nno colon\r\n|",
    "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n|",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n|",
    "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n|",
    "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n|",
    "POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n|",
    "POST / HTTP/1.1\r\nContent-Length: +3\r\n|",
    "POST / HTTP/1.1\r\nContent-Length: -3\r\n|",
    "POST / HTTP/1.1\r\nContent-Length: 0x3\r\n|",
    "POST / HTTP/1.1\r\nContent-Length: \r\n|",
    "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n|",
    "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n|",
    "POST / HTTP/1.1\r\nTransfer-Encoding: \x0bchunked\r\n|",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n|",
    "POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n|",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\n|",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n|",
    "CONNECT a:1 HTTP/1.1\r\nContent-Length: 3\r\n\r\n|",
];

const REFUSED_CHUNKS: [&str; 8] = [
    "x\r\n",
    " 3\r\n",
    "3 \r\n",
    "\r\n",
    "-1\r\n",
    "0x3\r\n",
    "fffffffffffffffff\r\n",
    "0\r\n folded\r\n",
];

/// Scans in pieces of `size`; how many bytes passed until the verdict that was not to pass.
fn scan(text: &str, size: usize) -> (Scanner, Result<(), (usize, Verdict)>) {
    let mut scanner = Scanner::new();
    let mut before = 0;
    for piece in text.as_bytes().chunks(size) {
        match scanner.scan(piece) {
            Verdict::Pass => before += piece.len(),
            verdict @ (Verdict::Refuse(at) | Verdict::Wait(at)) => {
                return (scanner, Err((before + at, verdict)));
            }
        }
    }
    (scanner, Ok(()))
}

#[test]
fn passes_what_is_plain_in_any_pieces() {
    for text in PASSES {
        for size in 1..=text.len() {
            assert_eq!(scan(text, size).1, Ok(()), "{text:?} in {size}");
        }
    }
}

#[test]
fn refuses_what_is_in_doubt_in_any_pieces() {
    let chunks = REFUSED_CHUNKS
        .map(|body| format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}|"));
    let first = REFUSED.iter().map(|text| (*text).to_owned()).chain(chunks);
    for text in first {
        let (text, _) = text.split_once('|').unwrap();
        let second = format!("GET / HTTP/1.1\r\nHost: a\r\n\r\n{text}");
        for text in [text, &second] {
            for size in 1..=text.len() {
                let (_, result) = scan(text, size);
                let Err((passed, Verdict::Refuse(_))) = result else {
                    panic!("{text:?} in {size}: {result:?}");
                };
                assert!(passed < text.len());
            }
        }
    }
}

#[test]
fn waits_behind_a_request_that_leaves_http() {
    for head in [
        "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nupgrade: h2c\r\nContent-Length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\nupgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let text = format!("{head}\n\x16raw");
        for size in 1..=text.len() {
            let (mut scanner, result) = scan(&text, size);
            let (at, _) = result.unwrap_err();
            assert_eq!(at, head.len(), "{head:?} in {size}");
            assert!(scanner.waits());
            scanner.settle(true);
            assert_eq!(scanner.scan(b"\n\x16raw"), Verdict::Pass);
        }
        let (mut scanner, _) = scan(&text, text.len());
        scanner.settle(false);
        assert_eq!(scanner.scan(b"GET / HTTP/1.1\r\n\r\n"), Verdict::Pass);
        assert_eq!(scanner.scan(b"\n"), Verdict::Refuse(0));
    }
}

#[test]
fn a_line_has_a_bound() {
    let mut scanner = Scanner::new();
    let long = vec![b'a'; 64 * 1024];
    assert_eq!(scanner.scan(&long), Verdict::Pass);
    assert_eq!(scanner.scan(&long), Verdict::Pass);
    assert_eq!(scanner.scan(&long), Verdict::Refuse(0));
    let (mut scanner, _) = scan(
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        1000,
    );
    assert_eq!(scanner.scan(&long), Verdict::Refuse(0));
}

#[test]
fn knows_when_a_head_is_incomplete() {
    for (text, incomplete) in [
        ("", false),
        ("G", true),
        ("GET / HTTP/1.1\r\n", true),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r", true),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", false),
        ("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", false),
    ] {
        assert_eq!(scan(text, 100).0.in_head(), incomplete, "{text:?}");
    }
}

/// Soup of what matters to the scanner, from a seed.
fn soup(seed: u64) -> String {
    const BITS: [&str; 20] = [
        "\r\n",
        "\r\n",
        "\r\n\r\n",
        "\r\n\r\n",
        "\r",
        "\n",
        " ",
        "\t",
        ":",
        ";",
        "3",
        "0",
        "a",
        "GET / HTTP/1.1\r\n",
        "POST / HTTP/1.1\r\n",
        "CONNECT ",
        "Upgrade: x\r\n",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "abc",
    ];
    let mut dice = seed;
    let roll = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        BITS[usize::try_from(dice >> 33).unwrap() % BITS.len()]
    };
    std::iter::repeat_with(roll).take(5).collect()
}

#[test]
fn the_verdict_does_not_depend_on_the_pieces() {
    let mut kinds = [0; 3];
    for seed in 0..3000 {
        let text = format!("POST / HTTP/1.1\r\n{}", soup(seed));
        let whole = scan(&text, text.len()).1;
        for size in [1, 2, 3, 7, 30] {
            let pieces = scan(&text, size).1;
            let place = |r: Result<(), (usize, Verdict)>| {
                r.map_err(|(at, verdict)| (at, matches!(verdict, Verdict::Wait(_))))
            };
            assert_eq!(place(pieces), place(whole), "{text:?} in {size}");
        }
        kinds[match whole {
            Ok(()) => 0,
            Err((_, Verdict::Wait(_))) => 1,
            Err(_) => 2,
        }] += 1;
    }
    assert!(kinds.iter().all(|seen| *seen > 10), "{kinds:?}");
}
