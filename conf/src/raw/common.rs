//! Tables that frps and frpc share (upstream: pkg/config/v1/common.go, value_source.go).

use crate::decode::section;
use crate::types::Secret;

section! {
    /// `log`.
    struct RawLog {
        /// `console` (default) or a file, rotated daily.
        "to" => to: String,
        /// trace, debug, info (default), warn or error.
        "level" => level: String,
        /// Days for which rotated files are kept; default 3.
        "maxDays" => max_days: i64,
        /// No ANSI colours on the console.
        "disablePrintColor" => disable_print_color: bool,
        /// `text` (default), or `json`: one object for each line. Ours.
        "format" => format: String,
        /// A line for each user connection that ended: `console` or a file, rotated as `to` is;
        /// empty (default) for none. Ours.
        "access" => access: String,
    }
}

section! {
    /// `webServer`.
    struct RawWebServer {
        /// Where to listen; default 127.0.0.1.
        "addr" => addr: String,
        /// Where to listen; 0 = no web server.
        "port" => port: i64,
        /// User of HTTP basic authentication.
        "user" => user: String,
        /// Password of HTTP basic authentication.
        "password" => password: Secret,
        /// Serve the page from this folder instead of the built-in one.
        "assetsDir" => assets_dir: String,
        /// Serve /debug/pprof/, without authentication.
        "pprofEnable" => pprof_enable: bool,
        /// Serve HTTPS; both files are required then.
        "tls" => tls: Option<RawTls>,
    }
}

section! {
    /// Certificate files.
    struct RawTls {
        /// Our certificate, PEM.
        "certFile" => cert_file: String,
        /// Its private key, PEM.
        "keyFile" => key_file: String,
        /// The authority that the other end must be signed by, PEM.
        "trustedCaFile" => trusted_ca_file: String,
        /// The name to send and verify; used by frpc only.
        "serverName" => server_name: String,
    }
}

section! {
    /// `transport.quic`.
    struct RawQuic {
        /// Seconds between probes; default 10.
        "keepalivePeriod" => keepalive_period: i64,
        /// Seconds of silence that end a connection; default 30.
        "maxIdleTimeout" => max_idle_timeout: i64,
        /// Streams that a peer may open; default 100000.
        "maxIncomingStreams" => max_incoming_streams: i64,
        /// bbr (default), cubic, newreno. Ours, not upstream's, as are the keys below.
        "congestion" => congestion: String,
        /// Bytes that a peer may send on one stream ahead of its reader; default 6291456.
        "streamReceiveWindow" => stream_receive_window: i64,
        /// The same for all streams of a connection; default 33554432.
        "connectionReceiveWindow" => connection_receive_window: i64,
        /// Bytes in flight on all streams of a connection; default 12582912.
        "sendWindow" => send_window: i64,
        /// true (default): packets of udp and sudp proxies travel as QUIC datagrams if both ends
        /// allow it; false: always as messages.
        "datagrams" => datagrams: Option<bool>,
    }
}

section! {
    /// A value that is read at run time: `auth.tokenSource`, `auth.oidc.tokenSource`.
    struct RawValueSource {
        /// file or exec.
        "type" => kind: String,
        /// For the type file.
        "file" => file: Option<RawFileSource>,
        /// For the type exec.
        "exec" => exec: Option<RawExecSource>,
    }
}

section! {
    /// A value from a file.
    struct RawFileSource {
        /// The file; its text is trimmed.
        "path" => path: String,
    }
}

section! {
    /// A value from a program; needs `--allow-unsafe TokenSourceExec`.
    struct RawExecSource {
        /// The program.
        "command" => command: String,
        /// Its arguments.
        "args" => args: Vec<String>,
        /// Added to its environment.
        "env" => env: Vec<RawExecEnv>,
    }
}

section! {
    /// One variable of `exec.env`.
    struct RawExecEnv {
        /// Its name.
        "name" => name: String,
        /// Its value.
        "value" => value: Secret,
    }
}
