//! What a program says: lines of bounded length, of which a bounded number reaches the log.

use std::{net::SocketAddr, path::Path, time::Duration};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    time::Instant,
};

/// The longest line, in bytes; what is longer becomes several lines (protocol.md).
pub const LONGEST: usize = 1024;
/// The most lines of one program that reach the log in a [`WINDOW`]: enough for a start-up banner
/// and a stack trace, nothing for a disk to fill with.
const PER_WINDOW: u32 = 100;
/// The time over which lines are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// Reads lines of at most [`LONGEST`] bytes.
#[derive(Debug)]
pub struct Lines<R>(BufReader<R>);

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The lines of this pipe.
    pub fn new(pipe: R) -> Self {
        Self(BufReader::new(pipe))
    }

    /// The next line without its end, or `None` when there will be no more.
    ///
    /// *Cancel safety*: the part of a line that was read is lost.
    pub async fn next(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            let chunk = self.0.fill_buf().await.unwrap_or_default();
            if chunk.is_empty() {
                return (!line.is_empty()).then(|| text(&line));
            }
            let room = LONGEST - line.len();
            let part = chunk.iter().take(room).position(|b| *b == b'\n');
            let used = part.unwrap_or_else(|| chunk.len().min(room));
            line.extend(chunk.iter().take(used));
            self.0.consume(used + usize::from(part.is_some()));
            if part.is_some() || line.len() >= LONGEST {
                return Some(text(&line));
            }
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end().to_owned()
}

/// What the first line of a program says: that it is ready, perhaps with the address at which it
/// listens (protocol.md).
///
/// # Errors
/// It is not, or says something else; the text goes behind the program's name.
pub fn ready(line: &str) -> Result<Option<SocketAddr>, String> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("ready", "") => Ok(None),
        ("ready", at) => {
            let read = at.trim().parse().map(Some);
            read.map_err(|_| format!("said {line:?}, in which no address can be read"))
        }
        ("error", why) => Err(format!("refused to start: {why}")),
        _ => Err(format!("said {line:?} instead of \"ready\"")),
    }
}

/// The last line that a program wrote to its standard error.
#[derive(Debug, Default)]
pub(crate) struct LastLine(Mutex<String>);

impl LastLine {
    /// `why`, followed by the line if there is one.
    pub(crate) fn after(&self, why: &str) -> String {
        let line = self.0.lock();
        if line.is_empty() {
            why.to_owned()
        } else {
            format!("{why}; the last line on its standard error: {line:?}")
        }
    }
}

/// Passes on what a program writes to its standard error, until it closes it.
///
/// *Cancel safety*: the part of a line that was read is lost.
pub(crate) async fn follow(pipe: impl AsyncRead + Unpin, program: &Path, last: &LastLine) {
    let name = program.display();
    let mut lines = Lines::new(pipe);
    let mut rate = Rate::new(Instant::now());
    while let Some(line) = lines.next().await {
        if line.is_empty() {
            continue;
        }
        let (left_out, admitted) = rate.admit(Instant::now());
        if left_out > 0 {
            tracing::warn!("{name}: {left_out} more lines were left out");
        }
        if admitted {
            tracing::info!("{name}: {line}");
        }
        *last.0.lock() = line;
    }
}

/// Counts lines.
struct Rate {
    since: Instant,
    count: u32,
    left_out: u64,
}

impl Rate {
    const fn new(now: Instant) -> Self {
        Self {
            since: now,
            count: 0,
            left_out: 0,
        }
    }

    /// How many lines were left out in a window that is over now, and whether this one may pass.
    fn admit(&mut self, now: Instant) -> (u64, bool) {
        let mut left_out = 0;
        if now.saturating_duration_since(self.since) >= WINDOW {
            left_out = std::mem::take(&mut self.left_out);
            self.since = now;
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        let admitted = self.count <= PER_WINDOW;
        self.left_out += u64::from(!admitted);
        (left_out, admitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_lines_are_cut_and_bytes_need_not_be_text() {
        let mut bytes = vec![b'x'; LONGEST + 1];
        bytes.extend(b"\n\nready\r\n\xffend");
        let mut lines = Lines::new(&*bytes);
        assert_eq!(lines.next().await.unwrap().len(), LONGEST);
        for expected in ["x", "", "ready", "\u{fffd}end"] {
            assert_eq!(lines.next().await.as_deref(), Some(expected));
        }
        assert_eq!(lines.next().await, None);
    }

    #[test]
    fn a_flood_is_counted_and_not_passed_on() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        let passed = (0..1000).filter(|_| rate.admit(start).1).count();
        assert_eq!(passed, usize::try_from(PER_WINDOW).unwrap());
        assert_eq!(rate.admit(start + WINDOW), (900, true));
        assert_eq!(rate.admit(start + WINDOW), (0, true));
    }
}
