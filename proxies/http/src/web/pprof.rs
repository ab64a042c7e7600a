//! `/debug/pprof/`: what this program can say where tools look for Go's profiles (api 0).
//!
//! There are no goroutines and no Go heap here. The counts that tell a leak are given as text, and
//! whoever asks for a profile is told how to take one. As upstream's it asks for no password, so
//! nothing that belongs to somebody is named.

use std::{future::ready, process};

use http::{Method, StatusCode};

use super::{Answer, Site};

const TEXT: &str = "text/plain; charset=utf-8";

impl Site {
    /// The same site with `/debug/pprof/`; `counts` are named numbers of what the program has now.
    #[must_use]
    pub fn with_pprof(
        self,
        counts: impl Fn() -> Vec<(&'static str, u64)> + Send + Sync + 'static,
    ) -> Self {
        // Tasks are what goroutines are in Go.
        let tasks = move |_| {
            let counts = counts().into_iter();
            let lines: String = counts.map(|(name, n)| format!("{name}: {n}\n")).collect();
            ready(Answer::body(TEXT, lines))
        };
        let index = |_| {
            let text = "goroutine: tasks, clients and connections of this program\n";
            ready(Answer::body(TEXT, text))
        };
        let elsewhere = |_| {
            let text = format!(
                "this program has no such profile; on its host, run: perf record -g -p {} -- \
                 sleep 10",
                process::id()
            );
            ready(Answer::text(StatusCode::NOT_IMPLEMENTED, &text))
        };
        self.open(Method::GET, "/debug/pprof/", index)
            .open(Method::GET, "/debug/pprof/goroutine", tasks)
            .open(Method::GET, "/debug/pprof/{profile}", elsewhere)
    }
}
