//! The domains of http, https and tcpmux proxies: the server's rules for them, and how they are
//! told to the client (upstream pkg/config/v1/validation/proxy.go, pkg/util/util/http.go).

use culvert_proxy::ProxyError;
use culvert_wire::msg::NewProxy;

/// The domains that a proxy asks for: its own, and the one below the server's.
///
/// # Errors
/// Refused with upstream's text when a domain is not the client's to choose.
pub(crate) fn domains(ask: &NewProxy, sub_domain_host: &str) -> Result<Vec<String>, ProxyError> {
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
pub(crate) fn address(domain: &str, port: u16) -> String {
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
