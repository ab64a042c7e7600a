//! What the client runs and where that comes from: the file, the store, and changes of either while
//! it runs (config 2.7, 2.8).

mod store;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use culvert_conf::{
    ClientConfig, ConfigError, Defined, Definition, Definitions, Extensions, Loaded, ProxyConfig,
    Reading, Strictness, VisitorConfig,
};
use culvert_program::{at_changes, at_hangups};
use tokio::sync::Mutex;

use crate::{proxies::Change, servers::Servers};
pub use store::StoreError;
pub(crate) use store::{Edit, EditError, Store};

/// The file that a client was started with, and how it is read.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    strictness: Strictness,
    allow_unsafe: Vec<String>,
    transports: Vec<String>,
}

impl ConfigFile {
    /// The file at `path`, which was read so.
    #[must_use]
    pub fn new(path: &Path, reading: Reading<'_>) -> Self {
        let transports = reading.extensions.transports.iter();
        Self {
            path: path.to_owned(),
            strictness: reading.strictness,
            allow_unsafe: reading.extensions.allow_unsafe.to_vec(),
            transports: transports.map(|name| (*name).to_owned()).collect(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads and checks it again; blocks.
    fn load(&self, strictness: Strictness) -> Result<Loaded<ClientConfig>, ConfigError> {
        let transports: Vec<_> = self.transports.iter().map(String::as_str).collect();
        let extensions = Extensions {
            transports: &transports,
            allow_unsafe: &self.allow_unsafe,
        };
        let reading = Reading {
            strictness,
            extensions,
            environment: None,
        };
        culvert_conf::load_client(&self.path, reading)
    }
}

/// Why the configuration was not read again, in upstream's words. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    /// Policy: the client was started with a command line alone.
    #[error("frpc has no config file path")]
    NoFile,
    /// Any: the file, or what it makes of the store.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Us: the task that reads ended early.
    #[error("reading the configuration was broken off")]
    BrokenOff,
}

/// What the client runs, and where it comes from.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) servers: Arc<Servers>,
    pub(crate) file: Option<ConfigFile>,
    /// Held while something changes, so that changes come one after the other.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The file as it was when it was right last.
    config: ClientConfig,
    store: Option<Store>,
}

/// Proxies and visitors that are to run.
type Entries = (Vec<ProxyConfig>, Vec<VisitorConfig>);

/// The entries of the file with those of the store, which count where a name is in both.
///
/// # Errors
/// Entries of the store cannot be meant.
pub(crate) fn merged(config: &ClientConfig, store: Option<&Store>) -> Result<Entries, ConfigError> {
    let (proxies, visitors) = (config.proxies.clone(), config.visitors.clone());
    let Some(store) = store else {
        return Ok((proxies, visitors));
    };
    let name = store.path().display().to_string();
    let stored = store
        .entries()
        .checked(&name, &config.user, &config.start)?;
    Ok((
        overlaid(proxies, stored.proxies, |proxy| &proxy.name),
        overlaid(visitors, stored.visitors, |visitor| &visitor.name),
    ))
}

/// `below` and `above` by their names; of two with one name, that of `above`.
fn overlaid<T>(mut below: Vec<T>, above: Vec<T>, name: fn(&T) -> &String) -> Vec<T> {
    below.extend(above);
    below.sort_by_cached_key(|entry| name(entry).clone());
    below.dedup_by(|next, kept| {
        let is_same = name(next) == name(kept);
        if is_same {
            std::mem::swap(next, kept);
        }
        is_same
    });
    below
}

impl Setup {
    /// The setup of a client, which runs what [`merged`] made of `config` and `store`.
    pub(crate) fn new(
        servers: Arc<Servers>,
        config: ClientConfig,
        store: Option<Store>,
        file: Option<ConfigFile>,
    ) -> Self {
        Self {
            servers,
            file,
            state: Mutex::new(State { config, store }),
        }
    }

    /// Reads the file again as the program was told to read it, and logs what is wrong with it.
    ///
    /// *Cancel safety*: as [`reload`](Self::reload).
    async fn reload_or_tell(&self) {
        let strictness = self.file.as_ref().map(|file| file.strictness);
        if let Err(error) = self.reload(strictness.unwrap_or_default()).await {
            tracing::error!("reload failed, the old configuration stays: {error}");
        }
    }

