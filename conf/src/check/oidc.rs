//! The checks of `auth.oidc` of frpc (upstream: pkg/config/v1/validation/oidc.go).

use super::client::secret;
use super::common::is_url;
use super::{Checker, path};
use crate::client::{ClientOidc, OidcCredentials};
use crate::raw::client::RawClientOidc;

impl Checker<'_> {
    /// The way to ID tokens, if it is `wanted`; a token source is checked in any case.
    pub(super) fn client_oidc(
        &mut self,
        mut raw: RawClientOidc,
        wanted: bool,
    ) -> Option<ClientOidc> {
        if let Some(source) = raw.token_source.take() {
            if has_credentials(&raw) {
                let gist =
                    "cannot specify both auth.oidc.tokenSource and any other field of auth.oidc";
                self.conflict(
                    "auth.oidc.tokenSource",
                    gist,
                    "remove the other keys or this one",
                );
            }
            if let Some(source) = self.value_source("auth.oidc.tokenSource", source) {
                return wanted.then_some(ClientOidc::Source(source));
            }
        } else if wanted {
            self.oidc_endpoint(&raw);
        }
        wanted.then_some(ClientOidc::Credentials(OidcCredentials {
            client_id: raw.client_id,
            client_secret: raw.client_secret,
            audience: raw.audience,
            scope: raw.scope,
            token_endpoint_url: raw.token_endpoint_url,
            additional_endpoint_params: raw.additional_endpoint_params,
            trusted_ca: path(raw.trusted_ca_file),
            insecure_skip_verify: raw.insecure_skip_verify,
            proxy_url: secret(raw.proxy_url),
        }))
    }

    fn oidc_endpoint(&mut self, raw: &RawClientOidc) {
        if raw.client_id.is_empty() {
            self.missing("auth.oidc.clientID", "auth.oidc.clientID is required");
        }
        let key = "auth.oidc.tokenEndpointURL";
        let url = raw.token_endpoint_url.as_str();
        if url.is_empty() {
            self.missing(key, format!("{key} is required"));
        } else if url
            .split_once("://")
            .is_none_or(|(_, rest)| rest.is_empty() || rest.starts_with('/'))
        {
            let gist = format!("{key} must be an absolute http or https URL");
            self.bad(key, url, gist, "begin it with https://");
        } else if !is_url(url, &["http", "https"]) {
            self.bad(
                key,
                url,
                format!("{key} must use http or https"),
                "begin it with https://",
            );
        }
        let params = &raw.additional_endpoint_params;
        for (name, taken) in [("scope", true), ("audience", !raw.audience.is_empty())] {
            if taken && params.contains_key(name) {
                let key = format!("auth.oidc.additionalEndpointParams.{name}");
                let remedy = format!("set auth.oidc.{name} alone");
                self.conflict(&key, format!("{key} is not allowed"), remedy);
            }
        }
        let schemes = ["http", "https", "socks5", "socks5h"];
        if !raw.proxy_url.is_empty() && !is_url(raw.proxy_url.expose(), &schemes) {
            // Upstream's verify lets it pass, and the first request fails.
            let text = "auth.oidc.proxyURL must use http, https, socks5 or socks5h";
            self.warn("auth.oidc.proxyURL", text);
        }
    }
}

fn has_credentials(raw: &RawClientOidc) -> bool {
    let texts = [
        &raw.client_id,
        &raw.audience,
        &raw.scope,
        &raw.token_endpoint_url,
        &raw.trusted_ca_file,
    ];
    texts.iter().any(|text| !text.is_empty())
        || !raw.client_secret.is_empty()
        || !raw.proxy_url.is_empty()
        || !raw.additional_endpoint_params.is_empty()
        || raw.insecure_skip_verify
}
