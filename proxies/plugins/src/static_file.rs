//! `static_file`: a folder of the client's machine, to read, like Go's file server.
//!
//! Nothing outside the folder is reached: neither by a path nor by a symbolic link, unlike
//! upstream, which follows links to anywhere.

mod file;
mod kind;
mod listing;
mod path;

use std::{path::PathBuf, sync::Arc};

use cap_std::{ambient_authority, fs::Dir};
use culvert_conf::StaticFile;
use culvert_http::{Credentials, Handler, serve_handler};
use culvert_io::Scope;
use culvert_proxy::{BoxFuture, ClientProxy, ProxyError, Work};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, AUTHORIZATION, LOCATION, WWW_AUTHENTICATE},
};
use hyper::body::Incoming;
use tokio::task::spawn_blocking;
use tracing::Instrument;

use self::{
    file::{Served, open},
    path::Wanted,
};
use crate::{
    answer::{Body, bare_status, text},
    login::{admitted, ask, credentials},
};

/// The plugin.
#[derive(Debug)]
pub(crate) struct StaticFiles(Arc<Folder>);

#[derive(Debug)]
struct Folder {
    root: PathBuf,
    /// The beginning of the paths served, with a slash at both ends.
    prefix: String,
    login: Option<Credentials>,
}

impl StaticFiles {
    /// The plugin for a folder, which is opened anew for every request: it may come and go.
    pub(crate) fn new(config: &StaticFile) -> Self {
        let prefix = match config.strip_prefix.as_str() {
            "" => "/".to_owned(),
            prefix => format!("/{prefix}/"),
        };
        Self(Arc::new(Folder {
            root: config.local_path.clone(),
            prefix,
            login: credentials(&config.login),
        }))
    }
}

impl ClientProxy for StaticFiles {
    fn serve<'a>(&'a self, work: Work, scope: &'a Scope) -> BoxFuture<'a, Result<(), ProxyError>> {
        let serve = async move {
            let peer = work.user();
            serve_handler(Arc::clone(&self.0), work.stream.with_peer(peer), scope).await;
            Ok(())
        };
        Box::pin(serve.instrument(scope.span().clone()))
    }
}

impl Handler for Folder {
    type Body = Body;

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let headers = request.headers();
        if !admitted(self.login.as_ref(), headers, &AUTHORIZATION).await {
            let how = "Basic realm=\"Restricted\"";
            return ask(
                StatusCode::UNAUTHORIZED,
                WWW_AUTHENTICATE,
                how,
                "Unauthorized\n",
            );
        }
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let mut response = bare_status(StatusCode::METHOD_NOT_ALLOWED);
            let both = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, both);
            return response;
        }
        let Some(wanted) = Wanted::new(request.uri().path(), &self.prefix) else {
            return not_found();
        };
        if let Some(to) = wanted.without_index() {
            return moved(&to, request.uri().query());
        }
        let headers = headers.clone();
        let query = request.uri().query().map(str::to_owned);
        let reading = spawn_blocking(move || self.read(&wanted, &headers, query.as_deref()));
        reading.await.unwrap_or_else(|_| {
            text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "500 Internal Server Error\n",
            )
        })
    }
}

impl Folder {
    /// Answers from the folder; blocks.
    fn read(&self, wanted: &Wanted, headers: &HeaderMap, query: Option<&str>) -> Response<Body> {
        let root = match Dir::open_ambient_dir(&self.root, ambient_authority()) {
            Ok(root) => root,
            Err(err) => {
                tracing::warn!("open [{}] error: {err}", self.root.display());
                return not_found();
            }
        };
        match open(&root, wanted) {
            Ok(Served::Folder(_)) if !wanted.is_folder => moved(&wanted.as_folder(), query),
            Ok(Served::File(_)) if wanted.is_folder => moved(&wanted.as_file(), query),
            Ok(Served::Folder(folder)) => match open(&folder, &Wanted::index()) {
                Ok(Served::File(file)) => file.answer(headers),
                _ => listing::answer(&folder),
            },
            Ok(Served::File(file)) => file.answer(headers),
            Err(err) => {
                tracing::debug!("static file [{}]: {err}", wanted.name());
                not_found()
            }
        }
    }
}

fn not_found() -> Response<Body> {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// A redirect relative to the request, so that a prefix in front of us does not matter.
fn moved(to: &str, query: Option<&str>) -> Response<Body> {
    let to = match query {
        Some(query) => format!("{to}?{query}"),
        None => to.to_owned(),
    };
    let Ok(to) = HeaderValue::from_str(&to) else {
        return not_found();
    };
    let mut response = bare_status(StatusCode::MOVED_PERMANENTLY);
    response.headers_mut().insert(LOCATION, to);
    response
}
