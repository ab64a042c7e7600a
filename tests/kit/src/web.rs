//! A web page and the browser that asks for it, both as small as tests need.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
};

use crate::{Error, Result, Service, within};

/// What a web server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code, such as 200.
    pub status: u16,
    /// Head lines as they came, without the status line.
    pub head: String,
    /// Everything after the head.
    pub body: String,
}

impl Answer {
    /// Reads a whole answer as it stood on the wire.
    ///
    /// # Errors
    /// When it is not HTTP/1.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let text = String::from_utf8_lossy(bytes);
        let parse = || {
            let (head, body) = text.split_once("\r\n\r\n")?;
            let (first, head) = head.split_once("\r\n").unwrap_or((head, ""));
            let status = first
                .strip_prefix("HTTP/1.")?
                .split(' ')
                .nth(1)?
                .parse()
                .ok()?;
            Some(Self {
                status,
                head: head.to_owned(),
                body: body.to_owned(),
            })
        };
        parse().ok_or_else(|| Error::wrong(format!("this is no HTTP answer: {text:?}")))
    }
}

/// The longest request head that the mock server reads.
const MAX_HEAD: usize = 16 * 1024;

/// A web server that answers every request with the same page and keeps connections open.
///
/// # Errors
/// When no port can be bound.
pub async fn web(page: &str) -> Result<Service> {
    let answer: Arc<[u8]> = page_bytes(page).into();
    Service::tcp(move |mut socket| {
        let answer = Arc::clone(&answer);
        async move {
            let mut seen = Vec::new();
            while let Ok(1..) = socket.read_buf(&mut seen).await {
                let asked = seen.ends_with(b"\r\n\r\n"); // tests send requests without a body
                if asked && socket.write_all(&answer).await.is_err() || seen.len() > MAX_HEAD {
                    break;
                }
                if asked {
                    seen.clear();
                }
            }
        }
    })
    .await
}

/// A web server that answers every request with the body of the request, which must have a length.
///
/// # Errors
/// When no port can be bound.
pub async fn mirror_web() -> Result<Service> {
    Service::tcp(|mut socket| async move {
        let mut seen = Vec::new();
        while let Ok(1..) = socket.read_buf(&mut seen).await {
            let Some(head) = seen.windows(4).position(|end| end == b"\r\n\r\n") else {
                continue;
            };
            let whole = head + 4 + length(seen.get(..head).unwrap_or_default());
            let Some(body) = seen.get(head + 4..whole) else {
                continue;
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let answer = [head.as_bytes(), body].concat();
            if socket.write_all(&answer).await.is_err() {
                return;
            }
            drop(seen.drain(..whole));
        }
    })
    .await
}

/// What the head of a request says of its body's length.
fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let value = head.lines().find_map(|l| l.strip_prefix("content-length:"));
    value.and_then(|v| v.trim().parse().ok()).unwrap_or(0)
}

/// Everything that a service was sent.
#[derive(Clone, Debug)]
pub struct Recorded(watch::Receiver<Vec<u8>>);

impl Recorded {
    /// As text; what is none is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

/// A web server without content, and all bytes that come to it on any connection.
///
/// # Errors
/// When no port can be bound.
pub async fn recording_web() -> Result<(Service, Recorded)> {
    let (all, recorded) = watch::channel(Vec::new());
    let service = Service::tcp(move |mut socket| {
        let all = all.clone();
        async move {
            let mut seen = Vec::new();
            while let Ok(1..) = socket.read_buf(&mut seen).await {
                all.send_modify(|all| all.extend_from_slice(&seen));
                let asked = seen.ends_with(b"\r\n\r\n");
                seen.clear();
                let nothing = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                if asked && socket.write_all(nothing).await.is_err() {
                    return;
                }
            }
        }
    });
    Ok((service.await?, Recorded(recorded)))
}

/// The bytes of an answer that carries `page`.
pub(crate) fn page_bytes(page: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\r\n{page}",
        page.len()
    )
    .into_bytes()
}

/// The bytes of a request after whose answer the connection ends.
pub(crate) fn request_bytes(host: &str, path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: culvert\r\nConnection: close\r\n\r\n"
    )
    .into_bytes()
}

/// Asks the server at `to` for `path` of the site `host`. At most ten seconds.
///
/// # Errors
/// When the connection fails or the answer is not HTTP.
pub async fn http_get(to: SocketAddr, host: &str, path: &str) -> Result<Answer> {
    let what = format!("an HTTP answer from {host} at {to}");
    within(Duration::from_secs(10), &what, async {
        let ask = async {
            let mut socket = TcpStream::connect(to).await?;
            socket.write_all(&request_bytes(host, path)).await?;
            let mut answer = Vec::new();
            socket.read_to_end(&mut answer).await?;
            Ok(answer)
        };
        Answer::parse(
            &ask.await
                .map_err(Error::io(format!("HTTP request to {to}")))?,
        )
    })
    .await
}

/// Sends `method` for `path` with a body to the API at `to`. At most ten seconds. In HTTP/1.0, so
/// that the answer comes in one piece.
///
/// # Errors
/// When the connection fails or the answer is not HTTP.
pub async fn api_call(to: SocketAddr, method: &str, path: &str, body: &str) -> Result<Answer> {
    let what = format!("an answer to {method} {path} from {to}");
    let length = body.len();
    let ask = format!(
        "{method} {path} HTTP/1.0\r\nHost: {to}\r\nUser-Agent: culvert\r\nContent-Length: \
         {length}\r\n\r\n{body}"
    );
    within(Duration::from_secs(10), &what, async {
        let call = async {
            let mut socket = TcpStream::connect(to).await?;
            socket.write_all(ask.as_bytes()).await?;
            let mut answer = Vec::new();
            socket.read_to_end(&mut answer).await?;
            Ok(answer)
        };
        Answer::parse(&call.await.map_err(Error::io(what.clone()))?)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_apart() {
        let answer = Answer::parse(b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nno").unwrap();
        assert_eq!(
            (answer.status, answer.head.as_str(), answer.body.as_str()),
            (404, "A: b", "no")
        );
        assert!(Answer::parse(b"SSH-2.0").is_err());
    }
}
