//! Server plugins: programs that are asked before an operation, and may refuse or change it
//! (protocol 8.1).
//!
//! A plugin that hangs, breaks off or answers nonsense costs the one operation that waited for
//! it: every question has a time limit, every answer a longest length, and users who come in
//! floods keep nobody from logging in.

mod content;
mod plugin;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use culvert_conf::{HttpPlugin, PluginOp};
use culvert_io::Scope;
use culvert_program::OriginError;
use culvert_wire::{
    RunId,
    msg::{CloseProxy, Login, NewProxy, NewWorkConn, Ping},
};
use tokio::{sync::Semaphore, time::timeout_at};

pub(crate) use content::UserInfo;
pub use content::content_after;
use content::{Content, LoginContent, Sent, UserConn};
use plugin::{Failed, Plugin};

/// How long all plugins of an operation may take together. Upstream waits for ever; a client gives
/// a login 10 s, and this leaves it time to hear why it was refused.
const PATIENCE: Duration = Duration::from_secs(8);
/// Questions about one operation that one plugin is asked at a time; as many connections are
/// kept to it.
const AT_A_TIME: usize = 64;
/// Ended proxies that plugins are yet to be told of: those of some ten large clients that are cut
/// off at once.
const NOTICES: usize = 4096;
/// The longest reason that is passed on: it must fit into a message of 10 KiB.
const REASON: usize = 1024;

/// Why an operation is refused; the text is for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HookError {
    #[error("{0}")]
    Rejected(String),
    #[error("send {0} request to plugin error")]
    Unanswered(&'static str),
}

/// The plugins of the server, in the order of the configuration.
#[derive(Debug)]
pub(crate) struct Hooks {
    hooks: Vec<Hook>,
    scope: Scope,
    notices: Arc<Semaphore>,
}

/// One operation that one plugin is asked about.
#[derive(Debug)]
struct Hook {
    op: PluginOp,
    plugin: Arc<Plugin>,
    slots: Semaphore,
}

impl Hooks {
    /// The plugins of `entries`; what they keep open lives in `scope`.
    ///
    /// # Errors
    /// The name of the plugin that cannot be used, and why.
    pub(crate) fn new(entries: &[HttpPlugin], scope: Scope) -> Result<Self, (String, OriginError)> {
        let mut hooks = Vec::new();
        for entry in entries {
            let plugin = Plugin::new(entry, &scope).map_err(|err| (entry.name.clone(), err))?;
            let plugin = Arc::new(plugin);
            hooks.extend(entry.ops.iter().map(|op| Hook {
                op: *op,
                plugin: Arc::clone(&plugin),
                slots: Semaphore::new(AT_A_TIME),
            }));
            tracing::info!("plugin [{}] has been registered", entry.name);
        }
        Ok(Self {
            hooks,
            scope,
            notices: Arc::new(Semaphore::new(NOTICES)),
        })
    }

    /// Whether any plugin is asked about `op`.
    fn any(&self, op: PluginOp) -> bool {
        self.hooks.iter().any(|hook| hook.op == op)
    }

    /// A client logs in.
    ///
    /// *Cancel safety*: of this and the others: plugins may have been asked.
    pub(crate) async fn login(&self, login: Login, from: SocketAddr) -> Result<Login, HookError> {
        if !self.any(PluginOp::Login) {
            return Ok(login);
        }
        let client_address = canonical(from);
        let content = LoginContent {
            login,
            client_address,
        };
        Ok(self.ask(PluginOp::Login, content).await?.login)
    }

    /// A client asks for a proxy.
    pub(crate) async fn new_proxy(
        &self,
        user: &UserInfo,
        ask: NewProxy,
    ) -> Result<NewProxy, HookError> {
        self.sent(PluginOp::NewProxy, user, ask).await
    }

    /// A sign of life.
    pub(crate) async fn ping(&self, user: &UserInfo, ping: Ping) -> Result<Ping, HookError> {
        self.sent(PluginOp::Ping, user, ping).await
    }

