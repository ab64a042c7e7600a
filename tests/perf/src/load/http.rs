//! Users who ask for a page on a connection that stays open.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout_at},
};

use super::{PATIENCE, SITE, Seen};

/// No head of an answer is longer.
const MAX_HEAD: usize = 64 * 1024;

/// Asks until `end`; a connection that fails is replaced by a new one.
pub(super) async fn pages(to: SocketAddr, seen: &mut Seen, end: Instant) {
    while Instant::now() < end {
        let asked = timeout_at(end + PATIENCE, connection(to, seen, end)).await;
        if let Ok(Err(error)) | Err(error) = asked.map_err(io::Error::from) {
            seen.fail(&error);
        }
    }
}

async fn connection(to: SocketAddr, seen: &mut Seen, end: Instant) -> io::Result<()> {
    let request = format!("GET / HTTP/1.1\r\nHost: {SITE}\r\n\r\n");
    let mut socket = TcpStream::connect(to).await?;
    socket.set_nodelay(true)?;
    let mut answer = Vec::with_capacity(MAX_HEAD);
    while Instant::now() < end {
        let begun = Instant::now();
        socket.write_all(request.as_bytes()).await?;
        answer.clear();
        while !whole(&answer)? {
            if socket.read_buf(&mut answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        seen.times.push(begun.elapsed());
    }
    Ok(())
}

/// Whether `answer` is complete.
///
/// # Errors
/// When it is no page of a known length.
fn whole(answer: &[u8]) -> io::Result<bool> {
    let Some(head) = answer.windows(4).position(|end| end == b"\r\n\r\n") else {
        return match answer.len() {
            ..MAX_HEAD => Ok(false),
            _ => Err(io::Error::other("the head of an answer does not end")),
        };
    };
    let text = answer.get(..head).and_then(|h| str::from_utf8(h).ok());
    let mut lines = text.unwrap_or_default().lines();
    let first = lines.next().unwrap_or_default();
    if !first.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(format!("answered with {first:?}")));
    }
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .ok_or_else(|| io::Error::other("an answer without a length"))?;
    Ok(answer.len() >= head + 4 + length)
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn an_answer_is_whole_with_its_last_byte() {
        let page = b"HTTP/1.1 200 OK\r\nX: y\r\ncontent-length: 3\r\n\r\nabc";
        for cut in 0..page.len() {
            assert!(!whole(&page[..cut]).unwrap(), "{cut}");
        }
        assert!(whole(page).unwrap());
        assert!(whole(b"HTTP/1.1 404 Not Found\r\n\r\n").is_err());
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
