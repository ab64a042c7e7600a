//! The web server of frps: its API in both versions, and the metrics (api 2).
//!
//! Handlers are functions of a [`View`], so that they can be asked without a network.

mod client;
mod live;
mod metrics;
mod proxy;
mod v1;
mod v2;
mod view;

use std::{collections::BTreeMap, future::ready, sync::Arc};

use culvert_conf::WebServer;
use culvert_http::{
    Credentials,
    web::{self, Answer, Request, Site},
};
use culvert_io::Scope;
use http::{Method, StatusCode};

use view::View;

use crate::{reload::Reloader, server::Server};

/// Who may use the dashboard, which a reload may change.
#[derive(Clone)]
pub(crate) struct Admission(web::Admission);

impl Admission {
    /// Whom the configuration names.
    pub(crate) fn of(web: Option<&WebServer>) -> Self {
        Self(web::Admission::new(web.and_then(credentials)))
    }

    /// From now on it is whom `web` names.
    pub(crate) fn set(&self, web: Option<&WebServer>) {
        self.0.set(web.and_then(credentials));
    }
}

fn credentials(web: &WebServer) -> Option<Credentials> {
    Credentials::new(&web.user, web.password.expose())
}

/// Every route of the dashboard of `server`, whose tasks live in `root`.
pub(crate) fn site(
    server: &Server,
    web: &WebServer,
    root: &Scope,
    reloader: Arc<Reloader>,
) -> Site {
    let proxies = server.figures.proxies.clone().unwrap_or_default();
    let clients = Arc::clone(&server.figures.clients);
    let view = View::new(Arc::clone(&server.settings), clients, proxies, root.clone());
    let counts = Arc::clone(&server.figures.counts);
    let view = Arc::new(view.of(counts, Arc::clone(&server.registry)));
    let feed = live::feed(Arc::clone(&view), Arc::clone(&server.registry));
    routes(view, web)
        .admitting(reloader.admission().0)
        .on(Method::GET, "/api/live", move |_| ready(feed.answer()))
        .on(Method::POST, "/api/reload", move |_| {
            reload(Arc::clone(&reloader))
        })
}

/// `POST /api/reload`, which upstream has in frpc only: the keys that take a restart, or what is
/// wrong.
async fn reload(reloader: Arc<Reloader>) -> Answer {
    match reloader.reload().await {
        Ok(keys) => Answer::json(&BTreeMap::from([("restartNeeded", keys)])),
        Err(error) => Answer::v1_error(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

fn routes(view: Arc<View>, web: &WebServer) -> Site {
    let mut site = Site::new(credentials(web));
    let on = |handler: fn(&View, &Request) -> Answer| {
        let view = Arc::clone(&view);
        move |request: Request| ready(handler(&view, &request))
    };
    if web.prometheus {
        site = site.on(Method::GET, "/metrics", on(metrics::answer));
    }
    if web.pprof {
        let view = Arc::clone(&view);
        site = site.with_pprof(move || view.counts());
    }
    site.on(Method::GET, "/api/serverinfo", on(v1::server_info))
        .on(Method::GET, "/api/clients", on(v1::clients))
        .on(Method::GET, "/api/clients/{key}", on(v1::client))
        .on(Method::GET, "/api/proxy/{type}", on(v1::proxies))
        .on(Method::GET, "/api/proxy/{type}/{name}", on(v1::proxy))
        .on(Method::GET, "/api/proxies/{name}", on(v1::proxy))
        .on(Method::GET, "/api/traffic/{name}", on(v1::traffic))
        .on(Method::DELETE, "/api/proxies", on(v1::prune))
        .on(Method::GET, "/api/v2/users", on(v2::users))
        .on(Method::GET, "/api/v2/system/info", on(v2::info))
        .on(Method::POST, "/api/v2/system/prune", on(v2::prune))
        .on(Method::GET, "/api/v2/clients", on(v2::clients))
        .on(Method::GET, "/api/v2/clients/{key}", on(v2::client))
        .on(Method::GET, "/api/v2/proxies", on(v2::proxies))
        .on(Method::GET, "/api/v2/proxies/{name}", on(v2::proxy))
        .on(
            Method::GET,
            "/api/v2/proxies/{name}/traffic",
            on(v2::traffic),
        )
}

#[cfg(test)]
mod tests;
