//! Runs the fuzz targets, which need a nightly compiler and live in a workspace of their own.

use std::{fs, path::Path};

use tokio::process::Command;

use crate::{
    cargo::shown,
    error::{Error, Result},
    out::say,
};

const TARGETS: &str = "tests/fuzz/fuzz_targets";

/// Where the seeds of each target are kept; what a run adds goes to a corpus that is not.
const SEEDS: &str = "tests/fuzz/seeds";

const ADVICE: &str = "needs a nightly compiler and cargo-fuzz:
    rustup toolchain install nightly
    cargo install cargo-fuzz";

/// Run the fuzz targets.
///
/// Needs a nightly compiler (`rustup toolchain install nightly`) and cargo-fuzz
/// (`cargo install cargo-fuzz`). A finding is written to tests/fuzz/artifacts.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The target to run; without it, each in turn
    target: Option<String>,
    /// How long to run each target
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u32,
}

pub(crate) async fn run(args: Args) -> Result {
    let known = targets()?;
    let chosen = match args.target {
        None => known,
        Some(target) if known.contains(&target) => vec![target],
        Some(target) => {
            let known = known.join(", ");
            return Err(Error::found(format!(
                "no target {target}; there are {known}"
            )));
        }
    };
    let mut asked = Command::new("rustup");
    asked.args(["run", "nightly", "cargo", "fuzz", "--version"]);
    if !asked.output().await.is_ok_and(|o| o.status.success()) {
        return Err(Error::found(format!("cargo xtask fuzz {ADVICE}")));
    }
    for target in chosen {
        say(&format!("fuzz: {target} for {} s", args.seconds));
        fuzz(&target, args.seconds).await?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(TARGETS).map_err(Error::io(format!("list {TARGETS}")))? {
        let path = entry.map_err(Error::io(format!("list {TARGETS}")))?.path();
        names.extend(
            path.file_stem()
                .map(|stem| stem.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    Ok(names)
}

async fn fuzz(target: &str, seconds: u32) -> Result {
    let corpus = format!("tests/fuzz/corpus/{target}");
    fs::create_dir_all(&corpus).map_err(Error::io(format!("make {corpus}")))?;
    let mut command = Command::new("rustup");
    command.args([
        "run",
        "nightly",
        "cargo",
        "fuzz",
        "run",
        "--fuzz-dir",
        "tests/fuzz",
        target,
    ]);
    command.arg(corpus);
    let seeds = format!("{SEEDS}/{target}");
    if Path::new(&seeds).is_dir() {
        command.arg(seeds);
    }
    command
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .arg("-rss_limit_mb=1024");
    shown(&format!("fuzz target {target}"), &mut command).await
}
