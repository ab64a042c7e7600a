//! Addresses of web servers and proxies, from operators and from answers that redirect: any text is
//! refused, or leads where it says.
//!
//! The first line is an address; the second is what stands in `Location`, or in `NO_PROXY`.
#![no_main]

use culvert_http::Endpoint;
use culvert_program::proxy_of_environment;
use culvert_proxies::redirected;
use culvert_tcp::Proxy;
use culvert_transport::ProxyUrl;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (url, other) = text.split_once('\n').unwrap_or((text, ""));
    if let Err(refused) = Proxy::new(&ProxyUrl::new(url.to_owned())) {
        assert!(!refused.to_string().is_empty());
    }
    if let Ok(endpoint) = Endpoint::parse(url) {
        assert!(!endpoint.host.is_empty() && endpoint.path.as_str().starts_with('/'));
        let proxy = |set: &str| {
            let read = |name: &str| match name {
                "HTTP_PROXY" | "HTTPS_PROXY" => Some("proxy.test:3128".to_owned()),
                "NO_PROXY" => Some(set.to_owned()),
                _ => None,
            };
            proxy_of_environment(&endpoint, read)
        };
        assert!(proxy("*").is_none());
        // To except more hosts never adds a proxy.
        assert!(proxy("").is_some() || proxy(other).is_none());
    }
    let to = redirected("http://service.test:81/a/b?c", other);
    if let Ok(endpoint) = Endpoint::parse(&to)
        && !other.contains("://")
        && !other.starts_with("//")
    {
        assert_eq!(
            (&*endpoint.host, endpoint.port),
            ("service.test", 81),
            "{to}"
        );
    }
});
