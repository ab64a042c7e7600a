//! Each expected text is what frpc 0.70.1 sent for the same configuration, with `user = "ann"`.

use bytes::BytesMut;
use culvert_conf::{
    Backend, Bandwidth, HttpsProxy, LoadBalancer, ProxyProtocol, Secret, SecretProxy, TcpMuxProxy,
    XtcpProxy,
};
use culvert_wire::Codec;

use super::*;

fn proxy(name: &str, kind: ProxyKind) -> ProxyConfig {
    ProxyConfig {
        name: name.to_owned(),
        transport: ProxyTransport::default(),
        load_balancer: None,
        health_check: None,
        annotations: [].into(),
        metadatas: [].into(),
        backend: Backend::Local {
            ip: "127.0.0.1".to_owned(),
            port: 1,
        },
        kind,
    }
}

fn map(key: &str, value: &str) -> std::collections::BTreeMap<String, String> {
    [(key.to_owned(), value.to_owned())].into()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn json(proxy: &ProxyConfig, user: &str) -> String {
    let mut out = BytesMut::new();
    Codec::V1
        .encode(&new_proxy(proxy, user).into(), &mut out)
        .unwrap();
    assert_eq!(out[0], b'p');
    String::from_utf8(out[9..].to_vec()).unwrap()
}

#[test]
fn a_proxy_with_every_common_key() {
    let proxy = ProxyConfig {
        transport: ProxyTransport {
            use_encryption: true,
            use_compression: true,
            bandwidth_limit: Bandwidth::parse("1MB").unwrap(),
            bandwidth_limit_mode: BandwidthLimitMode::Server,
            proxy_protocol: None,
        },
        load_balancer: Some(LoadBalancer {
            group: "g".to_owned(),
            group_key: Secret::new("gk"),
        }),
        metadatas: map("a", "b"),
        annotations: map("k", "v"),
        ..proxy("tcp", ProxyKind::Tcp { remote_port: 6000 })
    };
    assert_eq!(
        json(&proxy, "ann"),
        r#"{"proxy_name":"ann.tcp","proxy_type":"tcp","use_encryption":true,"use_compression":true,"bandwidth_limit":"1MB","bandwidth_limit_mode":"server","group":"g","group_key":"gk","metas":{"a":"b"},"annotations":{"k":"v"},"remote_port":6000}"#
    );
}

#[test]
fn what_concerns_the_client_alone_is_not_sent() {
    let proxy = ProxyConfig {
        transport: ProxyTransport {
            bandwidth_limit: Bandwidth::parse("512KB").unwrap(),
            proxy_protocol: Some(ProxyProtocol::V2),
            ..ProxyTransport::default()
        },
        ..proxy("tcp2", ProxyKind::Tcp { remote_port: 0 })
    };
    assert_eq!(
        json(&proxy, "ann"),
        r#"{"proxy_name":"ann.tcp2","proxy_type":"tcp","bandwidth_limit":"512KB"}"#
    );
}

#[test]
fn http_with_every_key() {
    let site = HttpProxy {
        custom_domains: words(&["a.test", "b.test"]),
        subdomain: "s".to_owned(),
        locations: words(&["/", "/x"]),
        http_user: "u".to_owned(),
        http_password: Secret::new("p"),
        host_header_rewrite: "in.test".to_owned(),
        request_headers: map("x-a", "1"),
        response_headers: map("x-b", "<2>"),
        route_by_http_user: "r".to_owned(),
    };
    assert_eq!(
        json(&proxy("http", ProxyKind::Http(site)), "ann"),
        r#"{"proxy_name":"ann.http","proxy_type":"http","custom_domains":["a.test","b.test"],"subdomain":"s","locations":["/","/x"],"http_user":"u","http_pwd":"p","host_header_rewrite":"in.test","headers":{"x-a":"1"},"response_headers":{"x-b":"\u003c2\u003e"},"route_by_http_user":"r"}"#
    );
}

#[test]
fn the_other_kinds() {
    let https = HttpsProxy {
        custom_domains: words(&["c.test"]),
        subdomain: String::new(),
    };
    let tcpmux = TcpMuxProxy {
        custom_domains: words(&["d.test"]),
        http_user: "u".to_owned(),
        http_password: Secret::new("p"),
        route_by_http_user: "r".to_owned(),
        ..TcpMuxProxy::default()
    };
    let stcp = SecretProxy {
        secret_key: Secret::new("k"),
        allow_users: words(&["*"]),
    };
    let sudp = SecretProxy {
        secret_key: Secret::new("k"),
        allow_users: Vec::new(),
    };
    let xtcp = XtcpProxy {
        secret_key: Secret::new("k"),
        ..XtcpProxy::default()
    };
    for (name, kind, expected) in [
        (
            "udp",
            ProxyKind::Udp { remote_port: 6001 },
            r#"{"proxy_name":"ann.udp","proxy_type":"udp","remote_port":6001}"#,
        ),
        (
            "https",
            ProxyKind::Https(https),
            r#"{"proxy_name":"ann.https","proxy_type":"https","custom_domains":["c.test"]}"#,
        ),
        (
            "tcpmux",
            ProxyKind::TcpMux(tcpmux),
            r#"{"proxy_name":"ann.tcpmux","proxy_type":"tcpmux","custom_domains":["d.test"],"http_user":"u","http_pwd":"p","route_by_http_user":"r","multiplexer":"httpconnect"}"#,
        ),
        (
            "stcp",
            ProxyKind::Stcp(stcp),
            r#"{"proxy_name":"ann.stcp","proxy_type":"stcp","sk":"k","allow_users":["*"]}"#,
        ),
        (
            "sudp",
            ProxyKind::Sudp(sudp),
            r#"{"proxy_name":"ann.sudp","proxy_type":"sudp","sk":"k"}"#,
        ),
        (
            "xtcp",
            ProxyKind::Xtcp(xtcp),
            r#"{"proxy_name":"ann.xtcp","proxy_type":"xtcp","sk":"k"}"#,
        ),
    ] {
        assert_eq!(json(&proxy(name, kind), "ann"), expected);
    }
}

#[test]
fn a_name_without_user_is_bare() {
    assert_eq!(wire_name("", "web"), "web");
    assert_eq!(wire_name("ann", "web"), "ann.web");
}
