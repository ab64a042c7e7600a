use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use chrono::Local;
use culvert_conf::{Port, Secret, ServerConfig, Strictness, WebServer};
use culvert_http::web::Site;
use culvert_io::{Connected, Meter, Scope};
use culvert_program::{Door, DoorError, Product};
use culvert_proxy::Lease;
use culvert_wire::{ProxyName, RunId, Version, msg::NewProxy};
use http_body_util::Empty;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Handle,
};

use super::{View, routes};
use crate::{
    figures::{Arrived, Clients, Owner, Proxies},
    server::Settings,
};

const CONFIG: &str = "bindPort = 7001\nvhostHTTPPort = 8080\nallowPorts = [{ start = 1000, end = \
    2000 }, { single = 3000 }]\n";

fn settings(text: &str) -> Settings {
    Arc::new(Arc::new(config(text)).into())
}

fn config(text: &str) -> ServerConfig {
    culvert_conf::parse_server(text, "test", Strictness::Strict)
        .unwrap()
        .config
}

/// A server with clients and proxies, but without sessions.
struct Scene {
    site: Site,
    /// What is online.
    leases: Vec<Lease>,
    meter: Arc<Meter>,
    _connection: Connected,
}

fn web() -> WebServer {
    let text = "webServer = { port = 7500, pprofEnable = true }\nenablePrometheus = true\n";
    config(text).web_server.unwrap()
}

fn scene() -> Scene {
    let (clients, proxies) = (Arc::new(Clients::default()), Arc::new(Proxies::default()));
    let mut leases = Vec::new();
    for (user, id, run_id, wire) in [("u", "cid", "r1", Version::V2), ("", "", "r2", Version::V1)] {
        let arrived = Arrived {
            user: user.to_owned(),
            client_id: id.to_owned(),
            run_id: RunId::from(run_id),
            version: "0.70.1".to_owned(),
            wire,
            hostname: "<host>".to_owned(),
            ip: "192.0.2.7".to_owned(),
        };
        leases.push(clients.arrive(arrived, 100).unwrap());
    }
    let meter = Arc::new(Meter::new());
    let tcp = NewProxy {
        proxy_type: "tcp".to_owned(),
        remote_port: 1234,
        annotations: BTreeMap::from([("a".to_owned(), "<b>".to_owned())]),
        ..NewProxy::default()
    };
    let http = NewProxy {
        proxy_type: "http".to_owned(),
        custom_domains: vec!["a.test".to_owned()],
        bandwidth_limit: "1MB".to_owned(),
        group: "g".to_owned(),
        ..NewProxy::default()
    };
    for (name, ask, meter) in [
        ("u.t", tcp, Arc::clone(&meter)),
        ("u.w", http, Arc::default()),
    ] {
        let owner = Owner {
            user: "u".to_owned(),
            client_id: "cid".to_owned(),
        };
        leases.push(proxies.open(ProxyName::from(name), ask, owner, meter, Local::now()));
    }
    let connection = meter.connected();
    meter.add_in(113);
    meter.add_out(75);
    let view = View::new(
        settings(CONFIG),
        clients,
        proxies,
        Scope::root(Handle::current()),
    );
    Scene {
        site: routes(Arc::new(view), &web()),
        leases,
        meter,
        _connection: connection,
    }
}

impl Scene {
    async fn ask(&self, method: &str, uri: &str) -> (u16, String) {
        let request = http::Request::builder().method(method).uri(uri);
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let answer = self.site.answer(request).await;
        let body = String::from_utf8(answer.bytes().to_vec()).unwrap();
        (answer.code(), body)
    }

    async fn get(&self, uri: &str) -> String {
        let (code, body) = self.ask("GET", uri).await;
        assert_eq!(code, 200, "{uri}: {body}");
        body
    }
}

