//! Reading the configuration again while the server runs. Upstream's frps cannot.
//!
//! Everything is made ready before anything changes, so that a bad file changes nothing. Clients
//! that are logged in stay so, with what they opened.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use culvert_conf::{AuthMethod, ConfigError, Loaded, ServerConfig};
use culvert_io::Scope;
use culvert_program::{OriginError, at_changes, at_hangups};
use culvert_transport::{TransportError, report};
use culvert_transports::ServerStack;
use tokio::sync::Mutex;

use crate::{
    auth::{Auth, AuthError},
    dashboard::Admission,
    hooks::Hooks,
    server::Server,
};

/// Reads and checks the configuration; blocks.
type Read = dyn Fn(&Path) -> Result<Loaded<ServerConfig>, ConfigError> + Send + Sync;

/// The file that the program was started with, and how it is read.
#[derive(Clone)]
pub struct Reread {
    path: PathBuf,
    read: Arc<Read>,
}

impl Reread {
    /// The file at `path`, which `read` reads and checks.
    pub fn new(
        path: &Path,
        read: impl Fn(&Path) -> Result<Loaded<ServerConfig>, ConfigError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            path: path.to_owned(),
            read: Arc::new(read),
        }
    }
}

impl fmt::Debug for Reread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reread")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// How long questions to plugins that are no longer asked may go on.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// Why the configuration was not read again. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    /// Policy: the server was started with a command line alone.
    #[error("frps has no config file path")]
    NoFile,
    /// Policy or world: the file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// World: what clients are to be checked with.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// World: files of certificates.
    #[error("transport.tls: {}", report(.0))]
    Tls(#[from] TransportError),
    /// Policy: a server plugin.
    #[error("httpPlugins: plugin [{0}]: {1}")]
    Plugin(String, OriginError),
    /// Us: the task that reads ended early.
    #[error("reading the configuration was broken off")]
    BrokenOff,
}

/// Reads the configuration again when it is asked to.
pub(crate) struct Reloader {
    server: Arc<Server>,
    file: Option<Reread>,
    /// Who may use the dashboard.
    admission: Admission,
    root: Scope,
    /// Held while something changes, so that changes come one after the other.
    turn: Mutex<()>,
}

impl Reloader {
    /// Changes `server`, whose tasks live in `root`.
    pub(crate) fn new(server: Arc<Server>, file: Option<Reread>, root: Scope) -> Self {
        let config = server.config();
        let admission = Admission::of(config.web_server.as_ref());
        drop(config);
        Self {
            server,
            file,
            admission,
            root,
            turn: Mutex::default(),
        }
    }

    /// Who may use the dashboard.
    pub(crate) fn admission(&self) -> Admission {
        self.admission.clone()
    }

    /// Reads the file again at every SIGHUP, until dropped.
    pub(crate) async fn when_asked(self: Arc<Self>) {
        at_hangups(|| self.reload_or_tell()).await;
    }

    /// Reads the file again whenever it changes, until dropped.
    pub(crate) async fn when_changed(self: Arc<Self>) {
        if let Some(file) = &self.file {
            at_changes(&file.path, || self.reload_or_tell()).await;
        }
    }

    async fn reload_or_tell(&self) {
        if let Err(error) = self.reload().await {
            tracing::error!("reload failed, the old configuration stays: {error}");
        }
    }

    /// Reads the file again and takes over what a running server can; answers the keys that take
    /// a restart.
    ///
    /// *Cancel safety*: the change is made or not.
    ///
    /// # Errors
    /// The file is not right, or what it names; nothing has changed.
    pub(crate) async fn reload(&self) -> Result<Vec<&'static str>, ReloadError> {
        let file = self.file.clone().ok_or(ReloadError::NoFile)?;
        let _turn = self.turn.lock().await;
        let loaded = tokio::task::spawn_blocking(move || (file.read)(&file.path)).await;
        let loaded = loaded.map_err(|_| ReloadError::BrokenOff)??;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let old = self.server.settings.load_full();
        let (next, fixed) = old.reloaded(&loaded.config);
        let ready = self.prepare(&old, &next).await?;
        for key in &fixed {
            tracing::warn!("{key} has changed in the file, which takes effect after a restart");
        }
        if next.quic_bind_port.is_some() && next.transport.tls.identity.is_some() {
            tracing::warn!("quicBindPort keeps the certificate that it was opened with");
        }
        self.apply(next, ready);
        tracing::info!("success reload conf");
        Ok(fixed)
    }

    /// Makes what has changed; files that are named may have changed although their names have
    /// not.
    async fn prepare(&self, old: &ServerConfig, next: &ServerConfig) -> Result<Ready, ReloadError> {
        let is_read = matches!(next.auth.method, AuthMethod::TokenSource(_));
        let auth = if is_read || old.auth != next.auth {
            Some(Auth::new(&next.auth, &self.root).await?)
        } else {
            None
        };
        let tls = &next.transport.tls;
        let has_files = tls.identity.is_some() || tls.trusted_ca.is_some();
        let stack = if has_files || *tls != old.transport.tls {
            Some(ServerStack::new(&next.transport)?)
        } else {
            None
        };
        let hooks = if old.http_plugins == next.http_plugins {
            None
        } else {
            let scope = self.root.child(tracing::Span::none());
            let hooks = Hooks::new(&next.http_plugins, scope);
            Some(hooks.map_err(|(name, source)| ReloadError::Plugin(name, source))?)
        };
        Ok(Ready { auth, stack, hooks })
    }

    fn apply(&self, next: ServerConfig, ready: Ready) {
        let server = &self.server;
        for ports in &server.ports {
            ports.allow(next.allow_ports.clone());
        }
        let page = next.custom_404_page.clone();
        if let Some(http) = &server.http {
            http.set_page(page.clone());
        }
        if let Some(tcpmux) = &server.tcpmux {
            tcpmux.set_page(page);
        }
        self.admission.set(next.web_server.as_ref());
        if let Some(auth) = ready.auth {
            server.auth.store(Arc::new(auth));
        }
        if let Some(stack) = ready.stack {
            server.stack.store(Arc::new(stack));
        }
        if let Some(hooks) = ready.hooks {
            let old = server.hooks.swap(Arc::new(hooks));
            self.root
                .spawn(async move { old.close(LAST_ANSWERS).await });
        }
        server.settings.store(Arc::new(next));
    }
}

/// What has been made for a change.
struct Ready {
    auth: Option<Auth>,
    stack: Option<ServerStack>,
    hooks: Option<Hooks>,
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
