//! Requests for files of a folder: any path and headers; what lies beside the folder is never
//! shown, and of a file only what it has.
#![no_main]

use std::{fs, net::SocketAddr, path::PathBuf, sync::LazyLock, time::Duration};

use culvert_conf::{PluginConfig, PluginLogin, StaticFile};
use culvert_io::{Peer, Scope, Stream};
use culvert_plugins::{Greeting, plugin};
use culvert_proxies::proxy_protocol::user_header;
use culvert_proxy::{BoxClientProxy, Work};
use culvert_wire::{Codec, msg::StartWorkConn};
use libfuzzer_sys::fuzz_target;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    runtime::{Builder, Runtime},
};

const SECRET: &[u8] = b"beside the folder";
const FILE: &[u8] = b"0123456789";

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());

static FILES: LazyLock<BoxClientProxy> = LazyLock::new(|| {
    let folder = folder();
    let root = folder.join("root");
    fs::create_dir_all(root.join("sub/deep")).unwrap();
    fs::write(folder.join("secret"), SECRET).unwrap();
    fs::write(root.join("a"), FILE).unwrap();
    fs::write(root.join("sub/index.html"), "<p>index</p>").unwrap();
    let config = PluginConfig::StaticFile(StaticFile {
        local_path: root,
        strip_prefix: "s".to_owned(),
        login: PluginLogin::default(),
    });
    let greeting = Greeting {
        version: None,
        write: user_header,
    };
    plugin(&config, greeting, None).unwrap()
});

/// One for all runs, so that the many processes of a campaign leave one behind.
fn folder() -> PathBuf {
    std::env::temp_dir().join("culvert-fuzz-static-files")
}

async fn ask(request: &[u8]) -> Vec<u8> {
    let scope = Scope::root(tokio::runtime::Handle::current());
    let (mut near, far) = duplex(256 * 1024);
    near.write_all(request).await.unwrap();
    near.shutdown().await.unwrap();
    let at = SocketAddr::from(([192, 0, 2, 7], 80));
    let work = Work {
        stream: Stream::new(far, Peer::new(at, at, "memory")),
        start: StartWorkConn::default(),
        codec: Codec::V1,
    };
    FILES.serve(work, &scope).await.unwrap();
    let mut all = Vec::new();
    near.read_to_end(&mut all).await.unwrap();
    scope.close(Duration::ZERO).await;
    all
}

fuzz_target!(|input: &[u8]| {
    // The first line is the path, the others are headers.
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let path = lines.next().unwrap_or_default();
    let headers = lines.next().unwrap_or_default();
    let mut request = [
        b"GET /s/",
        path,
        b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n",
    ]
    .concat();
    for line in headers
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        request.extend_from_slice(line);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request.truncate(128 * 1024);
    let all = RUNTIME.block_on(ask(&request));
    let shows = |what: &[u8]| all.windows(what.len()).any(|part| part == what);
    assert!(
        !shows(SECRET),
        "shown: {:?}",
        String::from_utf8_lossy(&request)
    );
    let end = all.windows(4).position(|part| part == b"\r\n\r\n");
    if all.starts_with(b"HTTP/1.1 206 ") {
        let body = &all[end.expect("a whole head") + 4..];
        assert!(!body.is_empty() && body.len() <= FILE.len().max(12));
    }
});