/// The forms are those that frp 0.70.1 answered when it was asked.
#[tokio::test]
async fn the_server_tells_about_itself() {
    let scene = scene();
    let status = "\"totalTrafficIn\":113,\"totalTrafficOut\":75,\"curConns\":1,\
        \"clientCounts\":2,\"proxyTypeCount\":{\"http\":1,\"tcp\":1}}";
    let config = "\"bindPort\":7001,\"vhostHTTPPort\":8080,\"vhostHTTPSPort\":0,\
        \"tcpmuxHTTPConnectPort\":0,\"kcpBindPort\":0,\"quicBindPort\":0,\"subdomainHost\":\"\",\
        \"maxPoolCount\":5,\"maxPortsPerClient\":0,\"heartbeatTimeout\":-1,\
        \"allowPortsStr\":\"1000-2000,3000\"";
    let v1 = format!("{{\"version\":\"0.70.1\",{config},{status}\n");
    assert_eq!(scene.get("/api/serverinfo").await, v1);
    let v2 = format!(
        "{{\"code\":200,\"msg\":\"success\",\"data\":{{\"version\":\"0.70.1\",\
        \"config\":{{{config},\"tlsForce\":false}},\"status\":{{{status}}}}}\n"
    );
    assert_eq!(scene.get("/api/v2/system/info").await, v2);
}

#[tokio::test]
async fn clients_are_listed_and_found() {
    let mut scene = scene();
    let named = "{\"key\":\"u.cid\",\"user\":\"u\",\"clientID\":\"cid\",\"runID\":\"r1\",\
        \"version\":\"0.70.1\",\"wireProtocol\":\"v2\",\"hostname\":\"\\u003chost\\u003e\",\
        \"clientIP\":\"192.0.2.7\",\"firstConnectedAt\":100,\"lastConnectedAt\":100,\
        \"online\":true";
    let all = scene.get("/api/clients").await;
    assert!(all.starts_with("[{\"key\":\"r2\""), "{all}");
    assert!(all.contains("\"clientID\":\"r2\""), "{all}");
    assert_eq!(
        scene.get("/api/clients?user=u").await,
        format!("[{named}}}]\n")
    );
    assert_eq!(scene.get("/api/clients?status=Offline").await, "[]\n");
    assert_eq!(
        scene.get("/api/clients/u.cid").await,
        format!("{named}}}\n")
    );
    let lost = scene.ask("GET", "/api/clients/nope").await;
    let text = "{\"Code\":404,\"Msg\":\"client nope not found\"}\n";
    assert_eq!(lost, (404, text.to_owned()));
    let detail = scene.get("/api/v2/clients/u.cid").await;
    let status = ",\"status\":{\"phase\":\"online\",\"curConns\":1,\"proxyCount\":2}}}\n";
    assert!(detail.ends_with(status), "{detail}");
    scene.leases.clear();
    let left = scene.get("/api/clients").await;
    assert!(left.starts_with("[{\"key\":\"u.cid\""), "{left}");
    assert!(left.contains("\"runID\":\"\""), "{left}");
    assert!(left.contains("\"disconnectedAt\":"), "{left}");
}

