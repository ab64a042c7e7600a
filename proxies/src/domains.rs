//! The domains of http, https and tcpmux proxies: the server's rules for them, who holds them, and
//! how they are told to the client (upstream pkg/config/v1/validation/proxy.go,
//! pkg/util/util/http.go).

use std::sync::Arc;

use culvert_proxy::{Lease, Members, Opened, ProxyError};
use culvert_wire::msg::NewProxy;

use crate::groups::Groups;

/// What the proxies of one kind share: a vhost, the port at which their users come to it, and their
/// groups.
///
/// `V` is the vhost, `P` what the members of a group must ask for alike, and `M` a member.
#[derive(Debug)]
pub(crate) struct Shared<V, P, M> {
    vhost: Option<Arc<V>>,
    port: u16,
    sub_domain_host: String,
    groups: Groups<P, M, Arc<Lease>>,
}

impl<V, P, M> Shared<V, P, M>
where
    P: PartialEq + Send + Sync + 'static,
    M: Send + Sync + 'static,
{
    /// Without a vhost there are no proxies. `sub_domain_host` may be empty.
    pub(crate) fn new(vhost: Option<Arc<V>>, port: u16, sub_domain_host: String) -> Self {
        Self {
            vhost,
            port,
            sub_domain_host,
            groups: Groups::new("group params invalid"),
        }
    }

    /// Begins to open a proxy.
    ///
    /// # Errors
    /// Refused with `missing` without a vhost.
    pub(crate) fn open<'s>(
        &'s self,
        ask: &'s NewProxy,
        missing: &'static str,
    ) -> Result<Opening<'s, V, P, M>, ProxyError> {
        let vhost = self.vhost.as_deref();
        Ok(Opening {
            shared: self,
            vhost: vhost.ok_or_else(|| ProxyError::refused(missing))?,
            ask,
            leases: Vec::new(),
            addresses: Vec::new(),
        })
    }
}

/// A proxy that is being opened; what it has taken is free again without it.
pub(crate) struct Opening<'s, V, P, M> {
    shared: &'s Shared<V, P, M>,
    vhost: &'s V,
    ask: &'s NewProxy,
    leases: Vec<Lease>,
    addresses: Vec<String>,
}

impl<V, P, M> Opening<'_, V, P, M>
where
    P: PartialEq + Send + Sync + 'static,
    M: Send + Sync + 'static,
{
    /// The domains that the proxy asks for: its own, and the one below the server's.
    ///
    /// # Errors
    /// Refused with upstream's text when a domain is not the client's to choose.
    pub(crate) fn domains(&self) -> Result<Vec<String>, ProxyError> {
        domains(self.ask, &self.shared.sub_domain_host)
    }

    /// Puts `member` behind `domain`, alone or into its group; the first one there takes the route
    /// with `take`.
    ///
    /// # Errors
    /// Whatever `take` and [`Groups::join`] say.
    pub(crate) fn join(
        &mut self,
        domain: &str,
        params: P,
        member: M,
        take: impl FnOnce(&V, Arc<Members<M>>) -> Result<Lease, ProxyError>,
    ) -> Result<(), ProxyError> {
        let take = |members: &Arc<_>| take(self.vhost, Arc::clone(members)).map(Arc::new);
        let (_, place) = self.shared.groups.join(self.ask, params, member, take)?;
        self.leases.push(place);
        self.addresses.push(address(domain, self.shared.port));
        Ok(())
    }

    /// The proxy, open.
    pub(crate) fn done(self) -> Opened {
        Opened {
            remote_addr: self.addresses.join(","),
            leases: self.leases,
        }
    }
}

fn domains(ask: &NewProxy, sub_domain_host: &str) -> Result<Vec<String>, ProxyError> {
    for domain in &ask.custom_domains {
        if is_below(domain, sub_domain_host) {
            return Err(ProxyError::refused(format!(
                "custom domain [{domain}] should not belong to subdomain host [{sub_domain_host}]"
            )));
        }
    }
    let mut domains: Vec<String> = ask
        .custom_domains
        .iter()
        .filter(|domain| !domain.is_empty())
        .cloned()
        .collect();
    if !ask.subdomain.is_empty() {
        domains.push(below(&ask.subdomain, sub_domain_host)?);
    }
    Ok(domains)
}

fn below(subdomain: &str, host: &str) -> Result<String, ProxyError> {
    if host.is_empty() {
        return Err(ProxyError::refused(
            "subdomain is not supported because this feature is not enabled in server",
        ));
    }
    if subdomain.contains(['.', '*']) {
        return Err(ProxyError::refused(
            "'.' and '*' are not supported in subdomain",
        ));
    }
    Ok(format!("{subdomain}.{host}"))
}

/// Whether `domain` has a label or more in front of `host`; case does not count, as in routing.
fn is_below(domain: &str, host: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    !host.is_empty()
        && domain
            .strip_suffix(&host.to_ascii_lowercase())
            .is_some_and(|labels| labels.ends_with('.'))
}

/// A domain with the port that users reach it at, left out when it is a well-known one.
fn address(domain: &str, port: u16) -> String {
    match port {
        80 | 443 => domain.to_owned(),
        _ => format!("{domain}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use culvert_wire::msg::NewProxy;

    use super::{address, domains};

    fn ask(custom: &[&str], subdomain: &str) -> NewProxy {
        NewProxy {
            custom_domains: custom.iter().map(|d| (*d).to_owned()).collect(),
            subdomain: subdomain.to_owned(),
            ..NewProxy::default()
        }
    }

    #[test]
    fn joins_custom_domains_and_subdomain() {
        let all = domains(&ask(&["a.test", "", "*.b.test"], "web"), "frp.test").unwrap();
        assert_eq!(all, ["a.test", "*.b.test", "web.frp.test"]);
        assert_eq!(
            domains(&ask(&["frp.test"], ""), "frp.test").unwrap(),
            ["frp.test"]
        );
        assert_eq!(
            domains(&ask(&["xfrp.test"], ""), "frp.test").unwrap(),
            ["xfrp.test"]
        );
    }

    #[test]
    fn refuses_with_the_text_of_upstream() {
        for (ask, host, text) in [
            (
                ask(&["a.FRP.test"], ""),
                "frp.test",
                "custom domain [a.FRP.test] should not belong to subdomain host [frp.test]",
            ),
            (
                ask(&[], "web"),
                "",
                "subdomain is not supported because this feature is not enabled in server",
            ),
            (
                ask(&[], "a.b"),
                "frp.test",
                "'.' and '*' are not supported in subdomain",
            ),
            (
                ask(&[], "*"),
                "frp.test",
                "'.' and '*' are not supported in subdomain",
            ),
        ] {
            assert_eq!(domains(&ask, host).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn leaves_out_well_known_ports() {
        assert_eq!(address("a.test", 80), "a.test");
        assert_eq!(address("a.test", 443), "a.test");
        assert_eq!(address("a.test", 8080), "a.test:8080");
    }
}
