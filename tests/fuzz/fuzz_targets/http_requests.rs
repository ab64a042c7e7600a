//! Requests at the http port: any bytes, through the strict reading, the routes and the reverse
//! proxy; what a service is sent can be read in one way only, and is for that service.
#![no_main]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use culvert_http::{HttpBackend, HttpRules, HttpVhost, Route, canonical_host};
use culvert_io::{Peer, Scope, Stream};
use culvert_proxy::{BoxFuture, Lease, Members, ProxyError, ServerCx, UserAddrs};
use culvert_wire::{Codec, ProxyName};
use libfuzzer_sys::fuzz_target;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::{Builder, Handle},
};

/// A client whose services read what they are sent, for one host.
#[derive(Debug)]
struct Client {
    name: ProxyName,
    users: Scope,
    host: &'static str,
}

impl ServerCx for Client {
    fn name(&self) -> &ProxyName {
        &self.name
    }

    fn work_conn(&self, _user: UserAddrs) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        let (near, far) = duplex(64 * 1024);
        self.users.spawn(serve(far, self.host));
        Box::pin(async { Ok(Stream::new(near, peer())) })
    }

    fn codec(&self) -> Codec {
        Codec::V1
    }

    fn users(&self) -> &Scope {
        &self.users
    }

    fn count_port(&self) -> Result<Lease, ProxyError> {
        Ok(Lease::new(|| {}))
    }
}

fn peer() -> Peer {
    let at = SocketAddr::from(([192, 0, 2, 7], 80));
    Peer::new(at, at, "memory")
}

/// Reads requests strictly and answers each.
async fn serve(mut io: DuplexStream, host: &'static str) {
    let mut seen = Vec::new();
    loop {
        while let Some(taken) = request(&seen, host) {
            seen.drain(..taken);
            let nothing = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            if io.write_all(nothing).await.is_err() {
                return;
            }
        }
        if !matches!(io.read_buf(&mut seen).await, Ok(1..)) {
            return;
        }
    }
}

/// The length of the first request, `None` while it is not whole.
fn request(bytes: &[u8], host: &str) -> Option<usize> {
    let mut headers = [httparse::EMPTY_HEADER; 256];
    let mut head = httparse::Request::new(&mut headers);
    let parsed = head.parse(bytes).expect("a head that can be read");
    let httparse::Status::Complete(head_len) = parsed else {
        return None;
    };
    let text = &bytes[..head_len];
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'\n' => assert_eq!(text[at - 1], b'\r', "a bare LF"),
            b'\r' => assert_eq!(text[at + 1], b'\n', "a bare CR"),
            0 => panic!("a NUL"),
            _ => {}
        }
    }
    let all = |name: &str| {
        let named = head
            .headers
            .iter()
            .filter(|h| h.name.eq_ignore_ascii_case(name));
        named.map(|h| h.value).collect::<Vec<_>>()
    };
    let hosts = all("host");
    assert_eq!(hosts.len(), 1, "{hosts:?}");
    let named = std::str::from_utf8(hosts[0]).expect("a host");
    assert_eq!(canonical_host(named), host);
    let body = &bytes[head_len..];
    match (&all("content-length")[..], &all("transfer-encoding")[..]) {
        ([], []) => Some(head_len),
        ([length], []) => {
            let length = std::str::from_utf8(length).expect("digits");
            assert!(length.bytes().all(|b| b.is_ascii_digit()), "{length}");
            let length: usize = length.parse().expect("a length");
            (body.len() >= length).then_some(head_len + length)
        }
        ([], [coding]) => {
            assert!(coding.eq_ignore_ascii_case(b"chunked"), "{coding:?}");
            chunks(body).map(|len| head_len + len)
        }
        two => panic!("two lengths: {two:?}"),
    }
}

/// The length of a chunked body with its trailers.
fn chunks(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = line(&body[at..])?;
        let size = std::str::from_utf8(line).expect("a chunk size");
        let size = usize::from_str_radix(size, 16).expect("a chunk size");
        at += line.len() + 2;
        if size == 0 {
            break;
        }
        let end = at + size;
        assert_eq!(body.get(end..end + 2)?, b"\r\n", "a chunk's end");
        at = end + 2;
    }
    loop {
        let line = line(&body[at..])?;
        at += line.len() + 2;
        if line.is_empty() {
            return Some(at);
        }
        assert!(line.contains(&b':'), "a trailer");
    }
}

fn line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.windows(2).position(|end| end == b"\r\n")?;
    Some(&bytes[..end])
}

/// One user who says all of `bytes` in pieces and then nothing more.
async fn user(bytes: &[u8], piece: usize) {
    let scope = Scope::root(Handle::current());
    let vhost = HttpVhost::new(Duration::from_secs(5), None);
    let mut leases = Vec::new();
    for (host, location) in [("a.test", ""), ("a.test", "/b"), ("b.c.test", "/")] {
        let client = Arc::new(Client {
            name: ProxyName::from("web"),
            users: scope.clone(),
            host,
        });
        let backend = HttpBackend::new(client, &scope, HttpRules::default());
        let route = Route {
            domain: host.to_owned(),
            location: location.to_owned(),
            user: String::new(),
        };
        leases.push(vhost.register(&route, Members::one(backend)).unwrap());
    }
    let (near, far) = duplex(64 * 1024);
    let (mut answers, mut said) = tokio::io::split(near);
    let speak = async {
        for piece in bytes.chunks(piece) {
            if said.write_all(piece).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        drop(said.shutdown().await);
    };
    let mut all = Vec::new();
    tokio::join!(
        vhost.serve(Stream::new(far, peer()), &scope),
        speak,
        answers.read_to_end(&mut all)
    )
    .2
    .ok();
    scope.close(Duration::ZERO).await;
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, bytes)) = input.split_first() else {
        return;
    };
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(user(bytes, usize::from(*piece) * 8 + 1));
});
