//! The table of all client plugins.

use std::sync::Arc;

use culvert_conf::PluginConfig;
use culvert_proxy::{BoxClientProxy, ProxyError};

use crate::{
    Greeting, VirtualNet, http_proxy::HttpProxy, http2http, http2https, https2http, https2https,
    socks5::Socks5, static_file::StaticFiles, tls2raw::Tls2Raw,
    unix_domain_socket::UnixDomainSocket, virtual_net::Gate,
};

/// What serves the work connections of a proxy that has a plugin. `greeting` is the proxy's PROXY
/// protocol header, `net` the program's virtual network.
///
/// # Errors
/// Refused when the plugin's configuration cannot work, such as a certificate that is none.
pub fn plugin(
    config: &PluginConfig,
    greeting: Greeting,
    net: Option<&VirtualNet>,
) -> Result<BoxClientProxy, ProxyError> {
    Ok(match config {
        PluginConfig::Http2Http(own) => Arc::new(http2http::new(own)?),
        PluginConfig::Http2Https(own) => Arc::new(http2https::new(own)?),
        PluginConfig::Https2Http(own) => Arc::new(https2http::new(own)?),
        PluginConfig::Https2Https(own) => Arc::new(https2https::new(own)?),
        PluginConfig::UnixDomainSocket { path } => Arc::new(UnixDomainSocket::new(path, greeting)),
        PluginConfig::Tls2Raw {
            local_addr,
            identity,
        } => Arc::new(Tls2Raw::new(local_addr, identity.as_ref(), greeting)?),
        PluginConfig::StaticFile(own) => Arc::new(StaticFiles::new(own)),
        PluginConfig::HttpProxy(own) => Arc::new(HttpProxy::new(own)),
        PluginConfig::Socks5(own) => Arc::new(Socks5::new(own)),
        PluginConfig::VirtualNet => Arc::new(Gate::new(net)?),
    })
}
