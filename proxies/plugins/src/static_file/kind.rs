//! The content type of a file: by its name, else by its first bytes.

/// How many first bytes decide (Go's `http.DetectContentType`).
pub(super) const SNIFFED: usize = 512;

/// What Go knows without tables of the system (mime/type.go), and the types that need no words.
const KINDS: &[(&str, &str)] = &[
    ("avif", "image/avif"),
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("gif", "image/gif"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/vnd.microsoft.icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("woff2", "font/woff2"),
    ("xml", "text/xml; charset=utf-8"),
    ("zip", "application/zip"),
];

/// The type by the ending of a name.
pub(super) fn by_name(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    KINDS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(ending))
        .map(|(_, kind)| *kind)
}

/// The type by the first bytes: words, or anything.
pub(super) fn by_bytes(first: &[u8]) -> &'static str {
    let binary = |b: &u8| matches!(b, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    if first.iter().any(binary) {
        "application/octet-stream"
    } else {
        "text/plain; charset=utf-8"
    }
}

#[cfg(test)]
mod tests {
    use super::{by_bytes, by_name};

    #[test]
    fn kinds() {
        assert_eq!(by_name("a.HTML"), Some("text/html; charset=utf-8"));
        assert_eq!(by_name("html"), None);
        assert_eq!(by_bytes(b"words\n"), "text/plain; charset=utf-8");
        assert_eq!(by_bytes(b"\0"), "application/octet-stream");
    }
}