#[tokio::test]
async fn proxies_are_listed_and_found() {
    let mut scene = scene();
    let conf = "\"conf\":{\"name\":\"u.t\",\"type\":\"tcp\",\
        \"annotations\":{\"a\":\"\\u003cb\\u003e\"},\"transport\":{\"bandwidthLimit\":\"\",\
        \"bandwidthLimitMode\":\"client\"},\"loadBalancer\":{\"group\":\"\"},\
        \"healthCheck\":{\"type\":\"\",\"intervalSeconds\":0},\"localIP\":\"127.0.0.1\",\
        \"plugin\":null,\"remotePort\":1234},\"user\":\"u\",\"clientID\":\"cid\",\
        \"todayTrafficIn\":113,\"todayTrafficOut\":75,\"curConns\":1,\"lastStartTime\":";
    let tcp = scene.get("/api/proxy/tcp").await;
    assert!(
        tcp.starts_with(&format!("{{\"proxies\":[{{\"name\":\"u.t\",{conf}")),
        "{tcp}"
    );
    assert!(
        tcp.ends_with("\"lastCloseTime\":\"\",\"status\":\"online\"}]}\n"),
        "{tcp}"
    );
    assert!(scene.get("/api/proxies/u.t").await.contains(conf));
    assert!(scene.get("/api/proxy/tcp/u.t").await.contains(conf));
    let web = scene.get("/api/proxy/http").await;
    let own = "\"customDomains\":[\"a.test\"],\"locations\":null,\"hostHeaderRewrite\":\"\"}";
    assert!(web.contains(own), "{web}");
    assert_eq!(scene.get("/api/proxy/zz").await, "{\"proxies\":[]}\n");
    let text = "{\"Code\":404,\"Msg\":\"no proxy info found\"}\n";
    let lost = (404, text.to_owned());
    assert_eq!(scene.ask("GET", "/api/proxy/udp/u.t").await, lost);
    assert_eq!(scene.ask("GET", "/api/traffic/nope").await, lost);
    let history = "{\"name\":\"u.t\",\"trafficIn\":[113,0,0,0,0,0,0],\
        \"trafficOut\":[75,0,0,0,0,0,0]}\n";
    assert_eq!(scene.get("/api/traffic/u.t").await, history);
    scene.leases.clear();
    let offline = scene.get("/api/proxies/u.t").await;
    assert!(
        offline.starts_with("{\"name\":\"u.t\",\"conf\":null,\"user\":\"u\""),
        "{offline}"
    );
    assert!(offline.ends_with("\"status\":\"offline\"}\n"), "{offline}");
}

#[tokio::test]
async fn version_2_has_the_specification_under_its_type() {
    let mut scene = scene();
    let spec = "\"spec\":{\"type\":\"tcp\",\"tcp\":{\"annotations\":{\"a\":\"\\u003cb\\u003e\"},\
        \"transport\":{\"useEncryption\":false,\"useCompression\":false,\"bandwidthLimit\":\"\",\
        \"bandwidthLimitMode\":\"client\"},\"loadBalancer\":{\"group\":\"\"},\
        \"remotePort\":1234}},\"status\":{\"phase\":\"online\",\"todayTrafficIn\":113,\
        \"todayTrafficOut\":75,\"curConns\":1,\"lastStartAt\":";
    let tcp = scene.get("/api/v2/proxies/u%2Et").await;
    assert!(tcp.contains(spec), "{tcp}");
    let found = scene.get("/api/v2/proxies?q=A.TEST&pageSize=1").await;
    assert!(
        found.contains("\"total\":1,\"page\":1,\"pageSize\":1"),
        "{found}"
    );
    assert!(
        found.contains("\"customDomains\":[\"a.test\"]}}"),
        "{found}"
    );
    let second = scene.get("/api/v2/proxies?page=2&pageSize=1").await;
    assert!(second.contains("\"name\":\"u.t\""), "{second}");
    let beyond = scene.get("/api/v2/proxies?page=9").await;
    assert!(beyond.ends_with("\"total\":2,\"page\":9,\"pageSize\":50,\"items\":[]}}\n"));
    let none = scene.get("/api/v2/proxies?user=").await;
    assert!(none.contains("\"total\":0"), "{none}");
    let users = scene.get("/api/v2/users").await;
    let items = "\"items\":[{\"user\":\"\",\"clientCount\":1,\"proxyCount\":0},\
        {\"user\":\"u\",\"clientCount\":1,\"proxyCount\":2}]";
    assert!(users.contains(items), "{users}");
    let history = scene.get("/api/v2/proxies/u.t/traffic").await;
    let today = Local::now().format("%Y-%m-%d");
    let last = format!("{{\"date\":\"{today}\",\"trafficIn\":113,\"trafficOut\":75}}]}}}}\n");
    assert!(history.ends_with(&last), "{history}");
    scene.leases.clear();
    let offline = scene.get("/api/v2/proxies/u.t").await;
    let spec = "\"spec\":{\"type\":\"tcp\",\"tcp\":{}},\"status\":{\"phase\":\"offline\"";
    assert!(offline.contains(spec), "{offline}");
}

