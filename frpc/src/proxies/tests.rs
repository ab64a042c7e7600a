use culvert_conf::{Strictness, parse_client};
use tokio::runtime::Handle;

use super::*;

fn config(text: &str) -> ClientConfig {
    let text = format!("user = \"u\"\n{text}");
    parse_client(&text, "test", Strictness::Strict)
        .unwrap()
        .config
}

fn tcp(name: &str, port: u16) -> String {
    format!("[[proxies]]\nname = \"{name}\"\ntype = \"tcp\"\nremotePort = {port}\n")
}

fn proxies(text: &str) -> Proxies {
    let root = Scope::root(Handle::current());
    let lent = ClientCx {
        udp_packet_size: 1500,
        virtual_net: None,
        peers: None,
    };
    Proxies::new(&config(text), &Key::derive("token"), lent, &root)
}

fn ask(proxies: &Proxies) -> Vec<String> {
    let asks = proxies.due(Instant::now()).into_iter();
    asks.map(|ask| format!("{}:{}", ask.proxy_name, ask.remote_port))
        .collect()
}

fn answer(proxies: &Proxies, name: &str, error: &str) {
    proxies.answered(NewProxyResp {
        proxy_name: name.to_owned(),
        remote_addr: ":1".to_owned(),
        error: error.to_owned(),
    });
}

fn phases(proxies: &Proxies) -> Vec<String> {
    let rows = proxies.rows().into_iter();
    rows.map(|row| format!("{} {}", row.config.name, row.phase.as_str()))
        .collect()
}

#[tokio::test]
async fn only_what_changed_is_asked_for_again() {
    let before = format!("{}{}{}", tcp("a", 1), tcp("b", 2), tcp("c", 3));
    let proxies = proxies(&before);
    assert_eq!(ask(&proxies), ["u.a:1", "u.b:2", "u.c:3"]);
    for name in ["u.a", "u.b", "u.c"] {
        answer(&proxies, name, "");
    }
    let kept = proxies.get("u.a").unwrap();
    let gone = proxies.get("u.b").unwrap();
    let after = config(&format!("{}{}{}", tcp("a", 1), tcp("b", 22), tcp("d", 4)));
    let change = proxies.update(&after.proxies);
    assert_eq!(change.added, ["b", "d"]);
    assert_eq!(change.removed, ["b", "c"]);
    let mut told = proxies.take_withdrawn();
    told.sort();
    assert_eq!(told, ["u.b", "u.c"]);
    assert_eq!(ask(&proxies), ["u.b:22", "u.d:4"]);
    assert_eq!(
        phases(&proxies),
        ["a running", "b wait start", "d wait start"]
    );
    let same = proxies.get("u.a").unwrap();
    assert!(Arc::ptr_eq(&kept.proxy, &same.proxy) && !same.scope.is_stopped());
    assert!(proxies.get("u.c").is_none());
    gone.scope.stopped().await;
    assert_eq!(proxies.update(&after.proxies), Change::default());
    assert!(proxies.take_withdrawn().is_empty() && ask(&proxies).is_empty());
}

#[tokio::test]
async fn an_answer_to_what_was_before_does_not_count() {
    let proxies = proxies(&tcp("a", 1));
    ask(&proxies);
    proxies.update(&config(&tcp("a", 2)).proxies);
    proxies.update(&config(&tcp("a", 3)).proxies);
    assert_eq!(ask(&proxies), ["u.a:3"]);
    // The server still answers the first ask, which it got before it heard of the change.
    answer(&proxies, "u.a", "port already used");
    assert_eq!(phases(&proxies), ["a wait start"]);
    answer(&proxies, "u.a", "");
    assert_eq!(phases(&proxies), ["a running"]);
    proxies.forget_answers();
    assert_eq!(phases(&proxies), ["a new"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_proxy_asks_again() {
    let proxies = proxies(&tcp("a", 1));
    ask(&proxies);
    answer(&proxies, "u.a", "port already used");
    assert_eq!(phases(&proxies), ["a start error"]);
    assert_eq!(proxies.rows()[0].phase.error(), "port already used");
    assert!(proxies.get("u.a").is_none());
    tokio::time::advance(AFTER_ERROR).await;
    assert_eq!(ask(&proxies), ["u.a:1"]);
}

#[tokio::test]
async fn a_thousand_changes_leave_nothing_behind() {
    let proxies = proxies("");
    let (one, two) = (config(&tcp("a", 1)), config(&tcp("a", 2)));
    for _ in 0..500 {
        proxies.update(&one.proxies);
        proxies.update(&two.proxies);
        ask(&proxies);
        proxies.take_withdrawn();
    }
    proxies.update(&[]);
    while proxies.root.tasks() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(proxies.rows().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_proxy_is_published_while_its_service_is_there() {
    let service = async |port| tokio::net::TcpListener::bind(("127.0.0.1", port)).await;
    let open = service(0).await.unwrap();
    let port = open.local_addr().unwrap().port();
    let check = "healthCheck.type = \"tcp\"\nhealthCheck.maxFailed = 2\n";
    let proxies = proxies(&format!("{}localPort = {port}\n{check}", tcp("a", 1)));
    // The first change is that there are proxies at all.
    proxies.changed().await;
    assert!(ask(&proxies).is_empty());
    assert_eq!(phases(&proxies), ["a new"]);
    proxies.changed().await;
    assert_eq!(ask(&proxies), ["u.a:1"]);
    answer(&proxies, "u.a", "");
    drop(open);
    proxies.changed().await;
    assert_eq!(proxies.take_withdrawn(), ["u.a"]);
    assert_eq!(phases(&proxies), ["a check failed"]);
    assert!(ask(&proxies).is_empty() && proxies.get("u.a").is_none());
    assert!(proxies.take_withdrawn().is_empty());
    let again = service(port).await.unwrap();
    proxies.changed().await;
    assert_eq!(ask(&proxies), ["u.a:1"]);
    // It goes again before the server has answered.
    drop(again);
    proxies.changed().await;
    assert_eq!(proxies.take_withdrawn(), ["u.a"]);
    let _again = service(port).await.unwrap();
    proxies.changed().await;
    assert_eq!(ask(&proxies), ["u.a:1"]);
    answer(&proxies, "u.a", "too late");
    assert_eq!(phases(&proxies), ["a wait start"]);
    answer(&proxies, "u.a", "");
    assert_eq!(phases(&proxies), ["a running"]);
}

#[tokio::test]
async fn proxies_that_another_server_publishes_are_withdrawn_and_asked_for_again() {
    let proxies = proxies(&format!("{}{}", tcp("a", 1), tcp("b", 2)));
    proxies.publish(false);
    assert!(ask(&proxies).is_empty() && proxies.take_withdrawn().is_empty());
    assert!(!proxies.are_settled());

    proxies.publish(true);
    assert_eq!(ask(&proxies), ["u.a:1", "u.b:2"]);
    answer(&proxies, "u.a", "");
    assert!(!proxies.are_settled());
    answer(&proxies, "u.b", "port taken");
    assert!(proxies.are_settled());

    proxies.publish(false);
    assert_eq!(proxies.take_withdrawn(), ["u.a"]);
    assert!(proxies.take_withdrawn().is_empty());
    assert_eq!(phases(&proxies), ["a standby", "b start error"]);
    // A user may have come before the server heard of it.
    assert!(proxies.get("u.a").is_some());
    assert!(ask(&proxies).is_empty());

    proxies.publish(true);
    assert_eq!(ask(&proxies), ["u.a:1"]);
}
