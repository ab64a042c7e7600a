//! Plugins in place of a local service.

use culvert_conf::{PluginConfig, ProxyProtocol};
use culvert_plugins::Greeting;
use culvert_proxy::{BoxClientProxy, ProxyError};

use crate::{proxy_protocol::user_header, virtual_net::VirtualNet};

/// What serves the users of a proxy with `plugin`, which greets services with `version`.
///
/// # Errors
/// Refused when the plugin cannot be made.
pub(crate) fn plugged(
    plugin: &PluginConfig,
    version: Option<ProxyProtocol>,
    net: Option<&VirtualNet>,
) -> Result<BoxClientProxy, ProxyError> {
    let greeting = Greeting {
        version,
        write: user_header,
    };
    culvert_plugins::plugin(plugin, greeting, net)
}
