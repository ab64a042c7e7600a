//! The command line of `doctor`, and its exit code.

use std::{io::Write as _, path::Path, process::ExitCode, time::Duration};

use clap::Args;
use culvert_conf::{ClientConfig, Reading, load_client};
use culvert_io::Scope;
use culvert_program::{Failure, duration, say};
use culvert_transport::report;
use culvert_transports::{Resolver, Transports};
use tokio::runtime::Handle;

use super::{
    advice::advice,
    diagnosis::diagnose,
    examine::Examination,
    json::{Report, Server},
    progress::{Progress, is_terminal},
    table::table,
};
use crate::auth::Auth;

/// The file that is read where nobody names one; doctor works without it.
const UNNAMED: &str = "./frpc.ini";

/// Exit codes besides 0: nothing passes, and the question is wrong.
const NOTHING: u8 = 1;
/// See [`NOTHING`].
pub(crate) const WRONG: u8 = 2;

/// The flags of `doctor`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Every way is tried to its end: the server is asked, with the token of the file, \
                  for a login without proxies and for some heartbeats, and the login is ended in \
                  order. The log of the server shows these logins; a client that runs is not \
                  disturbed. Names, proxies, certificates, UDP, packet sizes and the clock are \
                  looked at on the way.\n\nExit codes: 0 a way passes, 1 none does, 2 the command \
                  line or the file is wrong. Without a file, a server that answers and refuses \
                  the login counts as a way.\n\nExamples:\n  frpc doctor -c frpc.toml\n  frpc \
                  doctor --server frps.example --port 7000\n  frpc doctor -c frpc.toml --json \
                  --timeout 2s"
)]
pub(crate) struct Doctor {
    /// The name or address of the server, in place of the file's.
    #[arg(long, value_name = "HOST")]
    server: Option<String>,

    /// The port of the server, in place of the file's.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,

    /// How long each step may take, such as 2s or 500ms.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    timeout: Duration,

    /// Say everything as one line of JSON, and nothing else.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Examines the servers of the file at `path`, or the one that the flags name.
    ///
    /// # Errors
    /// The system refuses what every program needs.
    pub(crate) fn run(
        &self,
        path: &Path,
        reading: Reading<'_>,
        transports: &Transports,
    ) -> Result<ExitCode, Failure> {
        let (config, has_file) = match self.config(path, reading) {
            Ok(read) => read,
            Err(why) => return Ok(wrong(&why.0)),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let examined = runtime.block_on(self.all(&config, transports, has_file));
        // Name look-ups cannot be interrupted; do not wait for them.
        runtime.shutdown_background();
        match examined {
            Ok(true) => Ok(ExitCode::SUCCESS),
            Ok(false) => Ok(ExitCode::from(NOTHING)),
            Err(why) => Ok(wrong(&why.0)),
        }
    }

    /// What to examine, and whether it stands in a file.
    fn config(&self, path: &Path, reading: Reading<'_>) -> Result<(ClientConfig, bool), Failure> {
        let has_file = path != Path::new(UNNAMED) || path.exists() || self.server.is_none();
        let loaded = if has_file {
            load_client(path, reading)?
        } else {
            culvert_conf::check_client(toml::Table::new(), reading)?
        };
        let mut config = loaded.config;
        if let Some(server) = &self.server {
            config.server_addr.clone_from(server);
            config.servers = None;
            config.server_srv = None;
        }
        if let Some(port) = self.port {
            config.server_port = port;
        }
        Ok((config, has_file))
    }

    /// Examines every server; answers whether there is a way to one of them.
    async fn all(
        &self,
        config: &ClientConfig,
        transports: &Transports,
        has_file: bool,
    ) -> Result<bool, Failure> {
        let mut report = Report {
            ok: false,
            servers: Vec::new(),
        };
        for (name, mut config) in config.for_each_server() {
            if let Some(domain) = config.server_srv.take() {
                place(&mut config, &domain, self.timeout).await?;
            }
            // Boxed: it holds every way at once.
            let one = Box::pin(self.one(&name, &config, transports, has_file));
            let (good, server) = one.await?;
            report.ok |= good;
            report.servers.push(server);
        }
        if self.json {
            say(&serde_json::to_string(&report)?);
        }
        Ok(report.ok)
    }

    async fn one(
        &self,
        name: &str,
        config: &ClientConfig,
        transports: &Transports,
        has_file: bool,
    ) -> Result<(bool, Server), Failure> {
        let scope = Scope::root(Handle::current());
        let auth = Auth::new(&config.auth, &scope).await?;
        let progress = Progress::new(self.json);
        let examination = Examination {
            file: config,
            transports,
            auth: &auth,
            limit: self.timeout,
            scope: &scope,
            progress: &progress,
        };
        let seen = tokio::select! {
            seen = examination.run() => seen,
            never = progress.run() => match never {},
        };
        progress.clear();
        scope.close(Duration::ZERO).await;
        let diagnosis = diagnose(&seen);
        let best = diagnosis.best.and_then(|best| diagnosis.findings.get(best));
        let advice = best.map(|best| advice(config, &best.way));
        if !self.json {
            let color = is_terminal() && std::env::var_os("NO_COLOR").is_none();
            if !name.is_empty() {
                say(&format!("[{name}]"));
            }
            say(&table(&seen, &diagnosis, advice.as_ref(), color));
        }
        // Without a file there is no token to be wrong: an frps that answers is what was sought.
        let good = best.is_some() || !has_file && diagnosis.is_reached();
        let server = Server::new(name, &seen, &diagnosis, advice.as_ref());
        Ok((good, server))
    }
}

/// Puts the first place of the SRV records of `domain` into the configuration.
async fn place(config: &mut ClientConfig, domain: &str, limit: Duration) -> Result<(), Failure> {
    let resolver = Resolver::new(config.dns_server.as_deref());
    let found = tokio::time::timeout(limit, resolver.services(domain)).await;
    let found = match found {
        Ok(Ok(found)) => found,
        Ok(Err(err)) => return Err(Failure(report(&err))),
        Err(_elapsed) => return Err(Failure(format!("no SRV records of {domain} in time"))),
    };
    if let Some(first) = found.into_iter().next() {
        config.server_addr = first.host;
        config.server_port = first.port;
    }
    Ok(())
}

/// Says on standard error what is wrong with the question.
fn wrong(why: &str) -> ExitCode {
    let _gone = writeln!(std::io::stderr().lock(), "{why}");
    ExitCode::from(WRONG)
}
