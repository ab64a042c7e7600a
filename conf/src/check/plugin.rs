//! The checks of a client plugin (upstream: pkg/config/v1/validation/plugin.go).

use super::Checker;
use crate::network::Network;
use crate::plugin::{ForwardProxy, HttpRewrite, HttpsFront, PluginConfig, PluginLogin, StaticFile};
use crate::raw::plugin::{RawHttpsFront, RawPlugin, RawRewrite, RawStaticFile};

impl Checker<'_> {
    /// The plugin at the path `at`.
    pub(super) fn plugin(&mut self, at: &str, raw: RawPlugin) -> PluginConfig {
        match raw {
            RawPlugin::HttpProxy(own) => PluginConfig::HttpProxy(ForwardProxy {
                login: PluginLogin {
                    user: own.http_user,
                    password: own.http_password,
                },
                deny_targets: self.networks(at, &own.deny_targets),
            }),
            RawPlugin::Socks5(own) => PluginConfig::Socks5(ForwardProxy {
                login: PluginLogin {
                    user: own.username,
                    password: own.password,
                },
                deny_targets: self.networks(at, &own.deny_targets),
            }),
            RawPlugin::StaticFile(own) => {
                self.needs(at, "static_file", "localPath", &own.local_path);
                PluginConfig::StaticFile(static_file(own))
            }
            RawPlugin::UnixDomainSocket(own) => {
                self.needs(at, "unix_domain_socket", "unixPath", &own.unix_path);
                PluginConfig::UnixDomainSocket {
                    path: own.unix_path.into(),
                }
            }
            RawPlugin::Http2Https(own) => {
                self.needs(at, "http2https", "localAddr", &own.local_addr);
                PluginConfig::Http2Https(rewrite(own))
            }
            RawPlugin::Http2Http(own) => PluginConfig::Http2Http(rewrite(own)),
            RawPlugin::Https2Http(own) => {
                PluginConfig::Https2Http(self.https_front(at, "https2http", own))
            }
            RawPlugin::Https2Https(own) => {
                PluginConfig::Https2Https(self.https_front(at, "https2https", own))
            }
            RawPlugin::Tls2Raw(own) => {
                self.needs(at, "tls2raw", "localAddr", &own.local_addr);
                let files = (own.crt_path.as_str(), own.key_path.as_str());
                let identity = self.identity(at, ("crtPath", "keyPath"), files);
                PluginConfig::Tls2Raw {
                    local_addr: own.local_addr,
                    identity,
                }
            }
            RawPlugin::VirtualNet => PluginConfig::VirtualNet,
        }
    }

    /// `denyTargets`: networks, or single addresses.
    fn networks(&mut self, at: &str, found: &[String]) -> Vec<Network> {
        let mut networks = Vec::with_capacity(found.len());
        for (index, text) in found.iter().enumerate() {
            match text.parse().or_else(|_| text.parse().map(Network::host)) {
                Ok(network) => networks.push(network),
                Err(_) => {
                    let path = format!("{at}.denyTargets[{index}]");
                    let remedy = "write an address or a network, such as 127.0.0.0/8";
                    self.bad(&path, text, format!("invalid {path}"), remedy);
                }
            }
        }
        networks
    }

    fn needs(&mut self, at: &str, plugin: &str, key: &str, value: &str) {
        if value.is_empty() {
            self.missing(
                &format!("{at}.{key}"),
                format!("plugin {plugin}: {key} is required"),
            );
        }
    }

    fn https_front(&mut self, at: &str, plugin: &str, own: RawHttpsFront) -> HttpsFront {
        self.needs(at, plugin, "localAddr", &own.local_addr);
        let files = (own.crt_path.as_str(), own.key_path.as_str());
        let identity = self.identity(at, ("crtPath", "keyPath"), files);
        HttpsFront {
            rewrite: HttpRewrite {
                local_addr: own.local_addr,
                host_header_rewrite: own.host_header_rewrite,
                request_headers: own.request_headers.set,
            },
            enable_http2: own.enable_http2.unwrap_or(true),
            identity,
        }
    }
}

fn rewrite(own: RawRewrite) -> HttpRewrite {
    HttpRewrite {
        local_addr: own.local_addr,
        host_header_rewrite: own.host_header_rewrite,
        request_headers: own.request_headers.set,
    }
}

fn static_file(own: RawStaticFile) -> StaticFile {
    StaticFile {
        local_path: own.local_path.into(),
        strip_prefix: own.strip_prefix,
        login: PluginLogin {
            user: own.http_user,
            password: own.http_password,
        },
    }
}
