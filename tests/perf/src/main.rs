//! Measures our programs beside real frp: `cargo perf --help`.

mod cli;
mod docs;
mod links;
mod load;
mod machine;
mod measure;
mod out;
mod pair;
mod plot;
mod report;
mod results;
mod row;
mod services;
mod system;
mod variant;

use std::{path::Path, process::ExitCode, time::Duration};

use clap::Parser as _;
use culvert_kit::{Error, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{runtime::Builder, signal::unix};

use crate::{
    cli::{Cli, Plan},
    machine::Machine,
    out::{progress, say},
    results::Results,
    system::Binaries,
};

/// A deadline for what takes far less, even on a busy machine.
const SOON: Duration = Duration::from_secs(15);

/// Where plots are left.
const FOLDER: &str = "target/perf";

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::io("start the runtime"))
        .and_then(|runtime| {
            let done = runtime.block_on(run(&cli));
            // A load that is cut off ends by itself soon; nobody waits for its figures.
            runtime.shutdown_background();
            done
        });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli) -> Result {
    let results = if cli.from.is_empty() {
        let results = measure(&cli.plan()?).await?;
        results.save(&cli.json)?;
        results
    } else {
        let mut results = Results::default();
        for file in &cli.from {
            results.add(Results::load(file)?);
        }
        results
    };
    let (text, plots) = (report::markdown(&results), plot::all(&results));
    say(&text);
    docs::write_plots(Path::new(FOLDER), &plots)?;
    progress(&format!("plots: {FOLDER}; values: {}", cli.json.display()));
    if cli.write_docs {
        docs::write_page(&text, &plots)?;
    }
    Ok(())
}

/// Measures, until it is done or somebody asks to stop. All programs that it started end with it.
async fn measure(plan: &Plan) -> Result<Results> {
    many_files()?;
    let programs = Binaries::of(&plan.systems).await?;
    let mut results = Results {
        machine: Machine::this(),
        notes: notes(plan, &programs),
        ..Results::default()
    };
    let stop = |kind| unix::signal(kind).map_err(Error::io("watch for signals"));
    let mut interrupted = stop(unix::SignalKind::interrupt())?;
    let mut ended = stop(unix::SignalKind::terminate())?;
    tokio::select! {
        done = measure::all(plan, &programs, &mut results) => done?,
        _ = interrupted.recv() => return Err(Error::wrong("interrupted")),
        _ = ended.recv() => return Err(Error::wrong("told to stop")),
    }
    Ok(results)
}

fn notes(plan: &Plan, programs: &[Binaries]) -> Vec<String> {
    let mut notes = Vec::new();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let command = format!("cargo perf {}", arguments.join(" "));
    notes.push(format!(
        "`{}`: {} rounds, {:?} for each load, {:?} on long links.",
        command.trim(),
        plan.rounds,
        plan.lasting,
        plan.link_lasting
    ));
    for Binaries {
        system, version, ..
    } in programs
    {
        notes.push(format!("{}: version {version}.", system.name()));
    }
    notes
}

/// Lets this process and those it starts hold as many connections as the system allows.
fn many_files() -> Result {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: maximum,
        maximum,
    };
    let set = setrlimit(Resource::Nofile, most).map_err(Into::into);
    set.map_err(Error::io("raise the limit of open files"))
}
