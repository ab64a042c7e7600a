//! The checks of one proxy (upstream: pkg/config/v1/validation/proxy.go).

use std::time::Duration;

use super::{Checker, annotations, text};
use crate::proxy::{
    Backend, HealthCheck, HealthProbe, HttpProxy, HttpsProxy, LoadBalancer, ProxyConfig, ProxyKind,
    ProxyProtocol, ProxyTransport, SecretProxy, TcpMuxProxy, XtcpProxy,
};
use crate::raw::proxy::{
    RawDomains, RawHealthCheck, RawHttpRest, RawProxy, RawProxyKind, RawProxyTransport,
    RawRemotePort, RawSecret, RawTcpMux,
};
use crate::types::BandwidthLimitMode;

impl Checker<'_> {
    pub(super) fn proxy(&mut self, raw: RawProxy) -> ProxyConfig {
        let at = format!("proxies[{}]", raw.index);
        let base = raw.base;
        if base.name.is_empty() {
            self.missing(&format!("{at}.name"), "name should not be empty");
        }
        annotations::check(self, &format!("{at}.annotations"), &base.annotations);
        let transport = self.proxy_transport(&at, base.transport);
        let backend = match base.plugin {
            Some(plugin) => Backend::Plugin(self.plugin(&format!("{at}.plugin"), plugin)),
            None => Backend::Local {
                ip: text(base.local_ip, "127.0.0.1"),
                // Upstream writes the key twice.
                port: self.port(
                    &format!("{at}.localPort"),
                    "localPort: localPort",
                    base.local_port,
                ),
            },
        };
        let health_check = self.health_check(&format!("{at}.healthCheck"), base.health_check);
        let group = base.load_balancer;
        let load_balancer = (!group.group.is_empty()).then_some(LoadBalancer {
            group: group.group,
            group_key: group.group_key,
        });
        ProxyConfig {
            name: base.name,
            transport,
            load_balancer,
            health_check,
            annotations: base.annotations,
            metadatas: base.metadatas,
            backend,
            kind: self.kind(&at, raw.kind),
        }
    }

    fn proxy_transport(&mut self, at: &str, raw: RawProxyTransport) -> ProxyTransport {
        let modes = [
            ("", BandwidthLimitMode::Client),
            ("client", BandwidthLimitMode::Client),
            ("server", BandwidthLimitMode::Server),
        ];
        let found = &raw.proxy_protocol_version;
        let gist = format!("not support proxy protocol version: {found}");
        let versions = [
            ("", None),
            ("v1", Some(ProxyProtocol::V1)),
            ("v2", Some(ProxyProtocol::V2)),
        ];
        let key = format!("{at}.transport.proxyProtocolVersion");
        let proxy_protocol = self.choice(&key, found, &gist, &versions);
        let gist = "bandwidth limit mode should be client or server";
        let key = format!("{at}.transport.bandwidthLimitMode");
        let mode = self.choice(&key, &raw.bandwidth_limit_mode, gist, &modes);
        ProxyTransport {
            use_encryption: raw.use_encryption,
            use_compression: raw.use_compression,
            bandwidth_limit: raw.bandwidth_limit.0,
            bandwidth_limit_mode: mode,
            proxy_protocol,
        }
    }

    /// The defaults are those of upstream's checker (client/health/health.go).
    fn health_check(&mut self, at: &str, raw: RawHealthCheck) -> Option<HealthCheck> {
        let probe = match raw.kind.as_str() {
            "" => return None,
            "tcp" => HealthProbe::Tcp,
            "http" => {
                if raw.path.is_empty() {
                    self.missing(
                        &format!("{at}.path"),
                        "health check path should not be empty",
                    );
                }
                let headers = raw
                    .http_headers
                    .into_iter()
                    .map(|h| (h.name, h.value))
                    .collect();
                HealthProbe::Http {
                    path: raw.path,
                    headers,
                }
            }
            other => {
                let gist = format!("not support health check type: {other}");
                self.bad(&format!("{at}.type"), other, gist, "write tcp or http");
                return None;
            }
        };
        let seconds = |found, default| super::seconds(found, default);
        Some(HealthCheck {
            probe,
            timeout: seconds(raw.timeout_seconds, 3).unwrap_or(Duration::from_secs(3)),
            max_failed: super::count(raw.max_failed, 1).max(1),
            interval: seconds(raw.interval_seconds, 10).unwrap_or(Duration::from_secs(10)),
        })
    }

    fn kind(&mut self, at: &str, raw: RawProxyKind) -> ProxyKind {
        match raw {
            RawProxyKind::Tcp(own) => ProxyKind::Tcp {
                remote_port: self.remote_port(at, &own),
            },
            RawProxyKind::Udp(own) => ProxyKind::Udp {
                remote_port: self.remote_port(at, &own),
            },
            RawProxyKind::Http(own) => {
                let (domains, rest) = *own;
                self.domains(at, &domains);
                ProxyKind::Http(http(domains, rest))
            }
            RawProxyKind::Https(domains) => {
                self.domains(at, &domains);
                let RawDomains {
                    custom_domains,
                    subdomain,
                } = domains;
                ProxyKind::Https(HttpsProxy {
                    custom_domains,
                    subdomain,
                })
            }
            RawProxyKind::TcpMux(own) => {
                let (domains, rest) = *own;
                self.domains(at, &domains);
                ProxyKind::TcpMux(self.tcp_mux_proxy(at, domains, rest))
            }
            RawProxyKind::Stcp(own) => ProxyKind::Stcp(secret(own)),
            RawProxyKind::Sudp(own) => ProxyKind::Sudp(secret(own)),
            RawProxyKind::Xtcp((own, nat)) => ProxyKind::Xtcp(XtcpProxy {
                secret_key: own.secret_key,
                allow_users: own.allow_users,
                disable_assisted_addrs: nat.nat_traversal.disable_assisted_addrs,
            }),
        }
    }

    /// Upstream leaves this to the server, where such a port always fails.
    fn remote_port(&mut self, at: &str, own: &RawRemotePort) -> u16 {
        self.port(&format!("{at}.remotePort"), "remotePort", own.remote_port)
    }

    fn domains(&mut self, at: &str, domains: &RawDomains) {
        if domains.custom_domains.is_empty() && domains.subdomain.is_empty() {
            let gist = "subdomain and custom domains should not be both empty";
            self.missing(&format!("{at}.customDomains"), gist);
        }
    }

    fn tcp_mux_proxy(&mut self, at: &str, domains: RawDomains, own: RawTcpMux) -> TcpMuxProxy {
        let found = &own.multiplexer;
        let gist = format!("not support multiplexer: {found}");
        let key = format!("{at}.multiplexer");
        self.choice(&key, found, &gist, &[("httpconnect", ())]);
        TcpMuxProxy {
            custom_domains: domains.custom_domains,
            subdomain: domains.subdomain,
            http_user: own.http_user,
            http_password: own.http_password,
            route_by_http_user: own.route_by_http_user,
        }
    }
}

fn http(domains: RawDomains, own: RawHttpRest) -> HttpProxy {
    HttpProxy {
        custom_domains: domains.custom_domains,
        subdomain: domains.subdomain,
        locations: own.locations,
        http_user: own.http_user,
        http_password: own.http_password,
        host_header_rewrite: own.host_header_rewrite,
        request_headers: own.request_headers.set,
        response_headers: own.response_headers.set,
        route_by_http_user: own.route_by_http_user,
    }
}

fn secret(own: RawSecret) -> SecretProxy {
    SecretProxy {
        secret_key: own.secret_key,
        allow_users: own.allow_users,
    }
}
