//! What a port says to somebody who asks for a web page: it tells other programs from frps.

use std::time::UNIX_EPOCH;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// An answer in HTTP.
    Http(Page),
    /// A line of a server that speaks first, such as SSH.
    Line(String),
    /// Bytes that are no text.
    Bytes,
    /// The end, without a word. An frps does that.
    Closed,
    /// Nothing in time.
    Silent,
}

/// The head of an answer in HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(super) status: u16,
    /// Where the browser is sent.
    pub(super) location: String,
    /// What the server calls itself.
    pub(super) server: String,
    /// Its time, in seconds since 1970.
    pub(super) date: Option<i64>,
}

/// The most of it that is looked at.
pub(super) const MOST: usize = 4096;

/// The most characters of others on our terminal.
const LONGEST: usize = 120;

impl Greeting {
    /// What these bytes are; none when the connection ended or time was up.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        if let Some(page) = Page::read(&text) {
            return Self::Http(page);
        }
        let line = text.lines().next().unwrap_or_default();
        let is_text = line.chars().all(|c| !c.is_control() && c != '\u{FFFD}');
        match readable(line) {
            line if is_text && !line.is_empty() => Self::Line(line),
            _ => Self::Bytes,
        }
    }

    /// Whether so much of it has come that the rest changes nothing.
    pub(crate) fn is_whole(bytes: &[u8]) -> bool {
        let is_http = bytes.starts_with(b"HTTP/");
        let has = |end: &[u8]| bytes.windows(end.len()).any(|part| part == end);
        bytes.len() >= MOST || has(if is_http { b"\r\n\r\n" } else { b"\n" })
    }
}

impl Page {
    fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut words = lines.next()?.strip_prefix("HTTP/1.")?.split(' ');
        let status = words.nth(1)?.trim().parse().ok()?;
        let mut page = Self {
            status,
            ..Self::default()
        };
        for line in lines.take_while(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let value = readable(value.trim());
            match name.to_ascii_lowercase().as_str() {
                "location" => page.location = value,
                "server" => page.server = value,
                "date" => page.date = seconds(&value),
                _ => {}
            }
        }
        Some(page)
    }

    /// Whether it is how portals answer: they send every browser to a page of their own, or say
    /// what they are (RFC 6585, section 6).
    pub(super) fn is_portal(&self, host: &str) -> bool {
        let to_elsewhere = !self.location.is_empty() && !self.location.contains(host);
        self.status == 511 || matches!(self.status, 300..=399) && to_elsewhere
    }
}

fn seconds(date: &str) -> Option<i64> {
    let date = httpdate::parse_http_date(date).ok()?;
    let since = date.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

fn readable(text: &str) -> String {
    let seen = text.chars().filter(|c| !c.is_control());
    seen.take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_apart() {
        let ssh = Greeting::read(b"SSH-2.0-OpenSSH_9.6\r\n");
        assert_eq!(ssh, Greeting::Line("SSH-2.0-OpenSSH_9.6".to_owned()));
        assert_eq!(Greeting::read(&[0x15, 3, 1, 0, 2, 2, 10]), Greeting::Bytes);
        assert_eq!(Greeting::read(b"\x1b[31mred\n"), Greeting::Bytes);
        let answer = b"HTTP/1.1 302 Found\r\nLocation: http://login.hotel/\r\nServer: gate\r\n\
            Date: Thu, 01 Jan 1970 00:01:40 GMT\r\n\r\nDate: no header";
        let Greeting::Http(page) = Greeting::read(answer) else {
            panic!("no page");
        };
        assert_eq!((page.status, page.date), (302, Some(100)));
        assert_eq!(page.server, "gate");
        assert!(page.is_portal("frps.example"));
        assert!(!page.is_portal("login.hotel"));
    }

    #[test]
    fn the_first_line_is_enough_of_those_who_speak_first() {
        assert!(Greeting::is_whole(b"220 mail\r\n"));
        assert!(!Greeting::is_whole(b"HTTP/1.1 200 OK\r\nA: b\r\n"));
        assert!(Greeting::is_whole(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"));
    }
}
