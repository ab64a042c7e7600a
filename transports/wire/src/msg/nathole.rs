//! Messages that help two peers to meet directly (xtcp, protocol 6.1).

use super::object::object;

object! {
    /// A visitor asks for a hole: first as a check, then with its addresses.
    pub struct NatHoleVisitor {
        /// Ties the answer to the question.
        "transaction_id" omit shown transaction_id: String,
        /// The proxy it wants, with its owner's prefix.
        "proxy_name" omit shown proxy_name: String,
        /// Whether only permission is asked for.
        "pre_check" omit shown pre_check: bool,
        /// `quic` or `kcp`, over the hole.
        "protocol" omit shown protocol: String,
        /// Digest of secret key and timestamp.
        "sign_key" omit hidden sign_key: String,
        /// Unix seconds.
        "timestamp" omit shown timestamp: i64,
        /// The addresses that STUN servers saw.
        "mapped_addrs" omit shown mapped_addrs: Vec<String>,
        /// The addresses of its own interfaces.
        "assisted_addrs" omit shown assisted_addrs: Vec<String>,
    }
}

object! {
    /// A proxy's client gives its addresses.
    pub struct NatHoleClient {
        /// Ties the answer to the question.
        "transaction_id" omit shown transaction_id: String,
        /// The proxy's name, with the user's prefix.
        "proxy_name" omit shown proxy_name: String,
        /// The meeting's id.
        "sid" omit shown sid: String,
        /// The addresses that STUN servers saw.
        "mapped_addrs" omit shown mapped_addrs: Vec<String>,
        /// The addresses of its own interfaces.
        "assisted_addrs" omit shown assisted_addrs: Vec<String>,
    }
}

object! {
    /// The server tells one peer where the other is and how to behave.
    pub struct NatHoleResp {
        /// Ties the answer to the question.
        "transaction_id" omit shown transaction_id: String,
        /// The meeting's id.
        "sid" omit shown sid: String,
        /// `quic` or `kcp`, over the hole.
        "protocol" omit shown protocol: String,
        /// Where the other peer may be.
        "candidate_addrs" omit shown candidate_addrs: Vec<String>,
        /// Addresses of the other peer's own interfaces.
        "assisted_addrs" omit shown assisted_addrs: Vec<String>,
        /// How to look for the other peer.
        "detect_behavior" always shown detect_behavior: DetectBehavior,
        /// Why there is no hole to be had; empty when there may be.
        "error" omit shown error: String,
    }
}

object! {
    /// How one peer looks for the other.
    pub struct DetectBehavior {
        /// `sender` or `receiver`.
        "role" omit shown role: String,
        /// Which of the methods it is; for information.
        "mode" omit shown mode: i64,
        /// Time to live of the first packets; 0 leaves it alone.
        "ttl" omit shown ttl: i64,
        /// Milliseconds to wait before sending.
        "send_delay_ms" omit shown send_delay_ms: i64,
        /// Milliseconds to wait for the other peer.
        "read_timeout" omit shown read_timeout: i64,
        /// Ports to try at the other peer's address.
        "candidate_ports" omit shown candidate_ports: Vec<PortRange>,
        /// How many random ports to send to.
        "send_random_ports" omit shown send_random_ports: i64,
        /// How many random ports to listen on.
        "listen_random_ports" omit shown listen_random_ports: i64,
    }
}

object! {
    /// Ports from one to another, both meant too.
    pub struct PortRange {
        /// The first.
        "from" omit shown from: i64,
        /// The last.
        "to" omit shown to: i64,
    }
}

object! {
    /// A meeting's id: server to client on a work connection, and between peers over the hole.
    pub struct NatHoleSid {
        /// Ties the answer to the question.
        "transaction_id" omit shown transaction_id: String,
        /// The meeting's id.
        "sid" omit shown sid: String,
        /// Whether this is the answer.
        "response" omit shown response: bool,
        /// Random text that makes the length vary.
        "nonce" omit shown nonce: String,
    }
}

object! {
    /// A proxy's client tells the server whether a hole came to be.
    pub struct NatHoleReport {
        /// The meeting's id.
        "sid" omit shown sid: String,
        /// Whether the peers met.
        "success" omit shown success: bool,
    }
}
