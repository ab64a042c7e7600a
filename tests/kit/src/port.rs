//! Ports that nobody uses.

use std::{
    net::{TcpListener, UdpSocket},
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
};

use crate::{Error, Result};

/// Below the range from which Linux takes ports for outgoing connections (32768 to 60999), so
/// that no client of a test sits on a port between the check here and its use.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// Counts on through the range from a random start, so that one process never gives the same port
/// twice in a row and two processes seldom try the same ones.
static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
    let mut random = [0; 2];
    // Without randomness, the bind test alone must do.
    getrandom::fill(&mut random).unwrap_or_default();
    AtomicU16::new(u16::from_le_bytes(random))
});

/// A port that is free for TCP and UDP on every address, checked by binding it.
///
/// # Errors
/// When none of a few hundred candidates is free.
pub fn free_port() -> Result<u16> {
    for _ in 0..500 {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % (RANGE.end - RANGE.start);
        let port = RANGE.start + step;
        if TcpListener::bind(("0.0.0.0", port)).is_ok()
            && UdpSocket::bind(("0.0.0.0", port)).is_ok()
        {
            return Ok(port);
        }
    }
    Err(Error::wrong("found no free port between 20000 and 32000"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    #[test]
    fn ports_differ_and_can_be_bound() {
        let (a, b) = (super::free_port().unwrap(), super::free_port().unwrap());
        assert_ne!(a, b);
        TcpListener::bind(("127.0.0.1", a)).unwrap();
    }
}
