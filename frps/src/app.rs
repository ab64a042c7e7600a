//! The program from its command line to its exit code.

use std::{process::ExitCode, sync::Arc, time::Duration};

use clap::Parser;
use culvert_conf::ServerConfig;
use culvert_io::Lanes;
use culvert_program::{Failure, accept, say};
use culvert_transports::{Transport, Transports, standard};

use crate::{
    cli::{Cli, Command},
    service::Service,
};

/// How long the threads may take to drop what is left after every task was told to end.
const LAST: Duration = Duration::from_secs(1);

/// The frps program: the stock one, or with transports of your own.
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

/// The configuration of the file, or upstream's defaults where there is none.
fn load(cli: &Cli, transports: &Transports) -> Result<ServerConfig, Failure> {
    let names: Vec<_> = transports.names().collect();
    let options = &cli.options;
    let loaded = match &cli.config {
        Some(path) => {
            let extensions = options.extensions(&names);
            culvert_conf::load_server_with(path, options.strictness(), extensions)?
        }
        None => culvert_conf::parse_server("", "command line", options.strictness())?,
    };
    Ok(accept(loaded, cli.command.is_none()))
}

fn verify(cli: &Cli, transports: &Transports) -> Result<(), Failure> {
    let Some(path) = &cli.config else {
        say("frps: the configuration file is not specified");
        return Ok(());
    };
    load(cli, transports)?;
    say(&format!(
        "frps: the configuration file {} syntax is ok",
        path.display()
    ));
    Ok(())
}

fn serve(cli: &Cli, transports: &Transports) -> Result<(), Failure> {
    let config = load(cli, transports)?;
    let source = match &cli.config {
        Some(path) => format!("config file: {}", path.display()),
        None => "command line arguments for config".to_owned(),
    };
    culvert_program::start(&config.log)?;
    culvert_program::raise_open_files();
    tracing::info!("frps uses {source}");
    let lanes = Arc::new(Lanes::start(Lanes::default_count())?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        let service = Service::bind_with(config, Arc::clone(&lanes), transports).await?;
        let run = service.run(
            culvert_program::stop_asked_or_never(),
            culvert_program::stop_asked_or_never(),
        );
        tokio::select! {
            () = run => {}
            _never = culvert_io::return_memory(lanes.handles()) => {}
        }
        Ok::<_, Failure>(())
    });
    drop(runtime);
    let stuck = lanes.shutdown(LAST);
    if stuck > 0 {
        tracing::warn!("{stuck} threads did not end in time");
    }
    served
}
