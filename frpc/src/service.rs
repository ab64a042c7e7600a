//! The client's life: log in, serve, log in again when the session is lost.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use culvert_conf::{ClientConfig, ConfigError};
use culvert_io::Scope;
use culvert_program::{Door, DoorError, Product};
use culvert_transport::{TransportError, report};
use culvert_transports::{Transports, standard};
use tokio::{runtime::Handle, sync::Notify, time::Instant};
use tracing::Instrument as _;

use crate::{
    admin::{self, Admin},
    auth::AuthError,
    backoff::{Backoff, chance},
    paths::Evidence,
    servers::{Current, Servers, Tunnel},
    session::{End, LoggedIn, LoginError},
    setup::{ConfigFile, Setup, Store, StoreError, merged},
};

/// How long connections in flight may go on after the program was asked to stop. Service
/// runners wait longer than this before they kill (systemd: 90 s, containers: 10 s).
const GRACE: Duration = Duration::from_secs(5);

/// Why the client ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The first login failed, at the last of the servers, and `loginFailExit` is set.
    #[error(
        "login to the server failed: {0}. With loginFailExit enabled, no additional retries will \
         be attempted"
    )]
    Login(#[from] LoginError),
    /// There is nothing to prove with who we are.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The file of the store cannot be used; it was not touched.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The entries of the store cannot be meant.
    #[error("store: {0}")]
    Stored(#[from] ConfigError),
    /// The admin API cannot start.
    #[error(transparent)]
    Web(#[from] DoorError),
    /// The settings under `transport` cannot be used.
    #[error("transport: {}", report(.0))]
    Transport(#[source] TransportError),
    /// The network of `virtualNet.address` cannot be made.
    #[error(
        "virtualNet.address: cannot make the network device: {0}; it needs root or CAP_NET_ADMIN"
    )]
    VirtualNet(#[source] std::io::Error),
    /// `featureGates` has a name that upstream does not have; its own words.
    #[error("unrecognized feature gate: {0}")]
    FeatureGate(String),
}

/// A client that is ready to run.
#[derive(Debug)]
pub struct Service {
    servers: Arc<Servers>,
    root: Scope,
    /// The file as it was read, with its own entries only.
    written: ClientConfig,
    store: Option<Store>,
    door: Option<Door>,
    file: Option<ConfigFile>,
}

impl Service {
    /// Prepares a client with the transports of the stock program; see [`with`](Self::with).
    ///
    /// # Errors
    /// As there.
    pub async fn new(config: ClientConfig) -> Result<Self, RunError> {
        Self::with(config, &standard()).await
    }

    /// Prepares the client; must be called on the runtime that will run it. Does no I/O but
    /// reading certificate files and the token where it is elsewhere.
    ///
    /// *Cancel safety*: nothing stays behind.
    ///
    /// # Errors
    /// A feature gate is not known, or a file that the configuration names cannot be used.
    pub async fn with(mut config: ClientConfig, transports: &Transports) -> Result<Self, RunError> {
        check_gates(&config)?;
        let written = config.clone();
        let store = config.store.as_deref().map(Store::open).transpose()?;
        (config.proxies, config.visitors) = merged(&written, store.as_ref())?;
        let door = Door::bind(Product::Frpc, config.web_server.as_ref()).await?;
        let root = Scope::root(Handle::current());
        Ok(Self {
            servers: Arc::new(Box::pin(Servers::new(config, transports, &root)).await?),
            root,
            written,
            store,
            door,
            file: None,
        })
    }

    /// The same client, which reads `file` again when it is asked to: by its admin API, by SIGHUP,
    /// and, with `watchConfig`, when the file changes.
    #[must_use]
    pub fn reloading(mut self, file: Option<ConfigFile>) -> Self {
        self.file = file;
        self
    }

    /// Serves until `stop` resolves, then lets connections in flight end for a while; `hurry`
    /// cuts that short.
    ///
    /// *Cancel safety*: dropping the future leaves tasks running; let it end.
    ///
    /// # Errors
    /// The first login failed and `loginFailExit` is set.
    pub async fn run(
        mut self,
        stop: impl Future<Output = ()>,
        hurry: impl Future<Output = ()>,
    ) -> Result<(), RunError> {
        let names = self.servers.proxy_names();
        tracing::info!("proxy added: [{}]", names.join(" "));
        let visitors = self.servers.visitors.names();
        if !visitors.is_empty() {
            tracing::info!("visitor added: [{}]", visitors.join(" "));
        }
        let admin = self.administer();
        let mut stop = std::pin::pin!(stop);
        let mut sessions: Vec<_> = self.servers.tunnels.iter().map(|_| None).collect();
        self.root.spawn(Arc::clone(&self.servers).choose());
        for tunnel in &self.servers.tunnels {
            let keeping = Arc::clone(&tunnel.client.bundle).keep();
            self.root.spawn(keeping.instrument(tunnel.span()));
        }
        let done = tokio::select! {
            biased;
            () = &mut stop => Ok(()),
            () = admin.stop.notified() => Ok(()),
            Err(err) = self.serve(&mut sessions) => Err(err),
        };
        if done.is_ok() {
            tracing::info!("frpc is stopping, connections in flight have {GRACE:?} to end");
            tokio::select! {
                () = self.orderly(sessions) => {}
                () = hurry => tracing::info!("asked to stop again, ending at once"),
            }
        }
        self.root.close(Duration::ZERO).await;
        self.servers.close().await;
        tracing::info!("frpc stopped");
        done
    }

    /// Lets others look at the client and change what it runs.
    fn administer(&mut self) -> Arc<Admin> {
        let setup = Arc::new(Setup::new(
            Arc::clone(&self.servers),
            self.written.clone(),
            self.store.take(),
            self.file.take(),
        ));
        if setup.path().is_some() {
            self.root.spawn(Arc::clone(&setup).reload_when_asked());
            if self.servers.config.watch_config {
                self.root.spawn(Arc::clone(&setup).reload_when_changed());
            }
        }
        let admin = Arc::new(Admin {
            setup,
            stop: Notify::new(),
            root: self.root.clone(),
        });
        if let Some(door) = self.door.take() {
            let site = admin::site(&admin, door.web());
            self.root.spawn(door.accept(site, self.root.clone()));
        }
        admin
    }

    /// Keeps a session at every server. The live ones stand in `sessions`, so that they can be ended
    /// in order when this future is dropped.
    async fn serve(&self, sessions: &mut [Current]) -> Result<Infallible, RunError> {
        let tunnels = self.servers.tunnels.iter().zip(sessions);
        let each = tunnels.map(|(tunnel, current)| {
            let span = tunnel.span();
            Box::pin(self.keep(tunnel, current).instrument(span))
        });
        first_of(each.collect()).await
    }

    /// Logs in at one server and serves, again and again.
    async fn keep(&self, tunnel: &Tunnel, current: &mut Current) -> Result<Infallible, RunError> {
        let mut backoff = Backoff::default();
        let mut run_id = String::new();
        loop {
            let scope = self.root.child(tunnel.span());
            tracing::info!("try to connect to server...");
            let wait = match tunnel.login(&run_id, None, &scope).await {
                Ok(LoggedIn { session, control }) => {
                    backoff.succeeded();
                    let is_first = !self.servers.was_online();
                    session.run_id().clone_into(&mut run_id);
                    tracing::info!("login to server success, get run id [{run_id}]");
                    let (session, _) = current.insert((Arc::new(session), control));
                    tunnel.client.is_on(session);
                    self.servers.is_online(tunnel);
                    if is_first {
                        self.servers.start_visitors();
                    }
                    let end = tunnel.hold(current, &self.root).await;
                    tell(&end);
                    self.servers.is_lost(tunnel);
                    if let Some((session, _)) = current.take() {
                        let ladder = &session.ways().control;
                        ladder.report(session.rung(), Evidence::Died);
                        session.close().await;
                    }
                    tunnel.client.bundle.lost();
                    backoff.lost(Instant::now(), chance())
                }
                Err(err) => {
                    tracing::warn!("connect to server error: {err}");
                    if self.servers.gives_up(tunnel) {
                        return Err(err.into());
                    }
                    backoff.failed(chance())
                }
            };
            scope.close(Duration::ZERO).await;
            tokio::time::sleep(wait).await;
        }
    }

    /// No new users, then no users, then no session.
    async fn orderly(&self, sessions: Vec<Current>) {
        self.servers.visitors.close().await;
        let mut sessions: Vec<_> = sessions.into_iter().flatten().collect();
        for (session, control) in &mut sessions {
            session.withdraw(control).await;
        }
        if sessions.is_empty() {
            return;
        }
        let cut = self.servers.users.close(GRACE).await;
        if cut > 0 {
            tracing::info!("{cut} user connections were cut off");
        }
        for (session, control) in sessions {
            session.close().await;
            drop(control);
        }
        for tunnel in &self.servers.tunnels {
            tunnel.client.bundle.close("stopped").await;
        }
    }
}

/// What the first of them to end says. They are few, and all are ours.
async fn first_of<F: Future>(mut all: Vec<Pin<Box<F>>>) -> F::Output {
    poll_fn(|cx| {
        let mut each = all.iter_mut().map(|one| one.as_mut().poll(cx));
        each.find(Poll::is_ready).unwrap_or(Poll::Pending)
    })
    .await
}

fn tell(end: &End) {
    match end {
        End::Refused(_) => tracing::error!("{end}"),
        End::Silent | End::Stalled => tracing::warn!("{end}"),
        End::Closed | End::Failed(_) => tracing::info!("control connection ended: {end}"),
    }
}

fn check_gates(config: &ClientConfig) -> Result<(), RunError> {
    if let Some(gate) = config
        .feature_gates
        .keys()
        .find(|gate| *gate != "VirtualNet")
    {
        return Err(RunError::FeatureGate(gate.clone()));
    }
    Ok(())
}
