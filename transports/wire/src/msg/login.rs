//! Messages that open a session and keep it alive.

use std::collections::BTreeMap;

use super::object::object;

object! {
    /// The first message on a control connection, client to server.
    pub struct Login {
        /// The client's version; for information.
        "version" omit shown version: String,
        /// The client's host name; for information.
        "hostname" omit shown hostname: String,
        /// The client's operating system; for information.
        "os" omit shown os: String,
        /// The client's processor architecture; for information.
        "arch" omit shown arch: String,
        /// The user whose name goes in front of proxy names.
        "user" omit shown user: String,
        /// Digest of token and timestamp, or an OIDC access token.
        "privilege_key" omit hidden privilege_key: String,
        /// Unix seconds.
        "timestamp" omit shown timestamp: i64,
        /// Empty at the first login, then what the server gave.
        "run_id" omit shown run_id: String,
        /// A name that the client chose for itself.
        "client_id" omit shown client_id: String,
        /// Free pairs for the server's plugins; they often hold credentials.
        "metas" omit hidden metas: BTreeMap<String, String>,
        /// Set by the server's own ssh gateway only.
        "client_spec" always shown client_spec: ClientSpec,
        /// Work connections that the client would like the server to hold ready.
        "pool_count" omit shown pool_count: i64,
    }
}

object! {
    /// What a client inside the server says about itself. From the network it means nothing: a
    /// server must not believe `always_auth_pass` (protocol 3.3).
    pub struct ClientSpec {
        /// Kind of client.
        "type" omit shown kind: String,
        /// Whether the client needs no token.
        "always_auth_pass" omit shown always_auth_pass: bool,
    }
}

object! {
    /// The server's answer to a login.
    pub struct LoginResp {
        /// The server's version; for information.
        "version" omit shown version: String,
        /// The session's id, to be sent at the next login.
        "run_id" omit shown run_id: String,
        /// Why the login was refused; empty when it was not.
        "error" omit shown error: String,
    }
}

object! {
    /// A sign of life, client to server; also inside udp and sudp payload, where it is empty.
    pub struct Ping {
        /// Digest of token and timestamp, with the scope `HeartBeats` only.
        "privilege_key" omit hidden privilege_key: String,
        /// Unix seconds, with the scope only.
        "timestamp" omit shown timestamp: i64,
    }
}

object! {
    /// The server's answer to a ping.
    pub struct Pong {
        /// Why the ping was refused; the client then ends the session.
        "error" omit shown error: String,
    }
}