    /// Reads the file again at every SIGHUP, until dropped.
    pub(crate) async fn reload_when_asked(self: Arc<Self>) {
        at_hangups(|| self.reload_or_tell()).await;
    }

    /// Reads the file again whenever it changes, until dropped.
    pub(crate) async fn reload_when_changed(self: Arc<Self>) {
        if let Some(file) = &self.file {
            at_changes(&file.path, || self.reload_or_tell()).await;
        }
    }

    /// Reads the file again and takes over its proxies and visitors. Those that did not change go
    /// on as they are. What else changed is named in the log: it takes a restart.
    ///
    /// *Cancel safety*: the change is made or not.
    ///
    /// # Errors
    /// The file is not right; nothing has changed.
    pub(crate) async fn reload(&self, strictness: Strictness) -> Result<(), ReloadError> {
        let file = self.file.clone().ok_or(ReloadError::NoFile)?;
        let mut state = self.state.lock().await;
        let read = file.clone();
        let loaded = tokio::task::spawn_blocking(move || read.load(strictness)).await;
        let loaded = loaded.map_err(|_| ReloadError::BrokenOff)??;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let mut config = loaded.config;
        let running = &self.servers.config;
        for key in running.fixed_differences(&config) {
            tracing::warn!("{key} has changed in the file, which takes effect after a restart");
        }
        if config.user != running.user {
            // Visitors without `serverUser` go on to mean the user that we are (config 1.7).
            let name = file.path.display().to_string();
            let seen = config
                .definitions
                .checked(&name, &running.user, &config.start)?;
            config.visitors = seen.visitors;
            config.user.clone_from(&running.user);
        }
        let entries = merged(&config, state.store.as_ref())?;
        self.apply(&entries);
        state.config = config;
        tracing::info!("success reload conf");
        Ok(())
    }

    /// Changes the store, its file first, and takes the change over.
    ///
    /// *Cancel safety*: the change is made or not.
    ///
    /// # Errors
    /// The change cannot be made; nothing has changed.
    pub(crate) async fn edit(&self, edit: Edit) -> Result<(), EditError> {
        let mut state = self.state.lock().await;
        let State { config, store } = &mut *state;
        let store = store.as_mut().ok_or(EditError::Disabled)?;
        let next = store.with(&edit)?;
        let entries = merged(config, Some(&next)).map_err(EditError::Apply)?;
        let written = next.clone();
        let written = tokio::task::spawn_blocking(move || written.write()).await;
        written
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(EditError::Write)?;
        *store = next;
        self.apply(&entries);
        tracing::info!("store: {edit}");
        Ok(())
    }

    fn apply(&self, (proxies, visitors): &Entries) {
        let (proxies, visitors) = self.servers.update(proxies, visitors);
        tell("proxy", &proxies);
        tell("visitor", &visitors);
    }

    /// The definition of an entry that runs, with its defaults, else that of the store.
    pub(crate) async fn definition(&self, what: Defined, name: &str) -> Option<Definition> {
        let state = self.state.lock().await;
        let stored = state
            .store
            .as_ref()
            .and_then(|s| s.entries().find(what, name));
        let written = state.config.definitions.find(what, name);
        let names = match what {
            Defined::Proxy => self.servers.proxy_names(),
            Defined::Visitor => self.servers.visitors.names(),
        };
        let runs = names.iter().any(|n| n == name);
        let source = stored.filter(|d| d.is_enabled()).or(written);
        match source {
            Some(source) if runs => Some(source.clone().completed()),
            _ => stored.cloned(),
        }
    }

    /// A copy of the store's entries; `None` without a store.
    pub(crate) async fn stored(&self) -> Option<Definitions> {
        let state = self.state.lock().await;
        Some(state.store.as_ref()?.entries().clone())
    }

    /// The path of the file; `None` without one.
    pub(crate) fn path(&self) -> Option<&Path> {
        Some(&self.file.as_ref()?.path)
    }
}

/// Names what a change did, in upstream's words.
pub(crate) fn tell(what: &str, change: &Change) {
    for (done, names) in [("removed", &change.removed), ("added", &change.added)] {
        if !names.is_empty() {
            tracing::info!("{what} {done}: [{}]", names.join(" "));
        }
    }
}
