//! HTTP/2 with prior knowledge, from a real client.

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::TokioIo;

use super::fixture::{World, mirror};
use crate::{HttpRules, reverse::serve::InScope};

async fn client(world: &World) -> SendRequest<Full<Bytes>> {
    let io = TokioIo::new(world.user().0);
    let (sender, connection) = Builder::new(InScope(world.scope.clone()))
        .handshake(io)
        .await
        .unwrap();
    world.scope.spawn(async move { drop(connection.await) });
    sender
}

async fn text(sender: &mut SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> String {
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.version()),
        (200, Version::HTTP_2)
    );
    String::from_utf8(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

fn request(method: &str, body: &'static [u8]) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri("http://a.test/path?q")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .body(Full::new(Bytes::from_static(body)))
        .unwrap()
}

#[tokio::test]
async fn get_and_post_reach_the_service_as_http_1() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), mirror);
    let mut sender = client(&world).await;
    let seen = text(&mut sender, request("GET", b"")).await;
    assert!(seen.starts_with("GET /path?q HTTP/1.1\r\n"), "{seen}");
    for line in [
        "Host: a.test\r\n",
        "Cookie: a=1; b=2\r\n",
        "X-Forwarded-Host: a.test\r\n",
    ] {
        assert!(seen.contains(line), "{seen}");
    }
    let seen = text(&mut sender, request("POST", b"hello")).await;
    assert!(seen.starts_with("POST /path?q HTTP/1.1\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\nhello"), "{seen}");
    assert_eq!(session.opened(), 1);
}

#[tokio::test]
async fn many_requests_at_once() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), mirror);
    let sender = client(&world).await;
    let mut all = Vec::new();
    for _ in 0..20 {
        let mut sender = sender.clone();
        let (done, answered) = tokio::sync::oneshot::channel();
        world.scope.spawn(async move {
            let _receiver = done.send(text(&mut sender, request("POST", b"hello")).await);
        });
        all.push(answered);
    }
    for answered in all {
        assert!(answered.await.unwrap().ends_with("hello"));
    }
    assert!(session.opened() <= 20);
}

#[tokio::test]
async fn a_miss_and_credentials_are_as_in_http_1() {
    let world = World::new();
    let rules = HttpRules::default().with_auth(crate::Credentials::new("alice", "secret"));
    world.proxy("a.test", rules, mirror);
    let mut sender = client(&world).await;
    let refused = sender.send_request(request("GET", b"")).await.unwrap();
    assert_eq!(
        refused.status(),
        401,
        "an authority does not make it a proxy's request"
    );
    let mut miss = request("GET", b"");
    *miss.uri_mut() = "http://nobody.test/".parse().unwrap();
    assert_eq!(sender.send_request(miss).await.unwrap().status(), 404);
}

#[tokio::test]
async fn two_hosts_are_refused() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), mirror);
    let mut sender = client(&world).await;
    for (host, status) in [("A.test:80", 200), ("b.test", 400)] {
        let mut request = request("GET", b"");
        let headers = request.headers_mut();
        headers.insert("host", http::HeaderValue::from_static(host));
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), status, "{host}");
    }
    assert_eq!(session.opened(), 1);
}
