//! The command from its arguments to what it leaves.

use std::process::ExitCode;

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
    system::Binaries,
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
