//! The command from its arguments to what it leaves.

use std::{future::Future, process::ExitCode};

use clap::Parser as _;
use culvert_kit::{Error, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{runtime::Builder, signal::unix};

use crate::{
    cli::{Cli, Plan},
    docs,
    machine::Machine,
    measure,
    out::{progress, say},
    plot, report,
    results::Results,
    scale::{self, Crowd},
    system::{Binaries, System},
};

/// Runs the command line of this process.
pub fn main() -> ExitCode {
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
    let root = docs::root()?;
    if let Some(crowd) = cli.scale {
        return scale(crowd, &cli.systems).await;
    }
    let results = if cli.from.is_empty() {
        let results = measure(&cli.plan()?).await?;
        results.save(&cli.values(&root))?;
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
    let folder = cli.folder(&root);
    docs::write_plots(&folder, &plots)?;
    progress(&format!("plots are in {}", folder.display()));
    if cli.write_docs {
        docs::write_page(&root, &text, &plots)?;
    }
    Ok(())
}

/// Measures many clients and connections.
async fn scale(crowd: Crowd, systems: &[System]) -> Result {
    let files = many_files()?;
    for programs in Binaries::of(systems).await? {
        let run = Box::pin(scale::run(crowd, files, &programs));
        let table = unless_stopped(run).await?;
        say(&format!("{}:\n\n{table}", programs.system.name()));
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
    unless_stopped(measure::all(plan, &programs, &mut results)).await?;
    Ok(results)
}

/// Does `work`, unless somebody asks to stop.
async fn unless_stopped<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let stop = |kind| unix::signal(kind).map_err(Error::io("watch for signals"));
    let mut interrupted = stop(unix::SignalKind::interrupt())?;
    let mut ended = stop(unix::SignalKind::terminate())?;
    tokio::select! {
        done = work => done,
        _ = interrupted.recv() => Err(Error::wrong("interrupted")),
        _ = ended.recv() => Err(Error::wrong("told to stop")),
    }
}

fn notes(plan: &Plan, programs: &[Binaries]) -> Vec<String> {
    let mut notes = vec![format!(
        "Rounds: {}; {:?} for each load, {:?} on long links.",
        plan.rounds, plan.lasting, plan.link_lasting
    )];
    for Binaries {
        system, version, ..
    } in programs
    {
        notes.push(format!(
            "{}: `frps --version` says {version}.",
            system.name()
        ));
    }
    notes
}

/// Lets this process and those it starts hold as many connections as the system allows; answers
/// how many files that is.
fn many_files() -> Result<usize> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: maximum,
        maximum,
    };
    let set = setrlimit(Resource::Nofile, most).map_err(Into::into);
    set.map_err(Error::io("raise the limit of open files"))?;
    let most = maximum
        .map(usize::try_from)
        .and_then(std::result::Result::ok);
    Ok(most.unwrap_or(usize::MAX))
}
