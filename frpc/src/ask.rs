//! Questions to a running frpc: `reload`, `status`, `stop` (upstream: pkg/sdk/client).

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use culvert_conf::WebServer;
use culvert_http::{Limits, OutboundError};
use culvert_io::Scope;
use culvert_program::{OriginError, Through, Trust, outbound};
use culvert_transport::{Target, report};
use http::{HeaderValue, Method, Request, StatusCode, header::AUTHORIZATION};
use serde::Deserialize;

use crate::{admin::Servers, servers::ServerRow};

/// The longest answer in bytes: the status of a hundred thousand proxies.
const LONGEST: usize = 32 * 1024 * 1024;

/// Why there is no good answer; upstream's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Policy: the file does not say where frpc can be asked.
    #[error("web server port should be set if you want to use this feature")]
    NoPort,
    /// Policy: `webServer.addr` is none.
    #[error("webServer: {0}")]
    Address(#[from] OriginError),
    /// World: frpc does not answer.
    #[error("{method} \"{url}\": {}", reason(source))]
    Silent {
        /// As upstream writes it.
        method: &'static str,
        /// What was asked for.
        url: String,
        /// Why.
        source: OutboundError,
    },
    /// Peer: frpc answers that it does not.
    #[error("api status code [{}]{said}", code.as_u16())]
    Status {
        /// The status.
        code: StatusCode,
        /// What it says besides, on a line of its own.
        said: String,
    },
    /// Peer: the answer is not what was asked for.
    #[error("unmarshal http response error: {0}")]
    Answer(#[from] serde_json::Error),
}

fn reason(error: &OutboundError) -> String {
    match error {
        OutboundError::Timeout(_) => "context deadline exceeded".to_owned(),
        OutboundError::Dial(failed) => failed.to_string(),
        other => report(other),
    }
}

/// A running frpc, asked through the web server that its file names.
pub(crate) struct Running<'a> {
    web: &'a WebServer,
    timeout: Duration,
    scope: Scope,
}

impl<'a> Running<'a> {
    /// The frpc whose file has this `webServer`; must be called on a runtime.
    pub(crate) fn new(web: Option<&'a WebServer>, timeout: Duration) -> Result<Self, AskError> {
        Ok(Self {
            web: web.ok_or(AskError::NoPort)?,
            timeout,
            scope: Scope::root(tokio::runtime::Handle::current()),
        })
    }

    /// Lets it read its file again.
    ///
    /// *Cancel safety*: it may be doing so.
    pub(crate) async fn reload(&self, strict: bool) -> Result<(), AskError> {
        let path = if strict {
            "/api/reload?strictConfig=true"
        } else {
            "/api/reload"
        };
        self.ask(Method::GET, path).await.map(drop)
    }

    /// Lets it end.
    ///
    /// *Cancel safety*: it may be doing so.
    pub(crate) async fn stop(&self) -> Result<(), AskError> {
        self.ask(Method::POST, "/api/stop").await.map(drop)
    }

    /// The tables of its proxies, as text; before them one of its servers, if it has several.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn status(&self, has_servers: bool) -> Result<String, AskError> {
        let mut text = String::new();
        if has_servers {
            let answer = self.ask(Method::GET, "/api/servers").await?;
            text = server_table(&answer)?;
        }
        let answer = self.ask(Method::GET, "/api/status").await?;
        text.push_str(&proxy_tables(&answer)?);
        Ok(text)
    }

    async fn ask(&self, method: Method, path: &str) -> Result<Bytes, AskError> {
        let web = self.web;
        let at = Target::new(&web.addr, u16::from(web.port));
        let limits = Limits {
            time: self.timeout,
            body: LONGEST,
        };
        // Always without TLS, as upstream.
        let server = outbound(
            &format!("http://{at}"),
            Trust::System,
            Through::Nobody,
            limits,
            &self.scope,
        )?;
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method.clone();
        *request.uri_mut() = path.parse().unwrap_or_default();
        if let Some(login) = login(web) {
            request.headers_mut().insert(AUTHORIZATION, login);
        }
        let response = server
            .send(request)
            .await
            .map_err(|source| AskError::Silent {
                method: if method == Method::POST {
                    "Post"
                } else {
                    "Get"
                },
                url: format!("http://{at}{path}"),
                source,
            })?;
        let (head, body) = response.into_parts();
        if head.status == StatusCode::OK {
            return Ok(body);
        }
        let said = String::from_utf8_lossy(&body);
        let said = match said.trim() {
            "" => String::new(),
            said => format!("\n{said}"),
        };
        let code = head.status;
        Err(AskError::Status { code, said })
    }
}

