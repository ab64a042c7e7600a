//! The `NewProxy` message of a configured proxy: what the server must know, and nothing else.

use culvert_conf::{BandwidthLimitMode, HttpProxy, ProxyConfig, ProxyKind, ProxyTransport};
use culvert_wire::{ProxyName, msg::NewProxy};

/// The proxy's name on the wire: `user.name`, or the bare name without a user (protocol 3.3).
#[must_use]
pub fn wire_name(user: &str, name: &str) -> ProxyName {
    if user.is_empty() {
        ProxyName::from(name)
    } else {
        format!("{user}.{name}").into()
    }
}

/// The message that asks a server to open `proxy` for a client of `user`.
#[must_use]
pub fn new_proxy(proxy: &ProxyConfig, user: &str) -> NewProxy {
    let mut ask = NewProxy {
        proxy_name: wire_name(user, &proxy.name).into(),
        proxy_type: proxy.kind_name().to_owned(),
        metas: proxy.metadatas.clone(),
        annotations: proxy.annotations.clone(),
        ..NewProxy::default()
    };
    layers(&mut ask, &proxy.transport);
    if let Some(group) = &proxy.load_balancer {
        ask.group.clone_from(&group.group);
        ask.group_key = group.group_key.expose().to_owned();
    }
    kind(&mut ask, &proxy.kind);
    ask
}

fn layers(ask: &mut NewProxy, transport: &ProxyTransport) {
    ask.use_encryption = transport.use_encryption;
    ask.use_compression = transport.use_compression;
    if let Some(limit) = &transport.bandwidth_limit {
        ask.bandwidth_limit.clone_from(&limit.text);
    }
    // The server is told only if it has to do something (upstream pkg/config/v1/proxy.go).
    if transport.bandwidth_limit_mode == BandwidthLimitMode::Server {
        "server".clone_into(&mut ask.bandwidth_limit_mode);
    }
}

fn kind(ask: &mut NewProxy, kind: &ProxyKind) {
    match kind {
        ProxyKind::Tcp { remote_port } | ProxyKind::Udp { remote_port } => {
            ask.remote_port = i64::from(*remote_port);
        }
        ProxyKind::Http(site) => http(ask, site),
        ProxyKind::Https(site) => {
            ask.custom_domains.clone_from(&site.custom_domains);
            ask.subdomain.clone_from(&site.subdomain);
        }
        ProxyKind::TcpMux(host) => {
            ask.custom_domains.clone_from(&host.custom_domains);
            ask.subdomain.clone_from(&host.subdomain);
            ask.http_user.clone_from(&host.http_user);
            ask.http_pwd = host.http_password.expose().to_owned();
            ask.route_by_http_user.clone_from(&host.route_by_http_user);
            // The only one there is (protocol 5.6).
            "httpconnect".clone_into(&mut ask.multiplexer);
        }
        ProxyKind::Stcp(secret) | ProxyKind::Sudp(secret) => {
            ask.sk = secret.secret_key.expose().to_owned();
            ask.allow_users.clone_from(&secret.allow_users);
        }
        ProxyKind::Xtcp(secret) => {
            ask.sk = secret.secret_key.expose().to_owned();
            ask.allow_users.clone_from(&secret.allow_users);
        }
    }
}

fn http(ask: &mut NewProxy, site: &HttpProxy) {
    ask.custom_domains.clone_from(&site.custom_domains);
    ask.subdomain.clone_from(&site.subdomain);
    ask.locations.clone_from(&site.locations);
    ask.http_user.clone_from(&site.http_user);
    ask.http_pwd = site.http_password.expose().to_owned();
    ask.host_header_rewrite
        .clone_from(&site.host_header_rewrite);
    ask.headers.clone_from(&site.request_headers);
    ask.response_headers.clone_from(&site.response_headers);
    ask.route_by_http_user.clone_from(&site.route_by_http_user);
}

#[cfg(test)]
mod tests;
