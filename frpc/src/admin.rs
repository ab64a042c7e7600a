//! The admin API of frpc (api 1).

mod entries;
mod live;
mod metrics;
mod servers;
mod status;
mod transport;

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use culvert_conf::{Defined, Strictness, WebServer};
use culvert_http::{
    Credentials,
    web::{Answer, Request, Site},
};
use culvert_io::Scope;
use http::{Method, StatusCode};
use tokio::sync::Notify;

use crate::setup::{ReloadError, Setup};
pub(crate) use servers::Servers;

/// How long after the answer the client stops, so that the answer arrives (upstream:
/// client/http/controller.go).
const STOP_DELAY: Duration = Duration::from_millis(100);

/// What handlers work on.
#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) setup: Arc<Setup>,
    /// Told when the client is to stop.
    pub(crate) stop: Notify,
    /// Where all tasks of the client live.
    pub(crate) root: Scope,
}

/// Every route of the admin API.
pub(crate) fn site(admin: &Arc<Admin>, web: &WebServer) -> Site {
    let site = Site::new(Credentials::new(&web.user, web.password.expose()))
        .on(Method::GET, "/api/reload", on(admin, reload))
        .on(Method::POST, "/api/stop", on(admin, stop))
        .on(Method::GET, "/api/status", on(admin, status::answer))
        .on(Method::GET, "/api/config", on(admin, read_config))
        .on(Method::PUT, "/api/config", on(admin, write_config))
        .on(Method::GET, "/api/transport", on(admin, transport::answer))
        .on(Method::GET, "/api/live", live::handler(admin))
        .on(Method::GET, "/metrics", on(admin, metrics::answer));
    let site = entries::running(site, admin);
    let site = if admin.setup.servers.are_several() {
        site.on(Method::GET, "/api/servers", on(admin, servers::answer))
    } else {
        site
    };
    let site = if admin.setup.servers.config.store.is_some() {
        entries::stored(site, admin)
    } else {
        site
    };
    if web.pprof {
        let root = admin.root.clone();
        let count = move || vec![("tasks", root.tasks() as u64)];
        site.with_pprof(count)
    } else {
        site
    }
}

/// A handler that works on `admin`.
fn on<F, Fut>(admin: &Arc<Admin>, handler: F) -> impl Fn(Request) -> Fut + Send + Sync + use<F, Fut>
where
    F: Fn(Arc<Admin>, Request) -> Fut + Send + Sync,
    Fut: Future<Output = Answer>,
{
    let admin = Arc::clone(admin);
    move |request| handler(Arc::clone(&admin), request)
}

/// `GET /api/reload`.
async fn reload(admin: Arc<Admin>, request: Request) -> Answer {
    // What Go's ParseBool takes for true.
    let words = ["1", "t", "T", "TRUE", "true", "True"];
    let strict = request
        .query("strictConfig")
        .is_some_and(|s| words.contains(&s));
    let strictness = if strict {
        Strictness::Strict
    } else {
        Strictness::Lenient
    };
    match admin.setup.reload(strictness).await {
        Ok(()) => Answer::empty(),
        Err(error @ ReloadError::BrokenOff) => {
            let text = format!("apply config failed: {error}");
            Answer::v1_error(StatusCode::INTERNAL_SERVER_ERROR, &text)
        }
        Err(error) => invalid(&error.to_string()),
    }
}

/// `POST /api/stop`.
async fn stop(admin: Arc<Admin>, _: Request) -> Answer {
    let stopped = Arc::clone(&admin);
    admin.root.spawn(async move {
        tokio::time::sleep(STOP_DELAY).await;
        stopped.stop.notify_one();
    });
    Answer::empty()
}

/// `GET /api/config`: the file as it is, templates and all.
async fn read_config(admin: Arc<Admin>, _: Request) -> Answer {
    let Some(path) = admin.setup.path().map(PathBuf::from) else {
        return invalid(&ReloadError::NoFile.to_string());
    };
    match blocking(move || std::fs::read(path)).await {
        Ok(text) => Answer::body("text/plain; charset=utf-8", text),
        Err(error) => invalid(&error.to_string()),
    }
}

/// `PUT /api/config`: neither checked nor taken over.
async fn write_config(admin: Arc<Admin>, request: Request) -> Answer {
    let body = request.body().clone();
    if body.is_empty() {
        let text = "body can't be empty";
        return Answer::v1_error(StatusCode::BAD_REQUEST, text);
    }
    let failed = |text: &str| Answer::v1_error(StatusCode::INTERNAL_SERVER_ERROR, text);
    let Some(path) = admin.setup.path().map(PathBuf::from) else {
        return failed(&ReloadError::NoFile.to_string());
    };
    match blocking(move || culvert_program::write_in_place(&path, &body)).await {
        Ok(()) => Answer::empty(),
        Err(error) => failed(&format!("write content to frpc config file error: {error}")),
    }
}

fn invalid(text: &str) -> Answer {
    Answer::v1_error(
        StatusCode::BAD_REQUEST,
        &format!("invalid argument: {text}"),
    )
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(std::io::Error::other).flatten()
}

/// What is looked for in a path and is not there.
fn missing(what: Defined, name: &str) -> String {
    format!("{} {name:?} not found", what.as_str())
}
