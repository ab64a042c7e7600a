//! Checks of the tables that frps and frpc share.

use super::{Checker, count, optional, path, seconds, text};
use crate::parts::Part;
use crate::raw::common::{RawExecSource, RawLog, RawQuic, RawValueSource, RawWebServer};
use crate::types::{
    Congestion, IdentityFiles, LONGEST, Log, LogFormat, LogLevel, LogTarget, Port, QuicOptions,
    Scopes, Secret, TcpMux, ValueSource, WebServer,
};

/// The token of the sample files, which everybody knows.
const SAMPLE_TOKEN: &str = "change-me";

/// What `--allow-unsafe` must name before a value may come from a program (upstream:
/// pkg/policy/security/unsafe.go).
const EXEC_FEATURE: &str = "TokenSourceExec";

impl Checker<'_> {
    pub(super) fn log(&mut self, raw: RawLog) -> Log {
        let gist = "invalid log level, optional values are [trace debug info warn error]";
        let levels = [
            ("", LogLevel::Info),
            ("trace", LogLevel::Trace),
            ("debug", LogLevel::Debug),
            ("info", LogLevel::Info),
            ("warn", LogLevel::Warn),
            ("error", LogLevel::Error),
        ];
        let level = self.choice("log.level", &raw.level, gist, &levels);
        let gist = "invalid log format, optional values are [text json]";
        let formats = [
            ("", LogFormat::Text),
            ("text", LogFormat::Text),
            ("json", LogFormat::Json),
        ];
        let format = self.choice("log.format", &raw.format, gist, &formats);
        let target = |text: &str| match text {
            "console" => LogTarget::Console {
                color: !raw.disable_print_color,
            },
            file => LogTarget::File(file.into()),
        };
        Log {
            to: target(if raw.to.is_empty() {
                "console"
            } else {
                &raw.to
            }),
            level,
            max_days: count(raw.max_days, 3),
            format,
            access: (!raw.access.is_empty()).then(|| target(&raw.access)),
        }
    }

    pub(super) fn web_server(&mut self, raw: RawWebServer, prometheus: bool) -> Option<WebServer> {
        let tls = raw.tls.map(|tls| {
            if tls.cert_file.is_empty() {
                self.missing(
                    "webServer.tls.certFile",
                    "tls.certFile must be specified when tls is enabled",
                );
            } else if tls.key_file.is_empty() {
                self.missing(
                    "webServer.tls.keyFile",
                    "tls.keyFile must be specified when tls is enabled",
                );
            }
            IdentityFiles {
                cert: tls.cert_file.into(),
                key: tls.key_file.into(),
            }
        });
        let port = self.port("webServer.port", "webServer.port", raw.port);
        if prometheus && raw.port == 0 {
            self.warn(
                "enablePrometheus",
                "enablePrometheus is ignored because webServer.port is 0",
            );
        }
        Some(WebServer {
            addr: text(raw.addr, "127.0.0.1"),
            port: Port::new(port)?,
            user: raw.user,
            password: raw.password,
            assets_dir: path(raw.assets_dir),
            pprof: raw.pprof_enable,
            prometheus,
            tls,
        })
    }

    /// Whether the method is OIDC.
    pub(super) fn is_oidc(&mut self, method: &str) -> bool {
        let gist = "invalid auth method, optional values are [token oidc]";
        let methods = [("", false), ("token", false), ("oidc", true)];
        self.choice("auth.method", method, gist, &methods)
    }

    pub(super) fn scopes(&mut self, words: &[String]) -> Scopes {
        let gist = "invalid auth additional scopes, optional values are [HeartBeats NewWorkConns]";
        let choices = [("HeartBeats", 1), ("NewWorkConns", 2)];
        let mut scopes = Scopes::default();
        for (index, word) in words.iter().enumerate() {
            match self.choice(
                &format!("auth.additionalScopes[{index}]"),
                word,
                gist,
                &choices,
            ) {
                1 => scopes.heartbeats = true,
                2 => scopes.new_work_conns = true,
                _ => {}
            }
        }
        scopes
    }

    /// The shared token, from the file itself or from elsewhere.
    pub(super) fn token<O>(
        &mut self,
        token: Secret,
        source: Option<RawValueSource>,
    ) -> crate::types::AuthMethod<O> {
        use crate::types::AuthMethod;
        if token.expose() == SAMPLE_TOKEN {
            let text =
                "auth.token is the one of the sample files, which everybody knows; choose your own";
            self.warn("auth.token", text);
        }
        let Some(source) = source else {
            return AuthMethod::Token { token };
        };
        if !token.is_empty() {
            let gist = "cannot specify both auth.token and auth.tokenSource";
            self.conflict("auth.tokenSource", gist, "remove one of the two");
        }
        match self.value_source("auth.tokenSource", source) {
            Some(source) => AuthMethod::TokenSource(source),
            None => AuthMethod::Token { token },
        }
    }

    /// A value that is read later; `at` is the path of its table.
    pub(super) fn value_source(&mut self, at: &str, raw: RawValueSource) -> Option<ValueSource> {
        let key = |rest: &str| format!("{at}.{rest}");
        match (raw.kind.as_str(), raw.file, raw.exec) {
            ("file", None, _) => {
                let gist = "file configuration is required when type is 'file'";
                self.missing(&key("file"), format!("invalid {at}: {gist}"));
                None
            }
            ("file", Some(file), _) if file.path.is_empty() => {
                self.missing(
                    &key("file.path"),
                    format!("invalid {at}: file path cannot be empty"),
                );
                None
            }
            ("file", Some(file), _) => Some(ValueSource::File {
                path: file.path.into(),
            }),
            ("exec", _, None) => {
                let gist = "exec configuration is required when type is 'exec'";
                self.missing(&key("exec"), format!("invalid {at}: {gist}"));
                None
            }
            ("exec", _, Some(exec)) => Some(self.exec_source(at, exec)),
            (other, _, _) => {
                let gist = format!(
                    "invalid {at}: unsupported value source type: {other} (only 'file' and 'exec' are supported)"
                );
                self.bad(&key("type"), other, gist, "write file or exec");
                None
            }
        }
    }

    fn exec_source(&mut self, at: &str, raw: RawExecSource) -> ValueSource {
        self.needs_unsafe(&format!("{at}.type"), EXEC_FEATURE);
        self.needs_part(true, &format!("{at}.type"), Part::Exec);
        if raw.command.is_empty() {
            let gist = format!("invalid {at}: exec command cannot be empty");
            self.missing(&format!("{at}.exec.command"), gist);
        }
        for (index, variable) in raw.env.iter().enumerate() {
            let key = format!("{at}.exec.env[{index}].name");
            if variable.name.is_empty() {
                self.missing(&key, format!("invalid {at}: exec env name cannot be empty"));
            } else if variable.name.contains('=') {
                let gist = format!("invalid {at}: exec env name cannot contain '='");
                self.bad(&key, &variable.name, gist, "write the value under value");
            }
        }
        let env = raw.env.into_iter().map(|v| (v.name, v.value)).collect();
        ValueSource::Exec {
            command: raw.command,
            args: raw.args,
            env,
        }
    }

    pub(super) fn tcp_mux(&mut self, enabled: Option<bool>, interval: i64) -> Option<TcpMux> {
        let path = "transport.tcpMuxKeepaliveInterval";
        let keepalive_interval = self.positive_seconds(path, interval, 30);
        enabled
            .unwrap_or(true)
            .then_some(TcpMux { keepalive_interval })
    }
}

