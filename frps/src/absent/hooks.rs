//! In place of server plugins, in builds without `plugins`: nobody is asked.

use std::{
    collections::BTreeMap,
    future::{Ready, ready},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use culvert_conf::HttpPlugin;
use culvert_io::Scope;
use culvert_program::OriginError;
use culvert_wire::msg::{Login, NewProxy, NewWorkConn, Ping};

/// Never: nothing is refused.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum HookError {}

/// Nobody is told whose operation it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserInfo;

impl UserInfo {
    pub(crate) const fn new(_: &str, _: &BTreeMap<String, String>, _: &str) -> Self {
        Self
    }
}

/// No plugins.
#[derive(Debug)]
pub(crate) struct Hooks;

impl Hooks {
    pub(crate) fn new(_: &[HttpPlugin], _: Scope) -> Result<Self, (String, OriginError)> {
        Ok(Self)
    }

    pub(crate) fn login(&self, login: Login, _: SocketAddr) -> Ready<Result<Login, HookError>> {
        ready(Ok(login))
    }

    pub(crate) fn new_proxy(
        &self,
        _: &UserInfo,
        ask: NewProxy,
    ) -> Ready<Result<NewProxy, HookError>> {
        ready(Ok(ask))
    }

    pub(crate) fn ping(&self, _: &UserInfo, ping: Ping) -> Ready<Result<Ping, HookError>> {
        ready(Ok(ping))
    }

    pub(crate) fn new_work_conn(
        &self,
        _: &UserInfo,
        ask: NewWorkConn,
    ) -> Ready<Result<NewWorkConn, HookError>> {
        ready(Ok(ask))
    }

    pub(crate) fn new_user_conn(
        &self,
        _: &UserInfo,
        _: (&str, &str),
        _: SocketAddr,
    ) -> Ready<Result<(), HookError>> {
        ready(Ok(()))
    }

    pub(crate) fn proxy_closed(self: &Arc<Self>, _: &UserInfo, _: &str) {}

    pub(crate) fn close(&self, _: Duration) -> Ready<()> {
        ready(())
    }
}
