//! The program from its command line to its exit code.

use std::process::ExitCode;

use clap::Parser;
use culvert_conf::ClientConfig;
use culvert_program::{Failure, accept, say};
use culvert_transports::{Transport, Transports, standard};

use crate::{
    cli::{Cli, Command},
    service::Service,
};

/// The frpc program: the stock one, or with transports of your own.
#[derive(Debug)]
#[non_exhaustive]
pub struct App {
    transports: Transports,
}

impl App {
    /// The program with everything this build has.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            transports: standard(),
        }
    }

    /// The same program with one more transport; one of the same name is replaced.
    #[must_use]
    pub fn with_transport<T: Transport>(mut self, transport: T) -> Self {
        self.transports = self.transports.with(transport);
        self
    }

    /// Runs the program with the arguments of the process, until it is asked to stop.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let cli = match Cli::try_parse_from(culvert_program::arguments()) {
            Ok(cli) => cli,
            Err(err) => return culvert_program::usage(&err),
        };
        if cli.options.version {
            say(culvert_wire::RELEASE);
            return ExitCode::SUCCESS;
        }
        let done = match cli.command {
            Some(Command::Verify) => verify(&cli, &self.transports),
            None => serve(&cli, &self.transports),
        };
        done.map_or_else(|failure| failure.end(), |()| ExitCode::SUCCESS)
    }
}

fn load(cli: &Cli, transports: &Transports) -> Result<ClientConfig, Failure> {
    let names: Vec<_> = transports.names().collect();
    let options = &cli.options;
    let extensions = options.extensions(&names);
    let loaded = culvert_conf::load_client_with(&cli.config, options.strictness(), extensions)?;
    Ok(accept(loaded, cli.command.is_none()))
}

fn verify(cli: &Cli, transports: &Transports) -> Result<(), Failure> {
    if cli.config.as_os_str().is_empty() {
        say("frpc: the configuration file is not specified");
        return Ok(());
    }
    load(cli, transports)?;
    say(&format!(
        "frpc: the configuration file {} syntax is ok",
        cli.config.display()
    ));
    Ok(())
}

fn serve(cli: &Cli, transports: &Transports) -> Result<(), Failure> {
    let config = load(cli, transports)?;
    culvert_program::start(&config.log)?;
    culvert_program::raise_open_files();
    let file = cli.config.display();
    tracing::info!("start frpc service for config file [{file}] with aggregated configuration");
    // One session on one thread with all its streams: a second thread would only add wakeups.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(async {
        let service = Service::with(config, transports)?;
        let (stop, hurry) = (
            culvert_program::stop_asked_or_never(),
            culvert_program::stop_asked_or_never(),
        );
        tokio::select! {
            done = service.run(stop, hurry) => done,
            never = culvert_io::return_memory(&[]) => match never {},
        }
    });
    tracing::info!("frpc service for config file [{file}] stopped");
    // Name look-ups cannot be interrupted; do not wait for them.
    runtime.shutdown_background();
    Ok(done?)
}
