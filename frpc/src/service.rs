//! The client's life: log in, serve, log in again when the session is lost.

use std::{future::Future, sync::Arc, time::Duration};

use culvert_conf::{ClientConfig, ConfigError};
use culvert_dashboard::Product;
use culvert_io::Scope;
use culvert_program::{Door, DoorError};
use culvert_proxies::VirtualNet;
use culvert_transport::{Framed, TransportError, report};
use culvert_transports::{ClientStack, Transports, standard};
use tokio::{runtime::Handle, sync::Notify, time::Instant};

use crate::{
    admin::{self, Admin},
    auth::{Auth, AuthError},
    backoff::{Backoff, chance},
    session::{Client, End, LoginError, Session, login},
    setup::{ConfigFile, Setup, Store, StoreError, merged},
};

/// How long connections in flight may go on after the program was asked to stop. Service
/// runners wait longer than this before they kill (systemd: 90 s, containers: 10 s).
const GRACE: Duration = Duration::from_secs(5);

/// Why the client ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The first login failed, and `loginFailExit` is set.
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
    client: Arc<Client>,
    stack: ClientStack,
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
        let auth = Auth::new(&config.auth, &root).await?;
        let stack = ClientStack::with(&config, transports).map_err(RunError::Transport)?;
        let network = config.virtual_net_address;
        let net = network.map(|own| VirtualNet::open(own, &root)).transpose();
        let net = net.map_err(RunError::VirtualNet)?;
        Ok(Self {
            client: Arc::new(Client::new(config, auth, net, &root)),
            stack,
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
        let names = self.client.proxies.names();
        tracing::info!("proxy added: [{}]", names.join(" "));
        let visitors = self.client.visitors.names();
        if !visitors.is_empty() {
            tracing::info!("visitor added: [{}]", visitors.join(" "));
        }
        let admin = self.administer();
        let mut stop = std::pin::pin!(stop);
        let mut session = None;
        let done = tokio::select! {
            biased;
            () = &mut stop => Ok(()),
            () = admin.stop.notified() => Ok(()),
            Err(err) = self.serve(&mut session) => Err(err),
        };
        if done.is_ok() {
            tracing::info!("frpc is stopping, connections in flight have {GRACE:?} to end");
            tokio::select! {
                () = self.orderly(session) => {}
                () = hurry => tracing::info!("asked to stop again, ending at once"),
            }
        }
        self.root.close(Duration::ZERO).await;
        self.stack.close().await;
        tracing::info!("frpc stopped");
        done
    }

    /// Lets others look at the client and change what it runs.
    fn administer(&mut self) -> Arc<Admin> {
        let setup = Arc::new(Setup::new(
            Arc::clone(&self.client),
            self.written.clone(),
            self.store.take(),
            self.file.take(),
        ));
        if setup.path().is_some() {
            self.root.spawn(Arc::clone(&setup).reload_when_asked());
            if self.client.config.watch_config {
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

    /// Logs in and serves, again and again. The live session stands in `current`, so that it can
    /// be ended in order when this future is dropped.
    async fn serve(
        &self,
        current: &mut Option<(Arc<Session>, Framed)>,
    ) -> Result<std::convert::Infallible, RunError> {
        let mut backoff = Backoff::default();
        let mut run_id = String::new();
        let mut first = true;
        loop {
            let scope = self.root.child(tracing::Span::none());
            tracing::info!("try to connect to server...");
            let wait = match login(&self.client, &self.stack, &run_id, scope.clone()).await {
                Ok((session, control)) => {
                    backoff.succeeded();
                    let started = !std::mem::take(&mut first);
                    session.run_id().clone_into(&mut run_id);
                    tracing::info!("login to server success, get run id [{run_id}]");
                    let (session, control) = current.insert((Arc::new(session), control));
                    self.client.is_on(session);
                    if !started {
                        self.client.visitors.start(&self.client);
                    }
                    let end = session.run(control).await;
                    tell(&end);
                    session.close("session lost").await;
                    *current = None;
                    backoff.lost(Instant::now(), chance())
                }
                Err(err) if first && self.client.config.login_fail_exit => {
                    tracing::warn!("connect to server error: {err}");
                    return Err(err.into());
                }
                Err(err) => {
                    tracing::warn!("connect to server error: {err}");
                    backoff.failed(chance())
                }
            };
            scope.close(Duration::ZERO).await;
            tokio::time::sleep(wait).await;
        }
    }

    /// No new users, then no users, then no session.
    async fn orderly(&self, session: Option<(Arc<Session>, Framed)>) {
        self.client.visitors.close().await;
        let Some((session, mut control)) = session else {
            return;
        };
        session.withdraw(&mut control).await;
        let cut = self.client.users.close(GRACE).await;
        if cut > 0 {
            tracing::info!("{cut} user connections were cut off");
        }
        session.close("stopped").await;
    }
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
