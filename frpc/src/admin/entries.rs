//! Proxies and visitors one by one: those that run, and those of the store (api 1).

use std::sync::Arc;

use culvert_conf::{Defined, Definition};
use culvert_http::web::{Answer, Request, Site};
use http::{Method, StatusCode};
use serde::Serialize;

use super::{Admin, missing, on};
use crate::setup::{Edit, EditError};

/// The lists of the store, one of which is in an answer.
#[derive(Default, Serialize)]
struct Lists {
    #[serde(skip_serializing_if = "Option::is_none")]
    proxies: Option<Vec<Definition>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visitors: Option<Vec<Definition>>,
}

/// `site` with the entries that run.
pub(super) fn running(mut site: Site, admin: &Arc<Admin>) -> Site {
    for (what, path) in [
        (Defined::Proxy, "/api/proxy/{name}/config"),
        (Defined::Visitor, "/api/visitor/{name}/config"),
    ] {
        let show = move |admin, request| show(admin, request, what);
        site = site.on(Method::GET, path, on(admin, show));
    }
    site
}

/// `site` with the entries of the store.
pub(super) fn stored(mut site: Site, admin: &Arc<Admin>) -> Site {
    for (what, list, entry) in [
        (
            Defined::Proxy,
            "/api/store/proxies",
            "/api/store/proxies/{name}",
        ),
        (
            Defined::Visitor,
            "/api/store/visitors",
            "/api/store/visitors/{name}",
        ),
    ] {
        let all = move |admin, _| all(admin, what);
        let create = move |admin, request| create(admin, request, what);
        let get = move |admin, request| get(admin, request, what);
        let update = move |admin, request| update(admin, request, what);
        let delete = move |admin, request| delete(admin, request, what);
        site = site
            .on(Method::GET, list, on(admin, all))
            .on(Method::POST, list, on(admin, create))
            .on(Method::GET, entry, on(admin, get))
            .on(Method::PUT, entry, on(admin, update))
            .on(Method::DELETE, entry, on(admin, delete));
    }
    site
}

async fn show(admin: Arc<Admin>, request: Request, what: Defined) -> Answer {
    let name = name(&request);
    match admin.setup.definition(what, &name).await {
        Some(definition) => Answer::json(&definition),
        None => Answer::v1_error(StatusCode::NOT_FOUND, &missing(what, &name)),
    }
}

async fn all(admin: Arc<Admin>, what: Defined) -> Answer {
    let stored = admin.setup.stored().await.unwrap_or_default();
    let lists = match what {
        Defined::Proxy => Lists {
            proxies: Some(stored.proxies),
            ..Lists::default()
        },
        Defined::Visitor => Lists {
            visitors: Some(stored.visitors),
            ..Lists::default()
        },
    };
    Answer::json(&lists)
}

async fn get(admin: Arc<Admin>, request: Request, what: Defined) -> Answer {
    let name = name(&request);
    let stored = admin.setup.stored().await.unwrap_or_default();
    match stored.find(what, &name) {
        Some(definition) => Answer::json(definition),
        None => {
            let text = format!("not found: {} {name:?}", what.as_str());
            Answer::v1_error(StatusCode::NOT_FOUND, &text)
        }
    }
}

async fn create(admin: Arc<Admin>, request: Request, what: Defined) -> Answer {
    match parse(&request, what, None) {
        Ok(new) => change(&admin, Edit::Create(new.clone()), Some(&new)).await,
        Err(refused) => *refused,
    }
}

async fn update(admin: Arc<Admin>, request: Request, what: Defined) -> Answer {
    match parse(&request, what, Some(&name(&request))) {
        Ok(new) => change(&admin, Edit::Update(new.clone()), Some(&new)).await,
        Err(refused) => *refused,
    }
}

async fn delete(admin: Arc<Admin>, request: Request, what: Defined) -> Answer {
    change(&admin, Edit::Delete(what, name(&request)), None).await
}

/// Makes a change and answers what is there now.
async fn change(admin: &Admin, edit: Edit, now: Option<&Definition>) -> Answer {
    match admin.setup.edit(edit).await {
        Ok(()) => now.map_or_else(Answer::empty, Answer::json),
        Err(error) => {
            let status = match error {
                EditError::Invalid(_) => StatusCode::BAD_REQUEST,
                EditError::Exists { .. } => StatusCode::CONFLICT,
                EditError::Missing { .. } | EditError::Disabled => StatusCode::NOT_FOUND,
                EditError::Write(_) | EditError::Apply(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            Answer::v1_error(status, &error.to_string())
        }
    }
}

fn parse(request: &Request, what: Defined, asked: Option<&str>) -> Result<Definition, Box<Answer>> {
    let refuse = |text: &str| Box::new(Answer::v1_error(StatusCode::BAD_REQUEST, text));
    let text = std::str::from_utf8(request.body())
        .map_err(|_| refuse("parse JSON error: the text is not UTF-8"))?;
    Definition::parse(what, text, asked).map_err(|error| refuse(&error.to_string()))
}

/// The name in the path; one that is not encoded properly names nothing.
fn name(request: &Request) -> String {
    request.variable("name").unwrap_or_default()
}
