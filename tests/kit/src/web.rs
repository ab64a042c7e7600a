//! A web page and the browser that asks for it, both as small as tests need.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
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