    /// A work connection comes in.
    pub(crate) async fn new_work_conn(
        &self,
        user: &UserInfo,
        ask: NewWorkConn,
    ) -> Result<NewWorkConn, HookError> {
        self.sent(PluginOp::NewWorkConn, user, ask).await
    }

    /// A user connects to a proxy; the answer can only refuse.
    pub(crate) async fn new_user_conn(
        &self,
        user: &UserInfo,
        (name, kind): (&str, &str),
        from: SocketAddr,
    ) -> Result<(), HookError> {
        if !self.any(PluginOp::NewUserConn) {
            return Ok(());
        }
        let content = UserConn {
            user: user.clone(),
            proxy_name: name.to_owned(),
            proxy_type: kind.to_owned(),
            remote_addr: canonical(from),
        };
        self.ask(PluginOp::NewUserConn, content).await.map(drop)
    }

    /// A proxy has ended: plugins are told, and nobody waits for them.
    pub(crate) fn proxy_closed(self: &Arc<Self>, user: &UserInfo, name: &str) {
        if !self.any(PluginOp::CloseProxy) {
            return;
        }
        let Ok(place) = Arc::clone(&self.notices).try_acquire_owned() else {
            return tracing::warn!(
                "{NOTICES} ended proxies wait for plugins, [{name}] is not told"
            );
        };
        let (hooks, user) = (Arc::clone(self), user.clone());
        let message = CloseProxy {
            proxy_name: name.to_owned(),
        };
        self.scope.spawn_graceful(|_stop| async move {
            // What went wrong has been logged, and changes nothing.
            let _told = hooks.sent(PluginOp::CloseProxy, &user, message).await;
            drop(place);
        });
    }

    /// Gives notices under way up to `grace` to arrive.
    pub(crate) async fn close(&self, grace: Duration) {
        self.scope.close(grace).await;
    }

    async fn sent<M: Default>(
        &self,
        op: PluginOp,
        user: &UserInfo,
        message: M,
    ) -> Result<M, HookError>
    where
        Sent<M>: Content,
    {
        if !self.any(op) {
            return Ok(message);
        }
        let user = user.clone();
        Ok(self.ask(op, Sent { user, message }).await?.message)
    }

    /// Asks every plugin in turn; each sees what the one before it made of the content.
    async fn ask<T: Content>(&self, op: PluginOp, mut content: T) -> Result<T, HookError> {
        let name = op.as_str();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        // An id is only there to find the request in the plugin's log.
        let id = RunId::random().map_or_else(|_| String::new(), |id| id.to_string());
        for hook in self.hooks.iter().filter(|hook| hook.op == op) {
            let ask = async {
                let _slot = hook.slots.acquire().await;
                hook.plugin.ask(name, &id, &content).await
            };
            let asked = timeout_at(deadline, Box::pin(ask)).await;
            let reply = asked.unwrap_or(Err(Failed::Late(PATIENCE)));
            let reply = reply.map_err(|err| {
                let plugin = &hook.plugin.name;
                tracing::warn!("[{id}] send {name} request to plugin [{plugin}] error: {err}");
                HookError::Unanswered(name)
            })?;
            if reply.reject {
                return Err(HookError::Rejected(reason(reply.reject_reason)));
            }
            // Nothing that a plugin says about an ended proxy counts.
            if !reply.unchange && op != PluginOp::CloseProxy {
                content = reply.content;
            }
        }
        Ok(content)
    }
}

/// A reason that can be passed on. A client takes an empty one for consent.
fn reason(given: String) -> String {
    if given.is_empty() {
        return "rejected by a plugin of the server".to_owned();
    }
    given.chars().take(REASON).collect()
}

/// An address as Go writes it: IPv4 is never in IPv6 form.
fn canonical(addr: SocketAddr) -> String {
    SocketAddr::new(addr.ip().to_canonical(), addr.port()).to_string()
}

#[cfg(test)]
mod tests;
