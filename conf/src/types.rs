//! Small checked values that several parts of a configuration share.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU64};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// A port that is really used; "0 = off" is `None` around it.
pub type Port = NonZeroU16;

/// The longest time that a setting can ask for: ten years, in place of overflow.
pub const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Text that must never reach a log: tokens, passwords, keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing was set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// The ports that clients may ask for (`allowPorts`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PortRanges {
    /// No list was given: every port from 1 to 65535.
    #[default]
    All,
    /// Only these ranges, sorted, not touching each other. An empty list allows nothing.
    Only(Vec<RangeInclusive<u16>>),
}

impl PortRanges {
    /// Allows only `ranges`, in any order; overlaps are merged and port 0 is left out.
    #[must_use]
    pub fn only(ranges: impl IntoIterator<Item = RangeInclusive<u16>>) -> Self {
        let mut sorted: Vec<_> = ranges
            .into_iter()
            .map(|r| (*r.start()).max(1)..=*r.end())
            .filter(|r| !r.is_empty())
            .collect();
        sorted.sort_by_cached_key(|r| u64::from(*r.start()));
        let mut merged: Vec<RangeInclusive<u16>> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match merged.last_mut() {
                Some(last) if *range.start() <= last.end().saturating_add(1) => {
                    *last = *last.start()..=(*last.end()).max(*range.end());
                }
                _ => merged.push(range),
            }
        }
        Self::Only(merged)
    }

    /// Whether a client may use `port`; port 0 never.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        match self {
            Self::All => port != 0,
            Self::Only(ranges) => ranges.iter().any(|r| r.contains(&port)),
        }
    }

    /// Every allowed port, ascending, each once.
    pub fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        let (all, some) = match self {
            Self::All => (Some(1..=u16::MAX), [].as_slice()),
            Self::Only(ranges) => (None, ranges.as_slice()),
        };
        all.into_iter().chain(some.iter().cloned()).flatten()
    }
}

/// A rate limit of one proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bandwidth {
    /// As written, for example `10MB`; this is what travels to the server.
    pub text: String,
    /// Bytes per second.
    pub bytes_per_second: NonZeroU64,
}

/// A text that is not a bandwidth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unit not support")]
pub struct NotBandwidth;

impl Bandwidth {
    /// Reads a number with `MB` or `KB` behind it (upstream pkg/config/types/types.go); `None` when
    /// it limits nothing, being empty or not above 0.
    ///
    /// # Errors
    /// There is no number, or no unit.
    pub fn parse(text: &str) -> Result<Option<Self>, NotBandwidth> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let (number, unit) = match (text.strip_suffix("MB"), text.strip_suffix("KB")) {
            (Some(number), _) => (number, 1024.0 * 1024.0),
            (None, Some(number)) => (number, 1024.0),
            (None, None) => return Err(NotBandwidth),
        };
        let number = number.parse::<f64>().ok().filter(|n| n.is_finite());
        let bytes = number.ok_or(NotBandwidth)? * unit;
        // What is too much for a number of bytes limits nothing either.
        let bytes_per_second = format!("{:.0}", bytes.trunc()).parse().unwrap_or(0);
        Ok(
            NonZeroU64::new(bytes_per_second).map(|bytes_per_second| Self {
                text: text.to_owned(),
                bytes_per_second,
            }),
        )
    }
}

/// Which end slows the traffic of a proxy down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BandwidthLimitMode {
    /// frpc does.
    #[default]
    Client,
    /// frps does.
    Server,
}

/// A certificate and its private key, both PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The certificate chain.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Where log lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTarget {
    /// Standard output.
    Console {
        /// Whether lines carry ANSI colours.
        color: bool,
    },
    /// A file, rotated daily.
    File(PathBuf),
}

/// The least severe line that is still written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// Bytes and states.
    Trace,
    /// Decisions.
    Debug,
    /// The life of sessions and proxies.
    #[default]
    Info,
    /// Something was lost, and we go on.
    Warn,
    /// The operator must act.
    Error,
}

impl LogLevel {
    /// The lower-case word used in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// What a log line looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As upstream's.
    #[default]
    Text,
    /// A JSON object.
    Json,
}

/// The `log` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Where lines go.
    pub to: LogTarget,
    /// What is written.
    pub level: LogLevel,
    /// For how many days rotated files are kept; 0 = for ever.
    pub max_days: u32,
    /// What a line looks like.
    pub format: LogFormat,
    /// Where a line goes for each user connection that ended; `None` = nowhere.
    pub access: Option<LogTarget>,
}

/// What besides the login is authenticated (`auth.additionalScopes`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scopes {
    /// Every Ping.
    pub heartbeats: bool,
    /// Every NewWorkConn.
    pub new_work_conns: bool,
}

/// How a login is proved; `O` is the OIDC side of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthMethod<O> {
    /// A shared token; empty means that anybody with an empty token may log in.
    Token {
        /// The token.
        token: Secret,
    },
    /// A shared token that is read when the program starts.
    TokenSource(ValueSource),
    /// OpenID Connect.
    Oidc {
        /// How tokens are had or checked.
        oidc: Box<O>,
        /// `auth.token`, which proves nothing here and still makes the keys of encrypted
        /// streams, as upstream has it (pkg/auth/auth.go).
        token: Secret,
    },
}

/// A value that is read at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueSource {
    /// The trimmed text of a file.
    File {
        /// The file.
        path: PathBuf,
    },
    /// The trimmed standard output of a command; needs `--allow-unsafe TokenSourceExec`.
    Exec {
        /// The program.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Names and values added to its environment.
        env: Vec<(String, Secret)>,
    },
}

/// The `webServer` table of either program, present when its port is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebServer {
    /// The address to listen on.
    pub addr: String,
    /// The port to listen on.
    pub port: Port,
    /// The user of HTTP basic authentication; no authentication if user and password are empty.
    pub user: String,
    /// The password of HTTP basic authentication.
    pub password: Secret,
    /// Serve the page from this folder instead of the built-in one.
    pub assets_dir: Option<PathBuf>,
    /// Serve `/debug/pprof/`, without authentication.
    pub pprof: bool,
    /// Serve `/metrics`; always false in frpc.
    pub prometheus: bool,
    /// Serve HTTPS with this identity.
    pub tls: Option<IdentityFiles>,
}

/// yamux on the control connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpMux {
    /// How often an idle session is probed.
    pub keepalive_interval: Duration,
}

/// The `transport.quic` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuicOptions {
    /// How often an idle connection is probed.
    pub keepalive_period: Duration,
    /// When a silent connection is given up.
    pub max_idle_timeout: Duration,
    /// Streams that a peer may have open.
    pub max_incoming_streams: u32,
    /// How fast to send into a network that loses packets.
    pub congestion: Congestion,
    /// Bytes that a peer may send on one stream ahead of its reader.
    pub stream_receive_window: u32,
    /// Bytes that a peer may send on all streams ahead of their readers.
    pub connection_receive_window: u32,
    /// Bytes on all streams that we keep until the peer has acknowledged them.
    pub send_window: u32,
    /// Whether packets of udp and sudp proxies may travel as datagrams.
    pub datagrams: bool,
}

/// `transport.quic.congestion`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Congestion {
    /// CUBIC, as upstream.
    Cubic,
    /// After BBR: goes by what the path delivers, not by what it loses.
    #[default]
    Bbr,
    /// New Reno.
    NewReno,
}

impl Congestion {
    /// The word used in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cubic => "cubic",
            Self::Bbr => "bbr",
            Self::NewReno => "newreno",
        }
    }
}
