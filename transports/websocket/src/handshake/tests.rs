use super::*;
use crate::HandshakeError;

/// A request and its answer as real programs exchanged them.
const REQUEST: &str = "GET /~!frp HTTP/1.1\r\nHost: 127.0.0.1:17761\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: Qmr3PkH+iTJTNvtaDOKDnw==\r\n\
    Origin: http://127.0.0.1:17761\r\nSec-WebSocket-Version: 13\r\n\r\n";
const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: G8rR/kNfWTBLzlsoHpBY0lVsmbE=\r\n\r\n";

fn offer() -> Offer {
    let key = STANDARD.decode("Qmr3PkH+iTJTNvtaDOKDnw==").unwrap();
    Offer::new("127.0.0.1:17761", key.try_into().unwrap()).unwrap()
}

#[test]
fn both_sides_write_what_upstream_writes() {
    assert_eq!(offer().request(), REQUEST);
    let upgrade = Upgrade::new(REQUEST.as_bytes()).unwrap();
    assert_eq!(upgrade.response(), ANSWER);
    assert_eq!(offer().accepted(ANSWER.as_bytes()), Ok(()));
}

#[test]
fn a_host_that_would_break_the_request_is_refused() {
    for host in ["", "a b", "a\r\nb", "a/b", "ä"] {
        let made = Offer::new(host, [0; 16]);
        assert_eq!(made, Err(HandshakeError::Host(host.to_owned())));
    }
    assert!(Offer::new("[::1]:7000", [0; 16]).is_ok());
}

fn status(request: &str) -> u16 {
    match Upgrade::new(request.as_bytes()) {
        Ok(_) => 101,
        Err(err) => {
            let text = err.response().unwrap();
            assert!(text.starts_with("HTTP/1.1 ") && text.contains("\r\n\r\n"));
            text.split(' ').nth(1).unwrap().parse().unwrap()
        }
    }
}

#[test]
fn requests_that_are_accepted() {
    for (from, to) in [
        ("", ""),
        ("/~!frp", "/~!frp?x=1"),
        ("Upgrade: websocket", "upgrade: WebSocket"),
        ("Connection: Upgrade", "Connection: keep-alive, upgrade"),
        ("http://127.0.0.1:17761", "https://example.com"),
        ("http://127.0.0.1:17761", "/path"),
        ("\r\n\r\n", "\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"),
    ] {
        assert_eq!(status(&REQUEST.replacen(from, to, 1)), 101, "{to}");
    }
}

#[test]
fn requests_that_are_refused() {
    for (from, to, code) in [
        ("GET", "POST", 405),
        ("/~!frp", "/~!frpc", 404),
        ("/~!frp", "/%7e%21frp", 404),
        ("Host: 127.0.0.1:17761\r\n", "", 400),
        ("Upgrade: websocket", "Upgrade: h2c", 400),
        ("Upgrade: websocket\r\n", "", 400),
        ("Connection: Upgrade", "Connection: close", 400),
        ("Sec-WebSocket-Key: Qmr3PkH+iTJTNvtaDOKDnw==\r\n", "", 400),
        ("Qmr3PkH+iTJTNvtaDOKDnw==", "", 400),
        ("Version: 13", "Version: 8", 400),
        ("Sec-WebSocket-Version: 13\r\n", "", 400),
        ("Origin: http://127.0.0.1:17761\r\n", "", 403),
        ("http://127.0.0.1:17761", "", 403),
        ("http://127.0.0.1:17761", "null", 403),
        ("http://127.0.0.1:17761", "http://a b", 403),
        ("http://127.0.0.1:17761", "1http://a", 403),
        (" HTTP/1.1", "", 400),
        ("Origin:", "Ori gin:", 400),
    ] {
        let request = REQUEST.replacen(from, to, 1);
        assert_eq!(status(&request), code, "{to} for {from}");
    }
}

#[test]
fn a_cut_request_is_malformed() {
    assert_eq!(status(REQUEST.strip_suffix("\r\n").unwrap()), 400);
}

#[test]
fn answers_that_are_accepted() {
    for (from, to) in [
        ("Upgrade: websocket", "upgrade: WEBSOCKET"),
        ("Connection: Upgrade", "connection: upgrade"),
        ("\r\n\r\n", "\r\nServer: nginx\r\n\r\n"),
    ] {
        let answer = ANSWER.replacen(from, to, 1);
        assert_eq!(offer().accepted(answer.as_bytes()), Ok(()), "{to}");
    }
}

#[test]
fn answers_that_are_refused() {
    for (from, to) in [
        ("101 Switching Protocols", "200 OK"),
        ("101 Switching Protocols", "403 Forbidden"),
        ("Upgrade: websocket\r\n", ""),
        ("Connection: Upgrade", "Connection: close"),
        ("G8rR", "H8rR"),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        ),
        ("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n"),
        ("HTTP/1.1", "SMTP"),
        ("\r\n\r\n", "\r\n"),
    ] {
        let answer = ANSWER.replacen(from, to, 1);
        let err = offer().accepted(answer.as_bytes()).unwrap_err();
        assert!(!err.to_string().is_empty(), "{to}");
        if to.starts_with("403") {
            assert_eq!(err, HandshakeError::Status(403));
        }
    }
}
