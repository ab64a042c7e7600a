//! The program from its command line to its exit code.

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use culvert_conf::{Extensions, Reading, ServerConfig};
use culvert_io::Lanes;
use culvert_program::{Failure, accept};
use culvert_transports::{DynListening, Transport, Transports, standard};

use crate::{
    cli::{Cli, Command},
    reload::Reread,
    service::Service,
};

/// How long the threads may take to drop what is left after every task was told to end.
const LAST: Duration = Duration::from_secs(1);

/// The frps program: the stock one, or with transports of your own.
#[derive(Debug)]
#[non_exhaustive]
pub struct App {
    transports: Transports<dyn DynListening>,
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
        culvert_program::run(culvert_wire::RELEASE, |cli: &Cli| {
            let names: Vec<_> = self.transports.names().collect();
            let reading = cli.options.reading(&names);
            match &cli.command {
                Some(Command::Verify(verify)) => {
                    let path = cli.config.as_deref().unwrap_or_else(|| Path::new(""));
                    verify.run("frps", path, |path| {
                        culvert_conf::load_server(path, reading)
                    })
                }
                #[cfg(feature = "tools")]
                Some(Command::Init(init)) => init.run(culvert_program::Side::Server),
                #[cfg(feature = "tools")]
                Some(Command::Completion(completion)) => {
                    Ok(completion.run(<Cli as clap::CommandFactory>::command())?)
                }
                None => serve(cli, reading, &self.transports),
            }
        })
    }
}

/// The configuration of the file, or of the flags where there is none.
fn load(cli: &Cli, reading: Reading<'_>) -> Result<ServerConfig, Failure> {
    let loaded = match &cli.config {
        Some(path) => culvert_conf::load_server(path, reading)?,
        None => cli.without_file(reading)?,
    };
    Ok(accept(loaded, true))
}

/// Reads the file at `path` once more, in the way it was read first.
fn again(path: &Path, reading: Reading<'_>) -> Reread {
    let strictness = reading.strictness;
    let names = reading
        .extensions
        .transports
        .iter()
        .map(|n| (*n).to_owned());
    let transports: Vec<String> = names.collect();
    let allow_unsafe = reading.extensions.allow_unsafe.to_vec();
    Reread::new(path, move |path| {
        let transports: Vec<&str> = transports.iter().map(String::as_str).collect();
        let extensions = Extensions {
            transports: &transports,
            allow_unsafe: &allow_unsafe,
        };
        let reading = Reading {
            strictness,
            extensions,
            environment: None,
        };
        culvert_conf::load_server(path, reading)
    })
}

fn serve(
    cli: &Cli,
    reading: Reading<'_>,
    transports: &Transports<dyn DynListening>,
) -> Result<(), Failure> {
    let config = load(cli, reading)?;
    let source = match &cli.config {
        Some(path) => format!("config file: {}", path.display()),
        None => "command line arguments for config".to_owned(),
    };
    culvert_program::start(&config.log)?;
    culvert_program::raise_open_files();
    culvert_program::note_start();
    tracing::info!("frps uses {source}");
    let lanes = Arc::new(Lanes::start(Lanes::default_count())?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        let service = Service::bind_with(config, Arc::clone(&lanes), transports).await?;
        let service = service.reloading(cli.config.as_deref().map(|path| again(path, reading)));
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
