//! Answers of services: any bytes behind the http port, and to requests of our own. What a user is
//! sent of them is HTTP that can be read in one way, and what we keep of them is bounded.
#![no_main]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use culvert_http::{Dial, Endpoint, HttpBackend, HttpRules, HttpVhost, Limits, Outbound, Route};
use culvert_io::{Peer, Scope, Stream};
use culvert_proxy::{BoxFuture, Members, ProxyError};
use http::Request;
use libfuzzer_sys::fuzz_target;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::{Builder, Handle},
};

/// More than is said in one run.
const ROOM: usize = 64 * 1024;

/// The most of an answer to ourselves.
const BODY: usize = 1000;

/// A service that says the same whatever it is asked, in pieces, and then no more.
#[derive(Clone, Debug)]
struct Service {
    says: Arc<[u8]>,
    piece: usize,
    scope: Scope,
}

impl Dial for Service {
    fn dial(&self) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        let (near, far) = duplex(ROOM);
        let service = self.clone();
        self.scope.spawn(async move { service.serve(far).await });
        Box::pin(async { Ok(stream(near)) })
    }
}

impl Service {
    async fn serve(self, mut io: DuplexStream) {
        let mut heard = Vec::new();
        if !matches!(io.read_buf(&mut heard).await, Ok(1..)) {
            return;
        }
        for piece in self.says.chunks(self.piece) {
            if io.write_all(piece).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        drop(io.shutdown().await);
        drop(io.read_to_end(&mut heard).await);
    }
}

fn stream(io: DuplexStream) -> Stream {
    let at = SocketAddr::from(([192, 0, 2, 7], 80));
    Stream::new(io, Peer::new(at, at, "memory"))
}

/// What a user of the service at the http port is sent.
async fn user(service: &Service, scope: &Scope) -> Vec<u8> {
    let vhost = HttpVhost::new(Duration::from_secs(5), None);
    let backend = HttpBackend::dialled(Arc::new(service.clone()), scope, HttpRules::default());
    let route = Route {
        domain: "a.test".to_owned(),
        location: String::new(),
        user: String::new(),
    };
    let _lease = vhost.register(&route, Members::one(backend)).unwrap();
    let (mut near, far) = duplex(16 * ROOM);
    let asked = b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
    near.write_all(asked).await.unwrap();
    vhost.serve(stream(far), scope).await;
    let mut all = Vec::new();
    drop(near.read_to_end(&mut all).await);
    all
}

/// Reads the heads of an answer strictly.
fn check(mut bytes: &[u8]) {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 256];
        let mut head = httparse::Response::new(&mut headers);
        let parsed = head.parse(bytes).expect("a head that can be read");
        let httparse::Status::Complete(len) = parsed else {
            return;
        };
        for (at, byte) in bytes[..len].iter().enumerate() {
            match byte {
                b'\n' => assert_eq!(bytes[at - 1], b'\r', "a bare LF"),
                b'\r' => assert_eq!(bytes[at + 1], b'\n', "a bare CR"),
                0 => panic!("a NUL"),
                _ => {}
            }
        }
        let all = |name: &str| {
            let named = head.headers.iter();
            named.filter(|h| h.name.eq_ignore_ascii_case(name)).count()
        };
        let lengths = all("content-length") + all("transfer-encoding");
        assert!(lengths <= 1, "{lengths} lengths");
        if !matches!(head.code, Some(100..=199)) {
            return;
        }
        bytes = &bytes[len..];
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, says)) = input.split_first() else {
        return;
    };
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let scope = Scope::root(Handle::current());
        let service = Service {
            says: says[..says.len().min(ROOM)].into(),
            piece: usize::from(*piece) * 8 + 1,
            scope: scope.clone(),
        };
        check(&user(&service, &scope).await);
        let limits = Limits {
            time: Duration::from_secs(5),
            body: BODY,
        };
        let endpoint = Endpoint::parse("http://a.test/").unwrap();
        let client = Outbound::new(endpoint, Arc::new(service), limits, &scope);
        if let Ok(answer) = client.send(Request::new(Bytes::new())).await {
            assert!(answer.body().len() <= BODY);
        }
        scope.close(Duration::ZERO).await;
    });
});
