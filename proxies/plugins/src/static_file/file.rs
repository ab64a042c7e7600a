//! One file on its way to the user: conditions, one range, and the bytes piece by piece.

use std::{
    io::{self, Read, Seek, SeekFrom},
    pin::Pin,
    task::{Context, Poll, ready},
    time::SystemTime,
};

use bytes::Bytes;
use cap_std::fs::{Dir, File};
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{
        ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_MODIFIED_SINCE, IF_RANGE,
        IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
    },
};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use super::{
    kind::{SNIFFED, by_bytes, by_name},
    path::Wanted,
};
use crate::answer::{Body, BodyError, bare_status, text};

/// How much is read at once; a user who does not read holds two pieces.
const PIECE: u64 = 64 * 1024;

/// What stands at a path.
pub(super) enum Served {
    Folder(Dir),
    File(Opened),
}

/// A file that was opened.
pub(super) struct Opened {
    file: File,
    len: u64,
    modified: Option<SystemTime>,
    name: String,
}

/// Opens what is wanted; blocks.
///
/// # Errors
/// It is not there, may not be read, lies outside, or is neither a folder nor a file.
pub(super) fn open(root: &Dir, wanted: &Wanted) -> io::Result<Served> {
    let name = wanted.name();
    // Asked before: to open a pipe would wait for its writer.
    let metadata = root.metadata(&name)?;
    if metadata.is_dir() {
        return root.open_dir(&name).map(Served::Folder);
    }
    if !metadata.is_file() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let file = root.open(&name)?;
    let metadata = file.metadata()?;
    Ok(Served::File(Opened {
        file,
        len: metadata.len(),
        modified: metadata.modified().ok().map(|time| time.into_std()),
        name: wanted.last().to_owned(),
    }))
}

/// What of a file is wanted.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// From the first to before the second offset.
    Some(u64, u64),
    /// Nothing of it is there.
    None,
}

impl Opened {
    /// The answer to a request with `headers` (RFC 9110 13 and 14); blocks.
    pub(super) fn answer(self, headers: &HeaderMap) -> Response<Body> {
        let read = |err: io::Error| {
            tracing::debug!("static file [{}]: {err}", err);
            let words = "500 Internal Server Error\n";
            text(StatusCode::INTERNAL_SERVER_ERROR, words)
        };
        self.try_answer(headers).unwrap_or_else(read)
    }

    fn try_answer(mut self, headers: &HeaderMap) -> io::Result<Response<Body>> {
        let mut response = match self.unmet(headers) {
            Some(status) => bare_status(status),
            None => self.part(headers)?,
        };
        if let Some(time) = self.modified
            && let Ok(value) = HeaderValue::try_from(httpdate::fmt_http_date(time))
        {
            response.headers_mut().insert(LAST_MODIFIED, value);
        }
        Ok(response)
    }

    /// The answer of a condition that does not hold.
    fn unmet(&self, headers: &HeaderMap) -> Option<StatusCode> {
        let modified = whole_seconds(self.modified?)?;
        let since = |name: &HeaderName| {
            let text = headers.get(name)?.to_str().ok()?;
            whole_seconds(httpdate::parse_http_date(text).ok()?)
        };
        if since(&IF_UNMODIFIED_SINCE).is_some_and(|time| modified > time) {
            return Some(StatusCode::PRECONDITION_FAILED);
        }
        since(&IF_MODIFIED_SINCE)
            .is_some_and(|time| modified <= time)
            .then_some(StatusCode::NOT_MODIFIED)
    }

