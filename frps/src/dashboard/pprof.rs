//! `/debug/pprof/`: what this program can say where tools look for Go's profiles (api 0).
//!
//! There are no goroutines and no Go heap here. The counts that tell a leak are given as text, and
//! whoever asks for a profile is told how to take one. As upstream's it asks for no password, so
//! nothing that belongs to somebody is named.

use std::process;

use culvert_http::web::{Answer, Request};
use http::StatusCode;

use super::view::View;

const TEXT: &str = "text/plain; charset=utf-8";

/// `GET /debug/pprof/`.
pub(super) fn index(_: &View, _: &Request) -> Answer {
    Answer::body(
        TEXT,
        "goroutine: tasks, clients and connections of this program\n",
    )
}

/// `GET /debug/pprof/goroutine`: tasks are what goroutines are in Go.
pub(super) fn tasks(view: &View, _: &Request) -> Answer {
    let text = format!(
        "tasks: {}\nclients: {}\nconnections: {}\n",
        view.root.tasks(),
        view.clients.online(),
        view.proxies.connections(),
    );
    Answer::body(TEXT, text)
}

/// `GET /debug/pprof/{profile}`: the others.
pub(super) fn elsewhere(_: &View, _: &Request) -> Answer {
    let text = format!(
        "this program has no such profile; on its host, run: perf record -g -p {} -- sleep 10",
        process::id()
    );
    Answer::text(StatusCode::NOT_IMPLEMENTED, &text)
}
