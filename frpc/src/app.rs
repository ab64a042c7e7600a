//! The program from its command line to its exit code.

use std::process::ExitCode;

use culvert_conf::{ClientConfig, Reading};
use culvert_program::{Failure, accept};
use culvert_transports::{Transport, Transports, standard};

#[cfg(feature = "dashboard")]
use crate::{
    ask::{AskError, Running},
    cli::Ask,
};
use crate::{
    cli::{Cli, Command},
    folder,
    service::Service,
    setup::ConfigFile,
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
            let done = match &cli.command {
                #[cfg(feature = "tools")]
                Some(Command::Doctor(doctor)) => {
                    return doctor.run(&cli.config, reading, &self.transports);
                }
                None => match &cli.config_dir {
                    Some(folder) => {
                        folder::run(folder, reading, &self.transports);
                        Ok(())
                    }
                    None => serve(cli, reading, &self.transports),
                },
                #[cfg(feature = "flags")]
                Some(Command::Single(single)) => {
                    let config = accept(single.check(reading)?, true);
                    culvert_program::start(&config.log)?;
                    culvert_program::raise_open_files();
                    live(config, None, &self.transports)
                }
                Some(Command::Verify(verify)) => verify.run("frpc", &cli.config, |path| {
                    culvert_conf::load_client(path, reading)
                }),
                #[cfg(feature = "dashboard")]
                Some(Command::Reload(ask)) => question(cli, reading, ask, async |frpc, _| {
                    frpc.reload(cli.options.strict).await?;
                    Ok("reload success\n".to_owned())
                }),
                #[cfg(feature = "dashboard")]
                Some(Command::Status(ask)) => question(cli, reading, ask, async |frpc, servers| {
                    frpc.status(servers).await
                }),
                #[cfg(feature = "dashboard")]
                Some(Command::Stop(ask)) => question(cli, reading, ask, async |frpc, _| {
                    frpc.stop().await?;
                    Ok("stop success\n".to_owned())
                }),
                #[cfg(feature = "xtcp")]
                Some(Command::Nathole(nathole)) => {
                    // A file that is wrong or missing is not needed here, as upstream has it.
                    let config = culvert_conf::load_client(&cli.config, reading);
                    nathole.run(
                        config.ok().map(|loaded| loaded.config),
                        <Cli as clap::CommandFactory>::command(),
                    )
                }
                #[cfg(feature = "tools")]
                Some(Command::Init(init)) => init.run(culvert_program::Side::Client),
                #[cfg(feature = "tools")]
                Some(Command::Completion(completion)) => {
                    Ok(completion.run(<Cli as clap::CommandFactory>::command())?)
                }
            };
            done.map(|()| ExitCode::SUCCESS)
        })
    }
}

#[cfg(feature = "dashboard")]
/// Asks the frpc that runs with the file of the command line, and says its answer. `ask` is told
/// whether that frpc has several servers.
fn question(
    cli: &Cli,
    reading: Reading<'_>,
    flags: &Ask,
    ask: impl AsyncFnOnce(Running<'_>, bool) -> Result<String, AskError>,
) -> Result<(), Failure> {
    let config = culvert_conf::load_client(&cli.config, reading)?.config;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let answer = runtime.block_on(async {
        let running = Running::new(config.web_server.as_ref(), flags.timeout)?;
        let has_servers = config.servers.is_some_and(|servers| servers.list.len() > 1);
        ask(running, has_servers).await
    })?;
    culvert_program::say(answer.strip_suffix('\n').unwrap_or(&answer));
    Ok(())
}

fn serve(cli: &Cli, reading: Reading<'_>, transports: &Transports) -> Result<(), Failure> {
    let config = accept(culvert_conf::load_client(&cli.config, reading)?, true);
    culvert_program::start(&config.log)?;
    culvert_program::raise_open_files();
    let file = ConfigFile::new(&cli.config, reading);
    live(config, Some(file), transports)
}

/// Runs a client, on this thread, until it ends; `file` is where its configuration is from.
pub(crate) fn live(
    config: ClientConfig,
    file: Option<ConfigFile>,
    transports: &Transports,
) -> Result<(), Failure> {
    let name = file.as_ref().map(|file| file.path().display().to_string());
    if let Some(file) = &name {
        tracing::info!("start frpc service for config file [{file}] with aggregated configuration");
    }
    // One session on one thread with all its streams: a second thread would only add wakeups.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(async {
        let service = Service::with(config, transports).await?.reloading(file);
        let (stop, hurry) = (
            culvert_program::stop_asked_or_never(),
            culvert_program::stop_asked_or_never(),
        );
        tokio::select! {
            done = service.run(stop, hurry) => done,
            never = culvert_io::return_memory(&[]) => match never {},
        }
    });
    if let Some(file) = &name {
        tracing::info!("frpc service for config file [{file}] stopped");
    }
    // Name look-ups cannot be interrupted; do not wait for them.
    runtime.shutdown_background();
    Ok(done?)
}