/// The stream's window carries 100 Mbit/s at 200 ms twice over, and is the most that upstream's
/// grows to.
const STREAM_WINDOW: u32 = 6 << 20;
/// One reader that stands still leaves room for others.
const CONNECTION_WINDOW: u32 = 32 << 20;
/// Two streams may fill the peer's windows.
const SEND_WINDOW: u32 = 12 << 20;
/// What QUIC itself needs to move at all with any speed: the first window of its congestion
/// control (RFC 9002, 7.2).
const LEAST_WINDOW: u32 = 14_720;

impl Checker<'_> {
    /// Negative times are off upstream, so they become the longest one.
    pub(super) fn quic(&mut self, raw: &RawQuic) -> QuicOptions {
        let gist = "invalid transport.quic.congestion, optional values are [cubic bbr newreno]";
        let congestion = self.choice(
            "transport.quic.congestion",
            &raw.congestion,
            gist,
            &[
                ("", Congestion::Bbr),
                ("cubic", Congestion::Cubic),
                ("bbr", Congestion::Bbr),
                ("newreno", Congestion::NewReno),
            ],
        );
        QuicOptions {
            keepalive_period: seconds(raw.keepalive_period, 10).unwrap_or(LONGEST),
            max_idle_timeout: seconds(raw.max_idle_timeout, 30).unwrap_or(LONGEST),
            max_incoming_streams: count(raw.max_incoming_streams, 100_000),
            congestion,
            stream_receive_window: self.window(
                "transport.quic.streamReceiveWindow",
                raw.stream_receive_window,
                STREAM_WINDOW,
            ),
            connection_receive_window: self.window(
                "transport.quic.connectionReceiveWindow",
                raw.connection_receive_window,
                CONNECTION_WINDOW,
            ),
            send_window: self.window("transport.quic.sendWindow", raw.send_window, SEND_WINDOW),
            datagrams: raw.datagrams.unwrap_or(true),
        }
    }

    /// A window in bytes; 0 is `default`.
    fn window(&mut self, path: &str, found: i64, default: u32) -> u32 {
        match u32::try_from(found) {
            Ok(0) => default,
            Ok(window @ LEAST_WINDOW..) => window,
            _ => {
                self.bad(
                    path,
                    &found.to_string(),
                    format!("invalid {path}, it must be bytes from {LEAST_WINDOW} to 4294967295"),
                    format!("leave it out for the default of {default}"),
                );
                default
            }
        }
    }
}

/// A URL of one of `schemes` with a host after it.
pub(super) fn is_url(url: &str, schemes: &[&str]) -> bool {
    url.split_once("://").is_some_and(|(scheme, rest)| {
        schemes.iter().any(|s| scheme.eq_ignore_ascii_case(s))
            && optional(
                rest.split(['/', '?', '#'])
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            )
            .is_some()
    })
}
