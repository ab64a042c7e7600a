//! Requests that two HTTP/1 parsers could read differently: one would see a second request where
//! the other sees a body, or another host, or other headers.
//!
//! After RFC 9112 (2.2, 3, 5, 6, 7.1, 11.2) and what is publicly known of CL.TE, TE.CL and TE.TE
//! pairs, folded and bare lines, and chunk extensions. All are for the host `a.test`. A good server
//! answers 400 or another 4xx or 505, once, closes, and takes what follows for nothing.

/// A POST with these fields, and a body that ends it whichever way it is read.
macro_rules! post {
    ($fields:literal) => {
        concat!(
            "POST / HTTP/1.1\r\nHost: a.test\r\n",
            $fields,
            "\r\n\r\n0\r\n\r\n"
        )
    };
}

/// A POST with this chunked body.
macro_rules! chunks {
    ($body:literal) => {
        concat!(
            "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n",
            $body
        )
    };
}

/// Whose head is in doubt: nothing of them may reach a backend.
pub const DOUBTFUL_HEADS: &[(&str, &str)] = &[
    // A length and chunks.
    (
        "length, then chunked",
        post!("Content-Length: 4\r\nTransfer-Encoding: chunked"),
    ),
    (
        "chunked, then length",
        post!("Transfer-Encoding: chunked\r\nContent-Length: 4"),
    ),
    (
        "length of none, then chunked",
        post!("Content-Length: 0\r\nTransfer-Encoding: chunked"),
    ),
    (
        "length, then chunked after a tab",
        post!("Content-Length: 4\r\nTransfer-Encoding:\tchunked"),
    ),
    (
        "length, then chunked in capitals",
        post!("Content-Length: 4\r\nTRANSFER-ENCODING: CHUNKED"),
    ),
    (
        "length, then identity",
        post!("Content-Length: 4\r\nTransfer-Encoding: identity"),
    ),
    // Lengths that are none, or two.
    (
        "two equal lengths",
        post!("Content-Length: 5\r\nContent-Length: 5"),
    ),
    (
        "two lengths",
        post!("Content-Length: 5\r\nContent-Length: 6"),
    ),
    (
        "two lengths in other case",
        post!("Content-Length: 5\r\ncontent-length: 6"),
    ),
    ("a list of equal lengths", post!("Content-Length: 5, 5")),
    ("a list of lengths", post!("Content-Length: 5,6")),
    (
        "a list of lengths with a gap",
        post!("Content-Length: 5,,5"),
    ),
    ("a length with a plus", post!("Content-Length: +5")),
    ("a negative length", post!("Content-Length: -5")),
    ("a hexadecimal length", post!("Content-Length: 0x5")),
    ("a length with a fraction", post!("Content-Length: 5.0")),
    ("a length with an exponent", post!("Content-Length: 5e0")),
    ("a length with a separator", post!("Content-Length: 1_0")),
    ("a length with a blank", post!("Content-Length: 5 5")),
    ("a length with letters", post!("Content-Length: 5a")),
    ("a length with a parameter", post!("Content-Length: 5;a=b")),
    ("a quoted length", post!("Content-Length: \"5\"")),
    ("an empty length", post!("Content-Length:")),
    ("a blank length", post!("Content-Length:  \t")),
    (
        "a length beyond 64 bits",
        post!("Content-Length: 18446744073709551621"),
    ),
    ("a length of other digits", post!("Content-Length: \u{663}")),
    (
        "a length after a vertical tab",
        post!("Content-Length: \x0b5"),
    ),
    ("a length before a NUL", post!("Content-Length: 5\0")),
    // Transfer codings that are not just chunked.
    (
        "chunked twice in two lines",
        post!("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    ),
    (
        "chunked, then identity",
        post!("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
    ),
    (
        "identity, then chunked",
        post!("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"),
    ),
    (
        "chunked, then unknown",
        post!("Transfer-Encoding: chunked\r\nTransfer-encoding: cow"),
    ),
    (
        "chunked twice in one line",
        post!("Transfer-Encoding: chunked, chunked"),
    ),
    (
        "gzip and chunked",
        post!("Transfer-Encoding: gzip, chunked"),
    ),
    (
        "chunked and gzip",
        post!("Transfer-Encoding: chunked, gzip"),
    ),
    ("identity alone", post!("Transfer-Encoding: identity")),
    ("an unknown coding", post!("Transfer-Encoding: xchunked")),
    ("half a coding", post!("Transfer-Encoding: chunk")),
    (
        "a coding with a parameter",
        post!("Transfer-Encoding: chunked;q=1"),
    ),
    (
        "a coding behind a comma",
        post!("Transfer-Encoding: ,chunked"),
    ),
    (
        "a coding before a comma",
        post!("Transfer-Encoding: chunked,"),
    ),
    ("a quoted coding", post!("Transfer-Encoding: \"chunked\"")),
    (
        "a coding in apostrophes",
        post!("Transfer-Encoding: 'chunked'"),
    ),
    ("no coding", post!("Transfer-Encoding:")),
    (
        "a coding after a vertical tab",
        post!("Transfer-Encoding: \x0bchunked"),
    ),
    (
        "a coding before a form feed",
        post!("Transfer-Encoding: chunked\x0c"),
    ),
    (
        "a coding before a NUL",
        post!("Transfer-Encoding: chunked\0"),
    ),
    (
        "a coding after a wide blank",
        post!("Transfer-Encoding: \u{a0}chunked"),
    ),
    (
        "chunked in HTTP/1.0",
        "POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    // Names that hide a field.
    (
        "a blank before the colon of a length",
        post!("Content-Length : 5"),
    ),
    (
        "a tab before the colon of a length",
        post!("Content-Length\t: 5"),
    ),
    (
        "a blank before the colon of a coding",
        post!("Transfer-Encoding : chunked"),
    ),
    (
        "a NUL before the colon of a coding",
        post!("Transfer-Encoding\0: chunked"),
    ),
    ("a NUL in a name", post!("Content\0-Length: 5")),
    ("a blank in a name", post!("Content Length: 5")),
    ("a bracket in a name", post!("Content-Length(: 5")),
    (
        "a letter of another script in a name",
        post!("\u{421}ontent-Length: 5"),
    ),
    ("no name", post!(": 5")),
    ("no colon", post!("Content-Length")),
    ("a pseudo-header", post!(":method: GET")),
    // Folded lines.
    ("a folded value", post!("X: a\r\n b")),
    ("a value folded with a tab", post!("X: a\r\n\tb")),
    ("a folded length", post!("Content-Length:\r\n 5")),
    ("a folded coding", post!("Transfer-Encoding:\r\n chunked")),
    (
        "a length that looks folded",
        post!("X: a\r\n Content-Length: 5"),
    ),
    (
        "a fold before the first field",
        "GET / HTTP/1.1\r\n Host: b.test\r\nHost: a.test\r\n\r\n",
    ),
    ("a line of blanks", post!("X: a\r\n ")),
    // Line ends.
    ("LF only", "GET / HTTP/1.1\nHost: a.test\n\n"),
    (
        "LF behind the request line",
        "GET / HTTP/1.1\nHost: a.test\r\n\r\n",
    ),
    ("LF in front of a length", post!("X: a\nContent-Length: 5")),
    (
        "LF in front of a coding",
        post!("X: a\nTransfer-Encoding: chunked"),
    ),
    (
        "LF behind a coding",
        post!("Transfer-Encoding: chunked\nX: a"),
    ),
    (
        "LF as the end of the head",
        "GET / HTTP/1.1\r\nHost: a.test\r\n\n",
    ),
    ("CR only", "GET / HTTP/1.1\rHost: a.test\r\r"),
    ("CR in front of a length", post!("X: a\rContent-Length: 5")),
    (
        "CR in front of a coding",
        post!("X: a\r\rTransfer-Encoding: chunked"),
    ),
    ("CR CR LF", post!("X: a\r\r\nContent-Length: 5")),
    ("CR in a name", post!("Content\r-Length: 5")),
    (
        "CR as the end of the head",
        "GET / HTTP/1.1\r\nHost: a.test\r\n\r\r\n",
    ),
    ("a NUL in a value", post!("X: a\0b")),
    ("an escape in a value", post!("X: a\x1bb")),
    ("a DEL in a value", post!("X: a\x7fb")),
    // Request lines.
    (
        "two blanks before the target",
        "GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n",
    ),
    (
        "two blanks before the version",
        "GET /  HTTP/1.1\r\nHost: a.test\r\n\r\n",
    ),
    (
        "tabs in the request line",
        "GET\t/\tHTTP/1.1\r\nHost: a.test\r\n\r\n",
    ),
    (
        "a blank in front",
        " GET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
    ),
    (
        "a blank behind the version",
        "GET / HTTP/1.1 \r\nHost: a.test\r\n\r\n",
    ),
    (
        "a blank in the target",
        "GET /a HTTP/1.1 /b HTTP/1.1\r\nHost: a.test\r\n\r\n",
    ),
    (
        "a vertical tab as a blank",
        "GET\x0b/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
    ),
    ("no version", "GET /\r\nHost: a.test\r\n\r\n"),
    ("no target", "GET HTTP/1.1\r\nHost: a.test\r\n\r\n"),
    (
        "a version that is none",
        "GET / HTTP/1.1.1\r\nHost: a.test\r\n\r\n",
    ),
    (
        "a version of two digits",
        "GET / HTTP/1.10\r\nHost: a.test\r\n\r\n",
    ),
    (
        "a version with a zero in front",
        "GET / HTTP/01.1\r\nHost: a.test\r\n\r\n",
    ),
    ("a later version", "GET / HTTP/3.0\r\nHost: a.test\r\n\r\n"),
    (
        "a version in small letters",
        "GET / http/1.1\r\nHost: a.test\r\n\r\n",
    ),
    (
        "a NUL in the target",
        "GET /\0 HTTP/1.1\r\nHost: a.test\r\n\r\n",
    ),
    (
        "a NUL in the method",
        "G\0ET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
    ),
    (
        "half an escape in the path",
        "GET /%4 HTTP/1.1\r\nHost: a.test\r\n\r\n",
    ),
    (
        "an escape that is none in the path",
        "GET /%zz HTTP/1.1\r\nHost: a.test\r\n\r\n",
    ),
    // Hosts.
    ("no host", "GET / HTTP/1.1\r\nX: a\r\n\r\n"),
    (
        "two hosts",
        "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n",
    ),
    (
        "two equal hosts",
        "GET / HTTP/1.1\r\nHost: a.test\r\nhost: a.test\r\n\r\n",
    ),
    (
        "a list of hosts",
        "GET / HTTP/1.1\r\nHost: a.test, b.test/\r\n\r\n",
    ),
    (
        "a host with a blank",
        "GET / HTTP/1.1\r\nHost: a.test b.test\r\n\r\n",
    ),
    (
        "a host with a path",
        "GET / HTTP/1.1\r\nHost: a.test/b\r\n\r\n",
    ),
    (
        "a host with a user",
        "GET / HTTP/1.1\r\nHost: b.test@a.test\r\n\r\n",
    ),
    (
        "a host with a query",
        "GET / HTTP/1.1\r\nHost: a.test?b\r\n\r\n",
    ),
    (
        "a host of another script",
        "GET / HTTP/1.1\r\nHost: \u{430}.test\r\n\r\n",
    ),
    (
        "a blank before the colon of the host",
        "GET / HTTP/1.1\r\nHost : a.test\r\n\r\n",
    ),
    (
        "a folded host",
        "GET / HTTP/1.1\r\nHost:\r\n a.test\r\n\r\n",
    ),
    (
        "another host in the target",
        "GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
    ),
    (
        "another host in the header",
        "GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n",
    ),
    (
        "a CONNECT with another host",
        "CONNECT a.test:443 HTTP/1.1\r\nHost: b.test\r\n\r\n",
    ),
    (
        "a CONNECT with a length",
        "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\n",
    ),
    (
        "a CONNECT with chunks",
        "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    // Not HTTP/1.
    ("TLS", "\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n"),
    ("an answer", "HTTP/1.1 200 OK\r\nHost: a.test\r\n\r\n"),
];

/// Whose body is in doubt: the head may have been passed on by then, what follows may not.
pub const DOUBTFUL_BODIES: &[(&str, &str)] = &[
    ("a size that is none", chunks!("zz\r\nabc\r\n0\r\n\r\n")),
    ("an empty size", chunks!("\r\nabc\r\n0\r\n\r\n")),
    ("a negative size", chunks!("-3\r\nabc\r\n0\r\n\r\n")),
    ("a size with a plus", chunks!("+3\r\nabc\r\n0\r\n\r\n")),
    ("a size with a prefix", chunks!("0x3\r\nabc\r\n0\r\n\r\n")),
    ("a blank before a size", chunks!(" 3\r\nabc\r\n0\r\n\r\n")),
    ("a blank behind a size", chunks!("3 \r\nabc\r\n0\r\n\r\n")),
    ("a separator in a size", chunks!("0_3\r\nabc\r\n0\r\n\r\n")),
    (
        "a size beyond 64 bits",
        chunks!("10000000000000003\r\nabc\r\n0\r\n\r\n"),
    ),
    ("a size with a NUL", chunks!("3\0\r\nabc\r\n0\r\n\r\n")),
    ("a size ended by LF", chunks!("3\nabc\r\n0\r\n\r\n")),
    ("a size ended by CR", chunks!("3\rabc\r\n0\r\n\r\n")),
    ("an extension ended by LF", chunks!("3;a\nabc\r\n0\r\n\r\n")),
    (
        "an extension with CR",
        chunks!("3;a\rb\r\nabc\r\n0\r\n\r\n"),
    ),
    (
        "an extension with a NUL",
        chunks!("3;a\0\r\nabc\r\n0\r\n\r\n"),
    ),
    (
        "an extension without a name",
        chunks!("3;\r\nabc\r\n0\r\n\r\n"),
    ),
    (
        "an extension without a value",
        chunks!("3;a=\r\nabc\r\n0\r\n\r\n"),
    ),
    (
        "an extension with a blank",
        chunks!("3;a b\r\nabc\r\n0\r\n\r\n"),
    ),
    (
        "an extension with an open quote",
        chunks!("3;a=\"b\r\nabc\r\n0\r\n\r\n"),
    ),
    (
        "a chunk longer than its size",
        chunks!("3\r\nabcd\r\n0\r\n\r\n"),
    ),
    ("a chunk ended by LF", chunks!("3\r\nabc\n0\r\n\r\n")),
    ("a chunk ended by CR", chunks!("3\r\nabc\r0\r\n\r\n")),
    ("a chunk that is not ended", chunks!("3\r\nabc0\r\n\r\n")),
    ("a last chunk ended by LF", chunks!("3\r\nabc\r\n0\n\n")),
    ("trailers ended by LF", chunks!("0\r\nX: a\n\r\n")),
    ("trailers that end in LF", chunks!("0\r\nX: a\r\n\n")),
    ("a folded trailer", chunks!("0\r\nX: a\r\n b\r\n\r\n")),
    (
        "a trailer without a colon",
        chunks!("0\r\nGET / HTTP/1.1\r\n\r\n"),
    ),
    (
        "a trailer with a blank in its name",
        chunks!("0\r\nX : a\r\n\r\n"),
    ),
    (
        "a length as a trailer",
        chunks!("0\r\nContent-Length: 5\r\n\r\n"),
    ),
    (
        "a coding as a trailer",
        chunks!("0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ),
    ("a host as a trailer", chunks!("0\r\nHost: b.test\r\n\r\n")),
    (
        "a login as a trailer",
        chunks!("0\r\nAuthorization: Basic YTpi\r\n\r\n"),
    ),
];

/// What a test sends behind each: a server that sees it as a request was deceived.
pub const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n";
