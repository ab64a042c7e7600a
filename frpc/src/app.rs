//! The program from its command line to its exit code.

use std::process::ExitCode;

use culvert_conf::Reading;
use culvert_program::{Failure, accept, verify};
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
        culvert_program::run(culvert_wire::RELEASE, |cli: &Cli| {
            let names: Vec<_> = self.transports.names().collect();
            let reading = cli.options.reading(&names);
            match cli.command {
                Some(Command::Verify) => verify("frpc", &cli.config, |path| {
                    culvert_conf::load_client(path, reading)
                }),
                None => serve(cli, reading, &self.transports),
            }
        })
    }
}

fn serve(cli: &Cli, reading: Reading<'_>, transports: &Transports) -> Result<(), Failure> {
    let config = accept(culvert_conf::load_client(&cli.config, reading)?, true);
    culvert_program::start(&config.log)?;
    culvert_program::raise_open_files();
    let file = cli.config.display();
    tracing::info!("start frpc service for config file [{file}] with aggregated configuration");
    // One session on one thread with all its streams: a second thread would only add wakeups.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(async {
        let service = Service::with(config, transports).await?;
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
