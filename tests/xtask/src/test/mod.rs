//! Every check that a change must pass, cheapest first, with a summary at the end.

mod steps;
mod tally;

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    error::{Error, Result},
    out::say,
};
use steps::Step;
pub(crate) use steps::release_dir;
use tally::Tally;

const PEERS: &str = "\
Tests against real frp run when these name its programs (version 0.70.1):

    FRP_PEER_FRPS=…/frps FRP_PEER_FRPC=…/frpc cargo xtask test

Both come from upstream's release page. Without them, those tests pass with the line
`skipped: set FRP_PEER_FRPS and FRP_PEER_FRPC …`.

Tests against Go's mux and TLS run when `go` is installed (`cargo xtask setup`).";

/// Run every check: format, lints, sizes, arrows, docs, tests, end to end, demo.
///
/// Each step shows its progress; the summary tells how long each took. All steps run even when
/// one fails, and the last line counts the tests.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Args {
    /// Only the steps that take seconds: no release build, no end-to-end tests, no demo
    #[arg(long)]
    quick: bool,
    /// Also the tests that take minutes: idle sessions, many restarts, hundreds of silent peers
    #[arg(long, conflicts_with = "quick")]
    long: bool,
    /// Explain how to run the tests against real frp, and run nothing
    #[arg(long)]
    peers: bool,
}

pub(crate) async fn run(args: Args) -> Result {
    if args.peers {
        say(PEERS);
        return Ok(());
    }
    let steps = Step::chosen(args.quick, args.long);
    let mut tally = Tally::default();
    let mut summary = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        say(&format!(
            "\n== {}/{} {}: {}",
            n + 1,
            steps.len(),
            step.name(),
            step.meaning()
        ));
        let start = Instant::now();
        let failed = step.run(&mut tally).await.err();
        summary.push((step.name(), start.elapsed(), failed));
    }
    conclude(&summary, tally)
}

fn conclude(summary: &[(&str, Duration, Option<Error>)], tally: Tally) -> Result {
    say("\n== summary");
    for (name, took, failed) in summary {
        let result = failed
            .as_ref()
            .map_or_else(|| "ok".to_owned(), |e| format!("FAILED: {e}"));
        say(&format!(
            "{name:<10} {:>7.1} s  {result}",
            took.as_secs_f64()
        ));
    }
    let broken: Vec<_> = summary
        .iter()
        .filter(|(_, _, e)| e.is_some())
        .map(|s| s.0)
        .collect();
    if tally.skipped > 0 {
        say(&format!(
            "{} skipped for want of a peer: cargo xtask test --peers",
            tally.skipped
        ));
    }
    say(&format!("{} passed, {} failed", tally.passed, tally.failed));
    if broken.is_empty() {
        return Ok(());
    }
    Err(Error::found(format!(
        "these steps failed: {}",
        broken.join(", ")
    )))
}
