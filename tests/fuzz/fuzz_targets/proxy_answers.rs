//! What a proxy on the way to the server answers: any bytes, whichever of its protocols is spoken.
//! Either they are refused, or what follows them is the stream, byte for byte.
#![no_main]

use std::net::SocketAddr;

use culvert_io::{Peer, Stream};
use culvert_tcp::Proxy;
use culvert_transport::{ProxyUrl, Target};
use libfuzzer_sys::fuzz_target;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Builder,
};

/// More than any answer may have.
const ROOM: usize = 256 * 1024;

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else {
        return;
    };
    let schemes = ["http", "socks5", "ntlm", "http", "socks5"];
    let who = if choice & 0x80 == 0 {
        "user:password@"
    } else {
        ""
    };
    let scheme = schemes[usize::from(choice % 5)];
    let proxy = Proxy::new(&ProxyUrl::new(format!("{scheme}://{who}proxy.example:1"))).unwrap();
    let to = Target::new("server.example", 7000);
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (near, mut far) = tokio::io::duplex(ROOM);
        far.write_all(&bytes[..bytes.len().min(ROOM)])
            .await
            .unwrap();
        far.shutdown().await.unwrap();
        let at = SocketAddr::from(([127, 0, 0, 1], 1));
        let stream = Stream::new(near, Peer::new(at, at, "tcp"));
        if let Ok(mut stream) = proxy.open(stream, &to).await {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            assert!(bytes.ends_with(&rest), "the stream is not what followed");
        }
    });
});
