use std::{net::SocketAddr, sync::Arc, time::Duration};

use culvert_conf::{HttpPlugin, PluginOp};
use culvert_io::Scope;
use culvert_wire::msg::{Login, NewProxy, Ping};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
};

use super::{HookError, Hooks, UserInfo};

/// What a plugin was asked: its request head and its body.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// A plugin that answers every question with `answer` and notes what it was asked.
async fn plugin(scope: &Scope, ops: &[PluginOp], answer: &str) -> (HttpPlugin, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let asked = Asked::default();
    let (notes, answer, tasks) = (Arc::clone(&asked), answer.to_owned(), scope.clone());
    scope.spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tasks.spawn(serve(socket, Arc::clone(&notes), answer.clone()));
        }
    });
    let entry = HttpPlugin {
        name: "test".to_owned(),
        addr: addr.to_string(),
        path: "/handler".to_owned(),
        ops: ops.to_vec(),
        tls_verify: false,
    };
    (entry, asked)
}

async fn serve(mut socket: TcpStream, notes: Asked, answer: String) {
    let mut seen = Vec::new();
    while socket.read_buf(&mut seen).await.is_ok_and(|n| n > 0) {
        let text = String::from_utf8_lossy(&seen);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let Ok(body) = serde_json::from_str(body) else {
            continue;
        };
        notes.lock().push((head.to_owned(), body));
        seen.clear();
        if !answer.is_empty() {
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}

fn ok(body: &Value) -> String {
    let body = body.to_string();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn root() -> Scope {
    Scope::root(Handle::current())
}

fn hooks(entries: &[HttpPlugin], scope: &Scope) -> Arc<Hooks> {
    Arc::new(Hooks::new(entries, scope.clone()).unwrap())
}

fn someone() -> UserInfo {
    UserInfo::new(
        "u",
        &[("k".to_owned(), "v".to_owned())].into(),
        "0123456789abcdef",
    )
}

#[tokio::test]
async fn a_plugin_sees_what_the_one_before_it_made() {
    let scope = root();
    let ops = [PluginOp::NewProxy];
    let changed = json!({"content": {
        "user": {"user": "u", "metas": null, "run_id": "r"},
        "proxy_name": "p", "proxy_type": "tcp", "remote_port": 81, "use_encryption": null,
    }});
    let (first, first_asked) = plugin(&scope, &ops, &ok(&changed)).await;
    let (second, second_asked) = plugin(&scope, &ops, &ok(&json!({"unchange": true}))).await;
    let hooks = hooks(&[first, second], &scope);
    let ask = NewProxy {
        proxy_name: "p".to_owned(),
        proxy_type: "tcp".to_owned(),
        remote_port: 80,
        ..NewProxy::default()
    };
    let got = hooks.new_proxy(&someone(), ask).await.unwrap();
    assert_eq!(got.remote_port, 81);
    let (head, body) = first_asked.lock().pop().unwrap();
    let line = head.lines().next().unwrap();
    assert_eq!(line, "POST /handler?op=NewProxy&version=0.1.0 HTTP/1.1");
    let id = head
        .lines()
        .find_map(|line| line.strip_prefix("X-Frp-Reqid: "));
    assert_eq!(id.unwrap().len(), 16);
    assert!(head.contains("Content-Type: application/json"), "{head}");
    let expected = json!({"version": "0.1.0", "op": "NewProxy", "content": {
        "user": {"user": "u", "metas": {"k": "v"}, "run_id": "0123456789abcdef"},
        "proxy_name": "p", "proxy_type": "tcp", "remote_port": 80,
    }});
    assert_eq!(body, expected);
    let (_, body) = second_asked.lock().pop().unwrap();
    assert_eq!(body["content"]["remote_port"], 81);
    assert_eq!(body["content"]["user"]["metas"], Value::Null);
}

#[tokio::test]
async fn a_login_tells_where_it_comes_from() {
    let scope = root();
    let (entry, asked) = plugin(&scope, &[PluginOp::Login], &ok(&json!({"unchange": true}))).await;
    let hooks = hooks(&[entry], &scope);
    let login = Login {
        user: "alice".to_owned(),
        ..Login::default()
    };
    let from: SocketAddr = "[::ffff:192.0.2.1]:9".parse().unwrap();
    assert_eq!(hooks.login(login.clone(), from).await.unwrap(), login);
    let (_, body) = asked.lock().pop().unwrap();
    assert_eq!(body["content"]["client_address"], "192.0.2.1:9");
    assert_eq!(body["content"]["user"], "alice");
    assert_eq!(body["content"]["client_spec"], json!({}));
}

#[tokio::test]
async fn silence_about_changes_empties_the_content() {
    let scope = root();
    let (entry, _) = plugin(&scope, &[PluginOp::Ping], &ok(&json!({}))).await;
    let ping = Ping {
        privilege_key: "k".to_owned(),
        timestamp: 1,
    };
    let got = hooks(&[entry], &scope).ping(&someone(), ping).await;
    assert_eq!(got, Ok(Ping::default()));
}

#[tokio::test]
async fn a_plugin_refuses_in_its_own_words() {
    let scope = root();
    for (said, told) in [
        ("not you", "not you".to_owned()),
        ("", "rejected by a plugin of the server".to_owned()),
        (&"x".repeat(5000), "x".repeat(1024)),
    ] {
        let answer = ok(&json!({"reject": true, "reject_reason": said}));
        let (entry, _) = plugin(&scope, &[PluginOp::NewUserConn], &answer).await;
        let from = ([192, 0, 2, 1], 9).into();
        let refused = hooks(&[entry], &scope)
            .new_user_conn(&someone(), ("p", "tcp"), from)
            .await;
        assert_eq!(refused, Err(HookError::Rejected(told)));
    }
}

#[tokio::test]
async fn whatever_is_no_answer_refuses() {
    let scope = root();
    let long = format!("{{\"unchange\": true, \"x\": \"{}\"}}", "x".repeat(300_000));
    for answer in [
        "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"reject\"".to_owned(),
        ok(&json!({"content": {"timestamp": "soon"}})),
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{long}",
            long.len()
        ),
        "220 smtp.test ESMTP\r\n".to_owned(),
    ] {
        let (entry, _) = plugin(&scope, &[PluginOp::Ping], &answer).await;
        let refused = hooks(&[entry], &scope)
            .ping(&someone(), Ping::default())
            .await;
        let error = refused.unwrap_err();
        assert_eq!(error.to_string(), "send Ping request to plugin error");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_hangs_costs_the_time_limit() {
    let scope = root();
    let (entry, _) = plugin(&scope, &[PluginOp::Ping], "").await;
    let hooks = hooks(&[entry.clone(), entry], &scope);
    let begun = tokio::time::Instant::now();
    let refused = hooks.ping(&someone(), Ping::default()).await;
    assert_eq!(refused, Err(HookError::Unanswered("Ping")));
    assert_eq!(begun.elapsed().as_secs(), 8);
}

#[tokio::test]
async fn an_ended_proxy_is_told_and_nobody_waits() {
    let scope = root();
    let (entry, asked) = plugin(&scope, &[PluginOp::CloseProxy], &ok(&json!({}))).await;
    let hooks = hooks(&[entry], &scope.child(tracing::Span::none()));
    hooks.proxy_closed(&someone(), "p");
    hooks.close(Duration::from_secs(5)).await;
    let (_, body) = asked.lock().pop().unwrap();
    assert_eq!(body["content"]["proxy_name"], "p");
}

#[tokio::test]
async fn who_is_not_asked_changes_nothing() {
    let scope = root();
    let (entry, asked) = plugin(&scope, &[PluginOp::Login], "").await;
    let hooks = hooks(&[entry], &scope);
    let ping = Ping {
        timestamp: 7,
        ..Ping::default()
    };
    assert_eq!(hooks.ping(&someone(), ping.clone()).await, Ok(ping));
    hooks.proxy_closed(&someone(), "p");
    assert!(asked.lock().is_empty());
}

#[tokio::test]
async fn an_address_that_is_none_is_told_at_the_start() {
    let entry = HttpPlugin {
        name: "bad".to_owned(),
        addr: "ftp://a.test".to_owned(),
        path: String::new(),
        ops: Vec::new(),
        tls_verify: false,
    };
    let (name, error) = Hooks::new(&[entry], root()).unwrap_err();
    assert_eq!(name, "bad");
    assert!(error.to_string().starts_with("unsupported protocol scheme"));
}
