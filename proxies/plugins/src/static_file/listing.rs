//! The page of a folder that has none, in the shape of Go's file server.

use cap_std::fs::Dir;
use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use super::path::encode;
use crate::answer::{Body, full, text};

/// The most names on a page: some 10 MB at the longest. Upstream has no limit.
const MAX_NAMES: usize = 20_000;

/// Lists a folder; blocks.
pub(super) fn answer(folder: &Dir) -> Response<Body> {
    let names = match names(folder) {
        Ok(names) => names,
        Err(err) => {
            tracing::debug!("static file: {err}");
            let words = "Error reading directory\n";
            return text(StatusCode::INTERNAL_SERVER_ERROR, words);
        }
    };
    let mut page = String::from(
        "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n",
    );
    for (name, is_folder) in names {
        let slash = if is_folder { "/" } else { "" };
        let (link, shown) = (encode(&name), escape(&name));
        page.push_str(&format!("<a href=\"{link}{slash}\">{shown}{slash}</a>\n"));
    }
    page.push_str("</pre>\n");
    let mut response = Response::new(full(page));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}

/// The names in a folder and whether they are folders, in order.
fn names(folder: &Dir) -> std::io::Result<Vec<(String, bool)>> {
    let mut names = Vec::new();
    for entry in folder.entries()?.take(MAX_NAMES) {
        let entry = entry?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        names.push((entry.file_name().to_string_lossy().into_owned(), is_folder));
    }
    names.sort();
    Ok(names)
}

/// The name as text of a page.
fn escape(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
