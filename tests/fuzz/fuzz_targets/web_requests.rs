//! Requests at the web server of both programs: any bytes; what is answered is HTTP, whatever a
//! handler repeats of the request.
#![no_main]

use std::{net::SocketAddr, sync::Arc, sync::LazyLock, time::Duration};

use culvert_http::web::{Answer, Request, Site, serve};
use culvert_io::{Peer, Scope, Stream};
use http::{Method, StatusCode};
use libfuzzer_sys::fuzz_target;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    runtime::{Builder, Handle},
};

/// More than any input or its answers have.
const ROOM: usize = 1 << 20;

static SITE: LazyLock<Arc<Site>> = LazyLock::new(|| {
    let site = Site::new(None)
        .on(Method::GET, "/api/proxy/{kind}/{name}", |request| {
            repeat(request, "name")
        })
        .on(Method::PUT, "/api/store/{name}", |request| {
            repeat(request, "name")
        })
        .open(Method::GET, "/static/{*file}", |request| {
            repeat(request, "file")
        });
    Arc::new(site)
});

async fn repeat(request: Request, name: &str) -> Answer {
    let Some(text) = request.variable(name) else {
        return Answer::v1_error(StatusCode::BAD_REQUEST, "no text");
    };
    let page = request.query("page").unwrap_or_default();
    let text = format!("{text} {page} {}", request.body().len());
    Answer::text(StatusCode::OK, &text)
}

/// Reads the head of the first answer, if there is any.
fn check(bytes: &[u8]) {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let parsed = head.parse(bytes).expect("a head that can be read");
    if parsed.is_partial() {
        return assert!(bytes.is_empty(), "half a head");
    }
    for header in head.headers {
        let known = [
            "Allow",
            "Cache-Control",
            "Connection",
            "Content-Length",
            "Content-Type",
            "Date",
            "Location",
        ];
        let (name, value) = (header.name, header.value);
        assert!(
            known.contains(&name) || value == b"nosniff",
            "{name}: {value:?}"
        );
    }
}

fuzz_target!(|input: &[u8]| {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let all = runtime.block_on(async {
        let scope = Scope::root(Handle::current());
        let (mut near, far) = duplex(ROOM);
        near.write_all(&input[..input.len().min(ROOM)])
            .await
            .unwrap();
        near.shutdown().await.unwrap();
        let at = SocketAddr::from(([192, 0, 2, 7], 80));
        let far = Stream::new(far, Peer::new(at, at, "memory"));
        serve(Arc::clone(&SITE), far, &scope).await;
        let mut all = Vec::new();
        near.read_to_end(&mut all).await.unwrap();
        scope.close(Duration::ZERO).await;
        all
    });
    check(&all);
});
