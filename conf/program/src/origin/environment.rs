//! The proxies that the environment names, by the rules of Go's `http.ProxyFromEnvironment`, which
//! upstream follows where its configuration names none.

use std::net::IpAddr;

use culvert_conf::{Network, Secret};
use culvert_http::Endpoint;

/// The proxy for `endpoint` by the variables that `read` knows; `None` = no proxy.
#[must_use]
pub fn proxy(endpoint: &Endpoint, read: impl Fn(&str) -> Option<String>) -> Option<Secret> {
    let either = |upper: &str, lower: &str| {
        let set = |name: &str| read(name).filter(|value| !value.is_empty());
        set(upper).or_else(|| set(lower))
    };
    let url = if endpoint.https {
        either("HTTPS_PROXY", "https_proxy")?
    } else {
        either("HTTP_PROXY", "http_proxy")?
    };
    let except = either("NO_PROXY", "no_proxy").unwrap_or_default();
    let host = endpoint.host.trim_matches(['[', ']']);
    if is_local(host) || except.split(',').any(|e| excepted(e, host, endpoint.port)) {
        return None;
    }
    Some(Secret::new(match url.contains("://") {
        true => url,
        false => format!("http://{url}"),
    }))
}

/// This machine is never behind a proxy.
fn is_local(host: &str) -> bool {
    let loopback = |ip: IpAddr| ip.is_loopback();
    host == "localhost" || host.parse().is_ok_and(loopback)
}

/// Whether one entry of `NO_PROXY` is about `host`: `*`, an address, a network, a domain with all
/// below it, or only what is below it if it begins with a dot; each may have a port.
fn excepted(entry: &str, host: &str, port: u16) -> bool {
    let entry = entry.trim().to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    if entry == "*" {
        return true;
    }
    if let (Ok(network), Ok(ip)) = (entry.parse::<Network>(), host.parse()) {
        return network.contains(ip);
    }
    let bare = match entry.rsplit_once(':') {
        Some((bare, only)) if !bare.contains(':') || bare.ends_with(']') => {
            if only.parse() != Ok(port) {
                return false;
            }
            bare
        }
        _ => entry.as_str(),
    };
    let bare = bare.trim_matches(['[', ']']);
    let bare = bare.strip_prefix('*').unwrap_or(bare);
    match bare.strip_prefix('.') {
        Some("") => false,
        Some(domain) => is_below(&host, domain),
        None => !bare.is_empty() && (host == bare || is_below(&host, bare)),
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    let below = host.strip_suffix(domain);
    below.is_some_and(|below| below.len() > 1 && below.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use culvert_http::Endpoint;

    fn proxy(url: &str, environment: &[(&str, &str)]) -> Option<String> {
        let read = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let found = super::proxy(&Endpoint::parse(url).unwrap(), read);
        found.map(|proxy| proxy.expose().to_owned())
    }

    #[test]
    fn each_scheme_has_its_variable_in_upper_or_lower_case() {
        let both = [("HTTP_PROXY", "http://a:1"), ("https_proxy", "b:2")];
        assert_eq!(proxy("http://x.test/", &both).unwrap(), "http://a:1");
        assert_eq!(proxy("https://x.test/", &both).unwrap(), "http://b:2");
        assert_eq!(proxy("https://x.test/", &[("HTTPS_PROXY", "")]), None);
    }

    #[test]
    fn this_machine_is_never_behind_a_proxy() {
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let url = format!("http://{host}:5/");
            assert_eq!(proxy(&url, &[("HTTP_PROXY", "p:1")]), None, "{host}");
        }
    }

    #[test]
    fn exceptions_are_domains_addresses_and_networks() {
        let through = |host: &str, except: &str| {
            let set = [("HTTP_PROXY", "p:1"), ("no_proxy", except)];
            proxy(&format!("http://{host}/"), &set).is_some()
        };
        for (host, except) in [
            ("a.example.com", "other.test, example.com"),
            ("example.com", "Example.Com"),
            ("a.example.com", ".example.com"),
            ("a.example.com", "*.example.com"),
            ("10.1.2.3", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3"),
            ("[2001:db8::1]", "2001:db8::/32"),
            ("a.test:81", "a.test:81"),
            ("anything", "*"),
        ] {
            assert!(!through(host, except), "{host} {except}");
        }
        for (host, except) in [
            ("badexample.com", "example.com"),
            ("example.com", ".example.com"),
            ("a.test:82", "a.test:81"),
            ("11.1.2.3", "10.0.0.0/8"),
            ("a.test", " , ,."),
        ] {
            assert!(through(host, except), "{host} {except}");
        }
    }
}