#[tokio::test]
async fn version_2_says_what_is_wrong() {
    let scene = scene();
    for (method, uri, code, msg) in [
        (
            "GET",
            "/api/v2/clients?page=0",
            400,
            "page must be a positive integer",
        ),
        (
            "GET",
            "/api/v2/clients?pageSize=x",
            400,
            "pageSize must be a positive integer",
        ),
        (
            "GET",
            "/api/v2/users?pageSize=201",
            400,
            "pageSize must be between 1 and 200",
        ),
        (
            "GET",
            "/api/v2/users?page=9223372036854775807",
            400,
            "page is too large",
        ),
        (
            "GET",
            "/api/v2/clients?status=x",
            400,
            "status must be one of all, online, offline",
        ),
        (
            "GET",
            "/api/v2/proxies?type=x",
            400,
            "type must be one of tcp, udp, http, https, tcpmux, stcp, xtcp, sudp",
        ),
        ("GET", "/api/v2/clients/%zz", 400, "invalid client key"),
        ("GET", "/api/v2/clients/a%2Fb", 404, "client a/b not found"),
        ("GET", "/api/v2/proxies/%ff", 400, "invalid proxy name"),
        (
            "GET",
            "/api/v2/proxies/no/traffic",
            404,
            "no proxy info found",
        ),
        ("POST", "/api/v2/system/prune", 400, "type is required"),
        (
            "POST",
            "/api/v2/system/prune?type=x",
            400,
            "type must be one of offline_proxies",
        ),
    ] {
        let body = format!("{{\"code\":{code},\"msg\":\"{msg}\",\"data\":null}}\n");
        assert_eq!(scene.ask(method, uri).await, (code, body), "{uri}");
    }
}

#[tokio::test]
async fn offline_proxies_are_pruned_in_both_versions() {
    let mut scene = scene();
    let refused = scene.ask("DELETE", "/api/proxies").await;
    let text = "{\"Code\":400,\"Msg\":\"status only support offline\"}\n";
    assert_eq!(refused, (400, text.to_owned()));
    drop(scene.leases.pop());
    let pruned = scene
        .ask("POST", "/api/v2/system/prune?type=offline_proxies")
        .await;
    let data = "{\"type\":\"offline_proxies\",\"cleared\":1,\"total\":2}";
    assert!(pruned.1.contains(data), "{pruned:?}");
    drop(scene.leases.pop());
    let cleared = scene.ask("DELETE", "/api/proxies?status=offline").await;
    let text = "{\"Code\":200,\"Msg\":\"success\"}\n";
    assert_eq!(cleared, (200, text.to_owned()));
    assert_eq!(scene.ask("GET", "/api/proxies/u.t").await.0, 404);
}