/// The header for user and password, where there are any (RFC 7617).
fn login(web: &WebServer) -> Option<HeaderValue> {
    let password = web.password.expose();
    if web.user.is_empty() && password.is_empty() {
        return None;
    }
    let pair = STANDARD.encode(format!("{}:{password}", web.user));
    let mut value = HeaderValue::from_str(&format!("Basic {pair}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// One proxy of `/api/status`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    name: String,
    status: String,
    err: String,
    local_addr: String,
    plugin: String,
    remote_addr: String,
}

/// A table for every type that has proxies, in upstream's order and shape, of the answer of
/// `/api/status`.
///
/// # Errors
/// It is no such answer.
pub(crate) fn proxy_tables(answer: &[u8]) -> serde_json::Result<String> {
    let kinds: BTreeMap<String, Vec<Status>> = serde_json::from_slice(answer)?;
    const ORDER: [&str; 8] = [
        "tcp", "udp", "tcpmux", "http", "https", "stcp", "sudp", "xtcp",
    ];
    let mut text = "Proxy Status...\n\n".to_owned();
    for kind in ORDER {
        let Some(all) = kinds.get(kind).filter(|all| !all.is_empty()) else {
            continue;
        };
        let head = [
            "Name",
            "Status",
            "LocalAddr",
            "Plugin",
            "RemoteAddr",
            "Error",
        ];
        let row = |s: &Status| {
            [
                s.name.clone(),
                s.status.clone(),
                s.local_addr.clone(),
                s.plugin.clone(),
                s.remote_addr.clone(),
                s.err.clone(),
            ]
        };
        let head = head.map(ToOwned::to_owned);
        let rows: Vec<_> = std::iter::once(head).chain(all.iter().map(row)).collect();
        let _infallible = writeln!(text, "{}", kind.to_uppercase());
        text.push_str(&table(&rows));
        text.push('\n');
    }
    Ok(text)
}

/// A table of the servers, of the answer of `/api/servers`.
///
/// # Errors
/// It is no such answer.
pub(crate) fn server_table(answer: &[u8]) -> serde_json::Result<String> {
    let told: Servers = serde_json::from_slice(answer)?;
    let head = [
        "Server",
        "Address",
        "Transport",
        "State",
        "Serves",
        "RTT",
        "Proxies",
    ];
    let row = |row: &ServerRow| {
        [
            row.name.clone(),
            row.address.clone(),
            row.transport.clone(),
            row.state.clone(),
            if row.serves { "yes" } else { "no" }.to_owned(),
            row.rtt_ms
                .map_or_else(String::new, |ms| format!("{ms:.1} ms")),
            row.proxies_running.to_string(),
        ]
    };
    let head = head.map(ToOwned::to_owned);
    let rows: Vec<_> = std::iter::once(head)
        .chain(told.servers.iter().map(row))
        .collect();
    Ok(format!("Servers ({})\n{}\n", told.policy, table(&rows)))
}

/// Columns that are wider than this are not filled up: nobody reads them as columns.
const WIDEST: usize = 1000;

/// Columns of equal width, two spaces between them and behind the last.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max();
        widest.unwrap_or_default().min(WIDEST)
    };
    let widths: Vec<_> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (cell, width) in row.iter().zip(&widths) {
            let _infallible = write!(text, "{cell:width$}  ");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{WIDEST, proxy_tables, server_table};

    #[test]
    fn the_status_is_shown_in_upstreams_tables() {
        let answer = r#"{"http":[{"name":"wéb","status":"running","err":"",
            "local_addr":"127.0.0.1:80","plugin":"","remote_addr":"a.example:8080"}],
            "tcp":[{"name":"b","status":"running","plugin":"socks5","remote_addr":"h:1"},
            {"name":"ssh","status":"start error","err":"port already used",
            "local_addr":"127.0.0.1:22"}]}"#;
        let wanted = "Proxy Status...\n\n\
            TCP\n\
            Name  Status       LocalAddr     Plugin  RemoteAddr  Error              \n\
            b     running                    socks5  h:1                            \n\
            ssh   start error  127.0.0.1:22                      port already used  \n\
            \n\
            HTTP\n\
            Name  Status   LocalAddr     Plugin  RemoteAddr      Error  \n\
            wéb   running  127.0.0.1:80          a.example:8080         \n\
            \n";
        assert_eq!(proxy_tables(answer.as_bytes()).unwrap(), wanted);
        let told = r#"{"policy":"failover","servers":[
            {"name":"near","address":"10.0.0.1:7000","transport":"tcp","state":"up",
            "serves":true,"rttMs":12.345,"runID":"x","proxiesRunning":2},
            {"name":"far","address":"b:7000","transport":"quic","state":"down","serves":false}]}"#;
        let wanted = "Servers (failover)\n\
            Server  Address        Transport  State  Serves  RTT      Proxies  \n\
            near    10.0.0.1:7000  tcp        up     yes     12.3 ms  2        \n\
            far     b:7000         quic       down   no               0        \n\
            \n";
        assert_eq!(server_table(told.as_bytes()).unwrap(), wanted);
        assert_eq!(proxy_tables(b"{}").unwrap(), "Proxy Status...\n\n");
    }

    #[test]
    fn a_cell_without_end_is_shown_and_widens_no_others() {
        let long = "x".repeat(70_000);
        let answer = format!(r#"{{"tcp":[{{"name":"a","err":"{long}"}},{{"name":"b"}}]}}"#);
        let text = proxy_tables(answer.as_bytes()).unwrap();
        assert!(text.contains(&long));
        assert!(text.len() < long.len() + 4 * WIDEST, "{}", text.len());
    }
}
