//! What is allowed and can do harm: shown by `verify`, refused by nobody.

use std::net::IpAddr;

use super::Checker;
use crate::client::{ClientConfig, ClientOidc};
use crate::plugin::{PluginConfig, PluginLogin};
use crate::proxy::{Backend, ProxyConfig, ProxyKind};
use crate::server::ServerConfig;
use crate::types::{AuthMethod, WebServer};

/// The fewest characters of a token that nobody guesses in a hurry: 64 bits in base64.
const LEAST_TOKEN: usize = 11;

impl Checker<'_> {
    pub(super) fn server_risks(&mut self, config: &ServerConfig) {
        let is_public = !is_loopback(&config.bind_addr);
        if is_public {
            let who = "everybody who can reach the server";
            self.token_risks(&config.auth.method, who);
        }
        let tls = &config.transport.tls;
        if is_public && tls.identity.is_none() {
            let text = "transport.tls.certFile is not set: the server makes a certificate of its \
                        own at every start, which no client can verify";
            self.warn("transport.tls.certFile", text);
        }
        if is_public && !tls.force {
            let text = "transport.tls.force is false: clients may connect without TLS, and their \
                        traffic can be read on the way";
            self.warn("transport.tls.force", text);
        }
        self.web_risks(config.web_server.as_ref());
        if config
            .ssh_tunnel_gateway
            .as_ref()
            .is_some_and(|ssh| ssh.authorized_keys_file.is_none())
        {
            let text = "sshTunnelGateway.authorizedKeysFile is not set: everybody may open tunnels \
                        with SSH";
            self.warn("sshTunnelGateway.authorizedKeysFile", text);
        }
        if let AuthMethod::Oidc { oidc, .. } = &config.auth.method {
            let lax = [
                (
                    oidc.audience.is_none(),
                    "audience",
                    "is not set: tokens for other services are accepted",
                ),
                (
                    oidc.skip_expiry_check,
                    "skipExpiryCheck",
                    "is true: tokens are accepted for ever",
                ),
                (
                    oidc.skip_issuer_check,
                    "skipIssuerCheck",
                    "is true: tokens of other issuers are accepted",
                ),
            ];
            for (_, key, what) in lax.iter().filter(|(is_lax, ..)| *is_lax) {
                let key = format!("auth.oidc.{key}");
                self.warn(&key, format!("{key} {what}"));
            }
        }
        for (index, plugin) in config.http_plugins.iter().enumerate() {
            if plugin.addr.starts_with("https://") && !plugin.tls_verify {
                let key = format!("httpPlugins[{index}].tlsVerify");
                let text =
                    format!("{key} is false: whoever answers in the plugin's place is believed");
                self.warn(&key, text);
            }
        }
    }

    pub(super) fn client_risks(&mut self, config: &ClientConfig) {
        let each = config.for_each_server();
        let public = each
            .iter()
            .map(|(_, own)| own)
            .filter(|own| !is_loopback(&own.server_addr));
        // Where there are several, the one with least is told of.
        let who = "everybody who can reach the server";
        if let Some(own) = public.clone().min_by_key(|own| token_len(own)) {
            self.token_risks(&own.auth.method, who);
        }
        let has_ca = |own: &&ClientConfig| {
            let tls = own.transport.tls.enabled.as_ref();
            tls.is_some_and(|tls| tls.trusted_ca.is_some())
        };
        if let Some(own) = public.min_by_key(has_ca) {
            match &own.transport.tls.enabled {
                None => self.warn(
                    "transport.tls.enable",
                    "transport.tls.enable is false: what passes between client and server can be \
                     read on the way",
                ),
                Some(tls) if tls.trusted_ca.is_none() => self.warn(
                    "transport.tls.trustedCaFile",
                    "transport.tls.trustedCaFile is not set: the server is not verified, so \
                     another one could stand in its place",
                ),
                Some(_) => {}
            }
        }
        if let AuthMethod::Oidc { oidc, .. } = &config.auth.method
            && let ClientOidc::Credentials(at) = &**oidc
        {
            if at.insecure_skip_verify {
                let text = "auth.oidc.insecureSkipVerify is true: the client's secret is given to \
                            whoever answers";
                self.warn("auth.oidc.insecureSkipVerify", text);
            }
            if at
                .token_endpoint_url
                .to_ascii_lowercase()
                .starts_with("http:")
            {
                let text = "auth.oidc.tokenEndpointURL is not https: the client's secret can be \
                            read on the way";
                self.warn("auth.oidc.tokenEndpointURL", text);
            }
        }
        self.web_risks(config.web_server.as_ref());
        for proxy in &config.proxies {
            self.proxy_risks(proxy);
        }
    }

    fn token_risks<O>(&mut self, method: &AuthMethod<O>, who: &str) {
        let AuthMethod::Token { token } = method else {
            return;
        };
        let text = match token.expose().chars().count() {
            0 => format!("auth.token is not set: {who} may use it"),
            1..LEAST_TOKEN => "auth.token is short and can be guessed".to_owned(),
            _ => return,
        };
        self.warn("auth.token", text);
    }

    fn web_risks(&mut self, web: Option<&WebServer>) {
        let Some(web) = web.filter(|web| !is_loopback(&web.addr)) else {
            return;
        };
        let is_open = web.user.is_empty() && web.password.is_empty();
        if is_open {
            let text = "webServer.password is not set: everybody who can reach webServer.port may \
                        use it";
            self.warn("webServer.password", text);
        } else if web.tls.is_none() {
            let text = "webServer.tls is not set: webServer.password can be read on the way";
            self.warn("webServer.tls", text);
        }
        if web.pprof {
            let text = "webServer.pprofEnable is true: /debug/pprof/ asks for no password";
            self.warn("webServer.pprofEnable", text);
        }
    }

    fn proxy_risks(&mut self, proxy: &ProxyConfig) {
        let name = &proxy.name;
        let no_key = match &proxy.kind {
            ProxyKind::Stcp(own) | ProxyKind::Sudp(own) => own.secret_key.is_empty(),
            ProxyKind::Xtcp(own) => own.secret_key.is_empty(),
            _ => false,
        };
        if no_key {
            let text = format!("proxy {name}: secretKey is not set: every client may visit it");
            self.warn("proxies", text);
        }
        let Backend::Plugin(plugin) = &proxy.backend else {
            return;
        };
        let open = match plugin {
            PluginConfig::HttpProxy(with) | PluginConfig::Socks5(with) => {
                with.login == PluginLogin::default()
            }
            _ => false,
        };
        let is_secret = matches!(
            proxy.kind,
            ProxyKind::Stcp(_) | ProxyKind::Sudp(_) | ProxyKind::Xtcp(_)
        );
        if open && !is_secret {
            let text = format!(
                "proxy {name}: the plugin asks for no password: everybody may reach the client's \
                 network through it"
            );
            self.warn("proxies", text);
        }
    }
}

/// How long the shared token is; the longest where it is no text of the file.
fn token_len(config: &ClientConfig) -> usize {
    match &config.auth.method {
        AuthMethod::Token { token } => token.expose().chars().count(),
        _ => usize::MAX,
    }
}

/// Whether only this machine is meant.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
