//! The page for a request that nobody serves (upstream pkg/util/vhost/resource.go).

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;

/// The `Server` header of our own answers: the upstream release whose behaviour this is.
pub const SERVER: &str = "frp/0.70.1";

/// The longest custom page that is sent; it is held in memory once per request.
const MAX_PAGE: u64 = 1024 * 1024;

const BUILT_IN: &str = concat!(
    "<!DOCTYPE html>\n",
    "<html lang=\"en\">\n",
    "<head><meta charset=\"utf-8\"><title>404 Not Found</title></head>\n",
    "<body>\n",
    "<h1>404 Not Found</h1>\n",
    "<p>The page you requested was not found.</p>\n",
    "<p>This address has no service behind it right now. If it is yours, check that the client\n",
    "is connected and that its proxy carries this host name.</p>\n",
    "</body>\n",
    "</html>\n",
);

/// The page, read anew for each miss if the operator gave one.
#[derive(Debug)]
pub(crate) struct NotFound {
    custom: ArcSwapOption<PathBuf>,
}

impl NotFound {
    pub(super) fn new(custom: Option<PathBuf>) -> Self {
        Self {
            custom: ArcSwapOption::from_pointee(custom),
        }
    }

    pub(super) fn set(&self, custom: Option<PathBuf>) {
        self.custom.store(custom.map(Arc::new));
    }

    /// The page's bytes. The file is read off the connection's thread, because a disk may stall.
    pub(crate) async fn page(&self) -> Bytes {
        let Some(path) = self.custom.load_full() else {
            return Bytes::from_static(BUILT_IN.as_bytes());
        };
        let shown = Arc::clone(&path);
        let read = match tokio::task::spawn_blocking(move || read_page(&path)).await {
            Ok(read) => read,
            Err(stopped) => Err(io::Error::other(stopped)),
        };
        read.unwrap_or_else(|error| {
            tracing::warn!("read custom 404 page [{}] error: {error}", shown.display());
            Bytes::from_static(BUILT_IN.as_bytes())
        })
    }
}

fn read_page(path: &Path) -> io::Result<Bytes> {
    let mut page = Vec::new();
    File::open(path)?.take(MAX_PAGE).read_to_end(&mut page)?;
    Ok(page.into())
}
