//! What a fresh connection on the bind port is, told from its first bytes (protocol 1.1).

/// The vhost services that share the bind port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// `vhostHTTPPort` equals `bindPort`.
    pub http: bool,
    /// `vhostHTTPSPort` equals `bindPort`.
    pub https: bool,
}

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// More bytes are needed to tell.
    NeedMore,
    /// A WebSocket request for the tunnel.
    Websocket,
    /// A request for the http vhost.
    VhostHttp,
    /// A TLS handshake for the https vhost.
    VhostHttps,
    /// A TLS handshake for us that begins with these bytes.
    Tls,
    /// A TLS handshake for us that begins after the first byte.
    TlsAfterByte,
    /// Messages or a mux, without TLS.
    Plain,
}

/// The most bytes that [`classify`] ever needs: the length of the WebSocket request's head.
pub const ENOUGH: usize = WEBSOCKET.len();

/// How a WebSocket client begins, literally (protocol 2.6).
const WEBSOCKET: &[u8] = b"GET /~!frp";

/// The first three bytes of the methods that upstream takes for HTTP (protocol 1.1).
const METHODS: [&[u8]; 10] = [
    b"GET", b"HEA", b"POS", b"PUT", b"DEL", b"CON", b"OPT", b"TRA", b"PAT", b"PRI",
];

/// frp's own first byte before a TLS handshake.
const FRP_TLS: u8 = 0x17;
/// The record type that begins a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// Tells what a connection is from what it sent so far; decides as early as it can.
#[must_use]
pub fn classify(head: &[u8], shared: Shared) -> Verdict {
    match head.first() {
        None => return Verdict::NeedMore,
        Some(&FRP_TLS) => return Verdict::TlsAfterByte,
        Some(&TLS_HANDSHAKE) if shared.https => return Verdict::VhostHttps,
        Some(&TLS_HANDSHAKE) => return Verdict::Tls,
        Some(_) => {}
    }
    if head.starts_with(WEBSOCKET) {
        return Verdict::Websocket;
    }
    if WEBSOCKET.starts_with(head) {
        return Verdict::NeedMore;
    }
    if shared.http {
        if METHODS.iter().any(|m| head.starts_with(m)) {
            return Verdict::VhostHttp;
        }
        if METHODS.iter().any(|m| m.starts_with(head)) {
            return Verdict::NeedMore;
        }
    }
    Verdict::Plain
}

#[cfg(test)]
mod tests {
    use super::{ENOUGH, Shared, Verdict, classify};

    const ALONE: Shared = Shared {
        http: false,
        https: false,
    };
    const BOTH: Shared = Shared {
        http: true,
        https: true,
    };

    #[test]
    fn tls_heads() {
        assert_eq!(classify(&[0x17], BOTH), Verdict::TlsAfterByte);
        assert_eq!(classify(&[0x16], BOTH), Verdict::VhostHttps);
        assert_eq!(classify(&[0x16], ALONE), Verdict::Tls);
    }

    #[test]
    fn websocket_wins_over_http() {
        for shared in [ALONE, BOTH] {
            for n in 0..ENOUGH {
                assert_eq!(
                    classify(&b"GET /~!frp"[..n], shared),
                    Verdict::NeedMore,
                    "{n}"
                );
            }
            assert_eq!(classify(b"GET /~!frp HTTP/1.1", shared), Verdict::Websocket);
        }
        assert_eq!(classify(b"GET /~!fr ", BOTH), Verdict::VhostHttp);
        assert_eq!(classify(b"GET /~!fr ", ALONE), Verdict::Plain);
    }

    #[test]
    fn methods_are_http_only_when_shared() {
        assert_eq!(classify(b"POST / HTTP/1.1", BOTH), Verdict::VhostHttp);
        assert_eq!(classify(b"PO", BOTH), Verdict::NeedMore);
        assert_eq!(classify(b"PX", BOTH), Verdict::Plain);
        assert_eq!(classify(b"POST / HTTP/1.1", ALONE), Verdict::Plain);
    }

    #[test]
    fn a_login_and_a_mux_are_plain() {
        assert_eq!(classify(&[b'o', 0, 0], BOTH), Verdict::Plain);
        assert_eq!(classify(&[0, 1, 0, 1], BOTH), Verdict::Plain);
    }

    #[test]
    fn enough_bytes_always_decide() {
        for first in 0..=u8::MAX {
            for shared in [ALONE, BOTH] {
                let head = [first; ENOUGH];
                assert_ne!(classify(&head, shared), Verdict::NeedMore);
            }
        }
    }
}
