use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use culvert_conf::HealthProbe;
use culvert_io::Scope;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    runtime::Handle,
    sync::mpsc,
};

use super::*;

#[test]
fn a_success_forgets_failures() {
    let mut health = Health::default();
    let checks = [
        // It is not there until it answers, however often it fails.
        (false, None),
        (false, None),
        (true, Some(true)),
        (true, None),
        (false, None),
        (true, None),
        (false, None),
        (false, Some(false)),
        (false, None),
        (true, Some(true)),
    ];
    for (n, (success, changed)) in checks.into_iter().enumerate() {
        assert_eq!(health.note(success, 2), changed, "check {n}");
    }
}

fn http(path: &str, headers: &[(&str, &str)]) -> HealthProbe {
    HealthProbe::Http {
        path: path.to_owned(),
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A service that answers each request by its first line and tells what it was sent.
fn answers(
    scope: &Scope,
    listener: TcpListener,
    answer: fn(&str) -> &str,
) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel(16);
    scope.spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut seen = Vec::new();
            while !seen.ends_with(b"\r\n\r\n") {
                socket.read_buf(&mut seen).await.unwrap();
            }
            let seen = String::from_utf8(seen).unwrap();
            let head = answer(seen.lines().next().unwrap());
            tell.send(seen.clone()).await.unwrap();
            socket.write_all(head.as_bytes()).await.unwrap();
        }
    });
    told
}

const LIMIT: Duration = Duration::from_secs(5);

async fn check(scope: &Scope, probe: &HealthProbe, port: u16) -> Result<(), String> {
    let probe = Probe::new(probe, "127.0.0.1", port).unwrap();
    let found = probe.check(LIMIT, scope).await;
    found.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_port_that_opens_is_well() {
    let scope = Scope::root(Handle::current());
    let (open, port) = listener().await;
    check(&scope, &HealthProbe::Tcp, port).await.unwrap();
    drop(open);
    let error = check(&scope, &HealthProbe::Tcp, port).await.unwrap_err();
    let expected = format!("dial tcp 127.0.0.1:{port}: ");
    assert!(error.starts_with(&expected), "{error}");
    scope.close(Duration::ZERO).await;
}

#[tokio::test]
async fn a_request_needs_an_answer_of_2xx() {
    let scope = Scope::root(Handle::current());
    let (listener, port) = listener().await;
    let mut told = answers(&scope, listener, |line| match line {
        "GET /ok?x=1 HTTP/1.1" => "HTTP/1.1 204 No Content\r\n\r\n",
        // The answer's end is not waited for.
        "GET /long HTTP/1.1" => "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nbegin",
        "GET /moved HTTP/1.1" => {
            "HTTP/1.1 302 Found\r\nlocation: /ok?x=1\r\ncontent-length: 0\r\n\r\n"
        }
        "GET /round HTTP/1.1" => {
            "HTTP/1.1 301 Moved\r\nlocation: round\r\ncontent-length: 0\r\n\r\n"
        }
        "GET /gone HTTP/1.1" => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        _ => "nonsense\r\n\r\n",
    });
    let headers = [("Host", "web.test"), ("x-probe", "yes")];
    check(&scope, &http("ok?x=1", &headers), port)
        .await
        .unwrap();
    let sent = told.recv().await.unwrap().to_ascii_lowercase();
    assert!(sent.contains("\r\nhost: web.test\r\n"), "{sent}");
    assert!(sent.contains("\r\nx-probe: yes\r\n"), "{sent}");
    for path in ["/long", "/moved"] {
        check(&scope, &http(path, &[]), port).await.unwrap();
        let sent = told.recv().await.unwrap().to_ascii_lowercase();
        assert!(
            sent.contains(&format!("\r\nhost: 127.0.0.1:{port}\r\n")),
            "{sent}"
        );
    }
    let error = check(&scope, &http("/gone", &[]), port).await.unwrap_err();
    assert_eq!(error, "do http health check, StatusCode is [404] not 2xx");
    told.recv().await.unwrap();
    told.recv().await.unwrap();
    check(&scope, &http("/x", &[]), port).await.unwrap_err();
    while told.try_recv().is_ok() {}
    let error = check(&scope, &http("/round", &[]), port).await.unwrap_err();
    assert_eq!(error, "stopped after 10 redirects");
    scope.close(Duration::ZERO).await;
}

#[tokio::test]
async fn a_service_that_is_silent_costs_one_check_its_time() {
    let scope = Scope::root(Handle::current());
    let (_silent, port) = listener().await;
    let probe = Probe::new(&http("/", &[]), "127.0.0.1", port).unwrap();
    let limit = Duration::from_millis(20);
    let error = probe.check(limit, &scope).await.unwrap_err();
    assert!(error.to_string().contains("within 20ms"), "{error}");
    assert_eq!(scope.close(LIMIT).await, 0);
}

#[test]
fn what_cannot_be_sent_is_refused() {
    for (probe, expected) in [
        (http("/a b", &[]), "healthCheck.path [/a b]: not a URL"),
        (
            http("/", &[("a b", "")]),
            "invalid healthCheck header [a b]",
        ),
    ] {
        let error = Probe::new(&probe, "::1", 1).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

/// The service goes and comes back at the same address.
#[tokio::test]
async fn changes_are_told_once_each() {
    let scope = Scope::root(Handle::current());
    let (open, port) = listener().await;
    let checks = HealthChecks::new(
        HealthCheck {
            probe: HealthProbe::Tcp,
            timeout: LIMIT,
            max_failed: 2,
            interval: Duration::from_millis(1),
        },
        "127.0.0.1",
        port,
    )
    .unwrap();
    let (tell, mut told) = mpsc::channel(16);
    let inner = scope.clone();
    scope.spawn(async move {
        checks
            .run(&inner, |good| tell.try_send(good).unwrap())
            .await;
    });
    assert_eq!(told.recv().await, Some(true));
    drop(open);
    assert_eq!(told.recv().await, Some(false));
    let again = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let _open = TcpListener::bind(again).await.unwrap();
    assert_eq!(told.recv().await, Some(true));
    scope.close(Duration::ZERO).await;
    assert!(told.try_recv().is_err());
}