#[tokio::test]
async fn metrics_have_the_names_of_upstream() {
    let mut scene = scene();
    let online = scene.get("/metrics").await;
    let expected = "\
# HELP frp_server_client_counts The current client counts of frps
# TYPE frp_server_client_counts gauge
frp_server_client_counts 2
# HELP frp_server_connection_counts The current connection counts
# TYPE frp_server_connection_counts gauge
frp_server_connection_counts{name=\"u.t\",type=\"tcp\"} 1
# HELP frp_server_proxy_counts The current proxy counts
# TYPE frp_server_proxy_counts gauge
frp_server_proxy_counts{type=\"http\"} 1
frp_server_proxy_counts{type=\"tcp\"} 1
# HELP frp_server_proxy_counts_detailed The current number of proxies grouped by type and name
# TYPE frp_server_proxy_counts_detailed gauge
frp_server_proxy_counts_detailed{name=\"u.w\",type=\"http\"} 1
frp_server_proxy_counts_detailed{name=\"u.t\",type=\"tcp\"} 1
# HELP frp_server_traffic_in The total in traffic
# TYPE frp_server_traffic_in counter
frp_server_traffic_in{name=\"u.t\",type=\"tcp\"} 113
# HELP frp_server_traffic_out The total out traffic
# TYPE frp_server_traffic_out counter
frp_server_traffic_out{name=\"u.t\",type=\"tcp\"} 75
";
    let (upstreams, own) = online.split_at(expected.len());
    assert_eq!(upstreams, expected);
    for line in [
        "frps_work_conns_parked 0\n",
        "frps_work_conns_acquired_total{result=\"hit\"} 0\n",
        "frps_work_conn_acquire_seconds_count 0\n",
        "frps_relayed_bytes_total{path=\"splice\"} ",
        "frps_handshake_seconds_bucket{layer=\"tls\",le=\"+Inf\"} 0\n",
        "frps_refused_peers_total{reason=\"login\"} 0\n",
        "frps_mux_window_stalls_total 0\n",
        "process_start_time_seconds ",
    ] {
        assert!(own.contains(line), "{line}: {own}");
    }
    scene.leases.clear();
    scene.meter.add_in(1);
    let offline = scene.get("/metrics").await;
    for line in [
        "frp_server_client_counts 0\n",
        "frp_server_proxy_counts{type=\"tcp\"} 0\n",
        "frp_server_proxy_counts_detailed{name=\"u.t\",type=\"tcp\"} 0\n",
        "frp_server_traffic_in{name=\"u.t\",type=\"tcp\"} 114\n",
    ] {
        assert!(offline.contains(line), "{offline}");
    }
}

#[tokio::test]
async fn tools_find_counts_in_place_of_goroutines() {
    let scene = scene();
    let counts = "tasks: 0\nclients: 2\nconnections: 1\n";
    let asked = scene.get("/debug/pprof/goroutine?debug=2").await;
    assert_eq!(asked, counts);
    assert_eq!(scene.ask("GET", "/debug/pprof/").await.0, 200);
    assert_eq!(scene.ask("GET", "/debug/pprof/heap").await.0, 501);
}

#[tokio::test]
async fn a_port_is_served_with_its_pages_and_asks_for_the_password() {
    // The port is chosen by the system and let go; then the dashboard takes it.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = free.local_addr().unwrap();
    let mut web = web();
    web.port = Port::new(at.port()).unwrap();
    web.password = Secret::new("secret");
    let clash = Door::bind(Product::Frps, Some(&web)).await.unwrap_err();
    assert!(matches!(clash, DoorError::Listen(_)));
    let text = format!("listen tcp {at}: bind: address already in use");
    assert!(clash.to_string().starts_with(&text), "{clash}");
    drop(free);
    let door = Door::bind(Product::Frps, Some(&web))
        .await
        .unwrap()
        .unwrap();
    let scope = Scope::root(Handle::current());
    let view = View::new(settings(""), Arc::default(), Arc::default(), scope.clone());
    let view = Arc::new(view);
    scope.spawn(door.accept(routes(view, &web), scope.clone()));
    for (path, header, status) in [
        ("/healthz", "", "200"),
        ("/api/clients", "", "401"),
        ("/", "", "401"),
        ("/static/", "Authorization: Basic OnNlY3JldA==\r\n", "200"),
        (
            "/api/clients",
            "Authorization: Basic OnNlY3JldA==\r\n",
            "200",
        ),
    ] {
        let mut socket = TcpStream::connect(at).await.unwrap();
        let ask = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n");
        socket.write_all(ask.as_bytes()).await.unwrap();
        let mut got = String::new();
        socket.read_to_string(&mut got).await.unwrap();
        assert!(
            got.starts_with(&format!("HTTP/1.1 {status} ")),
            "{path}: {got}"
        );
    }
    scope.stop();
}
