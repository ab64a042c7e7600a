//! One of several servers (ours; upstream knows one).

use crate::decode::section;
use crate::types::Secret;

section! {
    /// One entry of `servers`.
    struct RawServerEntry {
        /// What it is called in the log and the status; default its address.
        "name" => name: String,
        /// Its name or address; excludes srv.
        "addr" => addr: String,
        /// Its port; default 7000.
        "port" => port: i64,
        /// The domain whose SRV records (_frp._tcp.DOMAIN) name it; excludes addr and port.
        "srv" => srv: String,
        /// How we get to it; default transport.protocol.
        "protocol" => protocol: String,
        /// Its shared token; default auth.token.
        "token" => token: Secret,
        /// Its part of transport.tls.
        "tls" => tls: RawServerEntryTls,
    }
}

section! {
    /// `servers.tls`.
    struct RawServerEntryTls {
        /// The name to send and verify; default transport.tls.serverName, else its address, or the
        /// domain of srv.
        "serverName" => server_name: String,
        /// Verify it against this authority; default transport.tls.trustedCaFile.
        "trustedCaFile" => trusted_ca_file: String,
    }
}
