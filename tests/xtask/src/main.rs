//! The project's own commands, run as `cargo xtask …`.

mod cargo;
mod demo;
mod deps;
mod error;
mod fuzz;
mod keys;
mod out;
mod setup;
mod sizes;
mod test;
mod tree;
mod weight;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{error::Result, out::complain};

/// The project's own commands.
///
/// Two are enough to start with: `cargo xtask demo` shows a working tunnel, and
/// `cargo xtask test` runs every check that a change must pass.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build both programs, publish a web page and a TCP service, prove both, stay up
    Demo(demo::Args),
    /// Run every check: format, lints, sizes, arrows, docs, tests, end to end, demo
    Test(test::Args),
    /// Do what continuous integration does: `setup`, then `test`
    Ci(test::Args),
    /// Install what the tests need beyond the Rust toolchain, by name
    Setup,
    /// Print the ten largest source files; fail on one over 600 lines
    Sizes,
    /// Build both programs in full and slim; fail on one heavier than docs/INSTALL.md says
    Weight,
    /// Check the arrows between the crates and what tracked files may not hold
    Deps,
    /// Write the documentation of every configuration key and the JSON Schemas anew
    Keys,
    /// Run the fuzz targets
    Fuzz(fuzz::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = tree::enter_root().and_then(|()| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(error::Error::io("start the runtime"))?
            .block_on(run(cli.command))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            complain(&e.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result {
    match command {
        Command::Demo(args) => demo::run(args).await,
        Command::Test(args) => test::run(args).await,
        Command::Ci(args) => {
            setup::run().await?;
            test::run(args).await
        }
        Command::Setup => setup::run().await,
        Command::Sizes => sizes::check(),
        Command::Weight => weight::run().await,
        Command::Deps => deps::check().await,
        Command::Keys => keys::write(),
        Command::Fuzz(args) => fuzz::run(args).await,
    }
}