    /// The wanted part, for conditions that hold.
    fn part(&mut self, headers: &HeaderMap) -> io::Result<Response<Body>> {
        let kind = match by_name(&self.name) {
            Some(kind) => kind,
            None => self.sniff()?,
        };
        let mut response = bare_status(StatusCode::OK);
        let (from, to) = match self.wanted(headers) {
            Part::Whole => (0, self.len),
            Part::Some(from, to) => {
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                let range = format!("bytes {from}-{}/{}", to.saturating_sub(1), self.len);
                put(response.headers_mut(), CONTENT_RANGE, &range);
                (from, to)
            }
            Part::None => {
                let status = StatusCode::RANGE_NOT_SATISFIABLE;
                let mut response = text(status, "invalid range: failed to overlap\n");
                let range = format!("bytes */{}", self.len);
                put(response.headers_mut(), CONTENT_RANGE, &range);
                return Ok(response);
            }
        };
        let left = to.saturating_sub(from);
        let headers = response.headers_mut();
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(left));
        self.file.seek(SeekFrom::Start(from))?;
        let file = self.file.try_clone()?.into_std();
        *response.body_mut() = Pieces {
            at: At::Rest(file),
            left,
        }
        .boxed_unsync();
        Ok(response)
    }

    fn sniff(&mut self) -> io::Result<&'static str> {
        let most = u64::try_from(SNIFFED).unwrap_or(u64::MAX);
        let mut first = Vec::with_capacity(SNIFFED);
        Read::by_ref(&mut self.file)
            .take(most)
            .read_to_end(&mut first)?;
        Ok(by_bytes(&first))
    }

    /// What `Range` asks for. Several ranges at once are answered with everything, which every
    /// client must take (RFC 9110 14.2).
    fn wanted(&self, headers: &HeaderMap) -> Part {
        let Some(range) = headers.get(RANGE).and_then(|value| value.to_str().ok()) else {
            return Part::Whole;
        };
        if let Some(then) = headers.get(IF_RANGE) {
            let then = then
                .to_str()
                .ok()
                .and_then(|text| httpdate::parse_http_date(text).ok());
            let same = then.and_then(whole_seconds) == self.modified.and_then(whole_seconds);
            if then.is_none() || !same {
                return Part::Whole;
            }
        }
        parse_range(range, self.len)
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// HTTP's dates have no fractions.
fn whole_seconds(time: SystemTime) -> Option<u64> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}

/// One range of a file that has `len` bytes.
fn parse_range(range: &str, len: u64) -> Part {
    let Some(spec) = range.strip_prefix("bytes=") else {
        return Part::None;
    };
    if spec.contains(',') {
        return Part::Whole;
    }
    let Some((first, last)) = spec.split_once('-') else {
        return Part::None;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (first, last) = (first.trim(), last.trim());
    let (from, to) = match (number(first), number(last)) {
        (Some(from), None) if last.is_empty() => (from, len),
        (Some(from), Some(last)) if from <= last => (from, last.saturating_add(1).min(len)),
        (None, Some(suffix)) if first.is_empty() => (len.saturating_sub(suffix), len),
        _ => return Part::None,
    };
    if from < to {
        Part::Some(from, to)
    } else {
        Part::None
    }
}

/// A file's bytes, read one piece at a time where blocking is allowed.
struct Pieces {
    at: At,
    left: u64,
}

enum At {
    Rest(std::fs::File),
    Reading(JoinHandle<io::Result<(std::fs::File, Bytes)>>),
    End,
}

fn read_piece(mut file: std::fs::File, most: u64) -> io::Result<(std::fs::File, Bytes)> {
    let mut piece = Vec::with_capacity(usize::try_from(most).unwrap_or_default());
    Read::by_ref(&mut file).take(most).read_to_end(&mut piece)?;
    Ok((file, piece.into()))
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if this.is_end_stream() {
            return Poll::Ready(None);
        }
        this.at = match std::mem::replace(&mut this.at, At::End) {
            At::Rest(file) => {
                let most = this.left.min(PIECE);
                At::Reading(spawn_blocking(move || read_piece(file, most)))
            }
            at => at,
        };
        let At::Reading(reading) = &mut this.at else {
            return Poll::Ready(None);
        };
        let read = ready!(Pin::new(reading).poll(cx));
        this.at = At::End;
        let (file, piece) = match read {
            Ok(Ok(read)) => read,
            Ok(Err(err)) => return Poll::Ready(Some(Err(err.into()))),
            Err(err) => return Poll::Ready(Some(Err(err.into()))),
        };
        if piece.is_empty() {
            let short = io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter");
            return Poll::Ready(Some(Err(short.into())));
        }
        let read = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        this.left = this.left.saturating_sub(read);
        this.at = At::Rest(file);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0 || matches!(self.at, At::End)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, parse_range};

    #[test]
    fn ranges() {
        for (range, part) in [
            ("bytes=0-0", Part::Some(0, 1)),
            ("bytes=2-", Part::Some(2, 10)),
            ("bytes=-3", Part::Some(7, 10)),
            ("bytes=-30", Part::Some(0, 10)),
            ("bytes=5-99", Part::Some(5, 10)),
            ("bytes=0-1,4-5", Part::Whole),
            ("bytes=10-", Part::None),
            ("bytes=3-2", Part::None),
            ("bytes=-0", Part::None),
            ("bytes=-", Part::None),
            ("bytes=+1-2", Part::None),
            ("lines=1-2", Part::None),
            ("bytes=99999999999999999999-", Part::None),
        ] {
            assert_eq!(parse_range(range, 10), part, "{range}");
        }
        assert_eq!(parse_range("bytes=0-", 0), Part::None);
    }
}
