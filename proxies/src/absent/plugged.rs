//! In place of plugins, in builds without `plugins`: refuses.

use culvert_conf::{PluginConfig, ProxyProtocol};
use culvert_proxy::{BoxClientProxy, ProxyError};

use crate::virtual_net::VirtualNet;

/// Refuses.
pub(crate) fn plugged(
    _: &PluginConfig,
    _: Option<ProxyProtocol>,
    _: Option<&VirtualNet>,
) -> Result<BoxClientProxy, ProxyError> {
    Err(ProxyError::refused("this build has no plugins"))
}
