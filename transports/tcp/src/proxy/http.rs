//! CONNECT (RFC 9110, section 9.3.6).

use culvert_io::Stream;
use culvert_transport::Target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{ProxyError, read_head};

/// The most bytes of a proxy's head; error pages come behind it and are not read.
const MAX_HEAD: usize = 16 * 1024;
/// The most headers of it.
const MAX_HEADERS: usize = 100;
/// The most bytes that are skipped between two requests on one connection.
const MAX_SKIPPED: u64 = 64 * 1024;
/// What upstream calls itself; proxies have been told to let it pass (protocol 2.7).
const AGENT: &str = "Mozilla/5.0";

/// The body of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Length(u64),
    Chunked,
}

/// What a proxy answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// What stands behind `Negotiate` in `Proxy-Authenticate`.
    pub(super) challenge: Option<String>,
    body: Body,
}

/// Asks for a connection to `to`; only 200 is one.
pub(super) async fn connect(
    stream: Stream,
    to: &Target,
    authorization: Option<&str>,
) -> Result<Stream, ProxyError> {
    let (answer, stream) = ask(stream, to, authorization).await?;
    answer.accepted()?;
    Ok(stream)
}

/// Sends one request and reads the head of its answer. The stream begins with what comes behind.
pub(super) async fn ask(
    mut stream: Stream,
    to: &Target,
    authorization: Option<&str>,
) -> Result<(Answer, Stream), ProxyError> {
    stream
        .write_all(request(to, authorization).as_bytes())
        .await?;
    stream.flush().await?;
    let (head, stream) = read_head(stream, MAX_HEAD).await?;
    let answer = Answer::parse(&head).ok_or(ProxyError::Malformed("http"))?;
    Ok((answer, stream))
}

fn request(to: &Target, authorization: Option<&str>) -> String {
    let authorization = authorization
        .map(|value| format!("Proxy-Authorization: {value}\r\n"))
        .unwrap_or_default();
    format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nUser-Agent: {AGENT}\r\n{authorization}\r\n")
}

impl Answer {
    fn parse(head: &[u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        if !answer.parse(head).ok()?.is_complete() {
            return None;
        }
        let status = answer.code?;
        let mut challenge = None;
        let mut body = Body::Length(0);
        for header in &*answer.headers {
            let value = str::from_utf8(header.value).map_or("", str::trim);
            if header.name.eq_ignore_ascii_case("Proxy-Authenticate") {
                let token = value.split_once(' ').filter(|(scheme, _)| {
                    scheme.eq_ignore_ascii_case("Negotiate") || scheme.eq_ignore_ascii_case("NTLM")
                });
                challenge = challenge.or_else(|| token.map(|(_, t)| t.trim().to_owned()));
            } else if header.name.eq_ignore_ascii_case("Transfer-Encoding") {
                body = Body::Chunked;
            } else if header.name.eq_ignore_ascii_case("Content-Length") && body != Body::Chunked {
                body = Body::Length(value.parse().ok()?);
            }
        }
        Some(Self {
            status,
            challenge,
            body,
        })
    }

    /// Whether we are connected.
    pub(super) const fn accepted(&self) -> Result<(), ProxyError> {
        match self.status {
            200 => Ok(()),
            407 => Err(ProxyError::Credentials),
            other => Err(ProxyError::Status(other)),
        }
    }

    /// Reads over the body, so that the connection can be used for another request.
    pub(super) async fn skip_body(&self, stream: &mut Stream) -> Result<(), ProxyError> {
        match self.body {
            Body::Length(n) => skip(stream, n, MAX_SKIPPED).await.map(drop),
            Body::Chunked => {
                let mut left = MAX_SKIPPED;
                loop {
                    let size = line(stream).await?;
                    let size = size.split(';').next().unwrap_or_default().trim();
                    let size = u64::from_str_radix(size, 16)
                        .map_err(|_bad| ProxyError::Malformed("http"))?;
                    if size == 0 {
                        break;
                    }
                    left = skip(stream, size, left).await?;
                    line(stream).await?;
                }
                for _ in 0..MAX_HEADERS {
                    if line(stream).await?.is_empty() {
                        return Ok(());
                    }
                }
                Err(ProxyError::Malformed("http"))
            }
        }
    }
}

/// Reads over `n` bytes; answers how many more may be skipped.
async fn skip(stream: &mut Stream, n: u64, left: u64) -> Result<u64, ProxyError> {
    let left = left
        .checked_sub(n)
        .ok_or(ProxyError::Malformed("short http answer"))?;
    let skipped = tokio::io::copy(&mut stream.take(n), &mut tokio::io::sink()).await?;
    if skipped < n {
        return Err(ProxyError::Malformed("complete http answer"));
    }
    Ok(left)
}

/// A short line without its end. Byte by byte: nothing behind it may be taken.
async fn line(stream: &mut Stream) -> Result<String, ProxyError> {
    const LONGEST: usize = 1024;
    let mut line = Vec::new();
    while line.len() < LONGEST {
        match stream.read_u8().await? {
            b'\n' => {
                let text = String::from_utf8(line).map_err(|_bad| ProxyError::Malformed("http"))?;
                return Ok(text.trim_end_matches('\r').to_owned());
            }
            byte => line.push(byte),
        }
    }
    Err(ProxyError::Malformed("http"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_upstreams() {
        let to = Target::new("frps.example", 7000);
        assert_eq!(
            request(&to, Some("Basic dTpw")),
            "CONNECT frps.example:7000 HTTP/1.1\r\nHost: frps.example:7000\r\nUser-Agent: \
             Mozilla/5.0\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
        );
        let to = Target::new("::1", 7000);
        assert!(request(&to, None).starts_with("CONNECT [::1]:7000 HTTP/1.1\r\n"));
    }

    #[test]
    fn answers() {
        let parse = |head: &str| Answer::parse(head.as_bytes());
        let ok = parse("HTTP/1.1 200 OK\r\n\r\n").unwrap();
        assert_eq!((ok.status, ok.body), (200, Body::Length(0)));
        assert!(ok.accepted().is_ok());
        let challenged = parse(
            "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nproxy-authenticate: \
             Negotiate TlRM\r\nContent-Length: 12\r\n\r\n",
        )
        .unwrap();
        assert_eq!(challenged.challenge.as_deref(), Some("TlRM"));
        assert_eq!(challenged.body, Body::Length(12));
        assert!(matches!(
            challenged.accepted(),
            Err(ProxyError::Credentials)
        ));
        let other = parse("HTTP/1.0 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        assert_eq!(other.body, Body::Chunked);
        assert!(matches!(other.accepted(), Err(ProxyError::Status(201))));
        for bad in ["SSH-2.0-x\r\n\r\n", "HTTP/1.1 200\r\n", "\r\n\r\n"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
