use std::{fs, net::SocketAddr};

use culvert_io::{Peer, Relaying, Stream, relay};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;

/// A configuration that writes to files of this test's own.
fn log(name: &str, format: LogFormat) -> (Log, PathBuf, PathBuf) {
    let folder = std::env::temp_dir().join(format!("culvert-lines-{}", std::process::id()));
    let (main, access) = (folder.join(name), folder.join(format!("{name}.access")));
    for file in [&main, &access] {
        drop(fs::remove_file(file));
    }
    let log = Log {
        to: LogTarget::File(main.clone()),
        level: LogLevel::Warn,
        max_days: 3,
        format,
        access: Some(LogTarget::File(access.clone())),
    };
    (log, main, access)
}

/// Two connections of the proxy `web`: one that ends, one that is broken off.
async fn connections() {
    let addr = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let end = |port, transport| {
        let (near, far) = duplex(64);
        (
            Stream::new(near, Peer::new(addr(port), addr(9), transport)),
            far,
        )
    };
    let (user, mut asks) = end(1, "tcp");
    let (work, mut answers) = end(2, "quic");
    let how = Relaying::default();
    let talk = async {
        asks.write_all(b"hello").await.unwrap();
        answers.write_all(b"you").await.unwrap();
        asks.read_exact(&mut [0; 3]).await.unwrap();
        asks.shutdown().await.unwrap();
        answers.read_to_end(&mut Vec::new()).await.unwrap();
        drop((asks, answers));
    };
    tokio::join!(relay(user, work, &how), talk);
    let (user, _asks) = end(3, "tcp");
    let (work, _answers) = end(4, "quic");
    drop(relay(user, work, &how));
}

fn run(log: &Log) {
    start_here(log, || {
        let _in_proxy = tracing::error_span!("proxy", prefix = "web").entered();
        tracing::info!("below the level");
        tracing::warn!(port = 7, "seen");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(connections());
    })
    .unwrap();
    flush();
}

#[test]
fn each_connection_has_a_line_and_the_log_has_none_of_them() {
    let (log, main, access) = log("text", LogFormat::Text);
    run(&log);
    let main = fs::read_to_string(main).unwrap();
    assert_eq!(main.lines().count(), 1, "{main}");
    assert!(main.ends_with("] [web] seen port=7\n"), "{main}");
    let access = fs::read_to_string(access).unwrap();
    let [first, second] = access.lines().collect::<Vec<_>>()[..] else {
        panic!("{access}");
    };
    let expected = "[web] from=127.0.0.1:1 from_transport=tcp to=127.0.0.1:2 to_transport=quic \
                    bytes_in=5 bytes_out=3 milliseconds=";
    assert!(first.contains(expected), "{first}");
    assert!(
        first.ends_with(" end=\"closed by the user's side\""),
        "{first}"
    );
    assert!(second.contains(" bytes_in=0 bytes_out=0 "), "{second}");
    assert!(second.ends_with(" end=\"broken off\""), "{second}");
}

#[test]
fn json_lines_are_objects() {
    let (log, main, access) = log("json", LogFormat::Json);
    run(&log);
    let read = |path| -> Vec<Value> {
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().map(serde_json::from_str);
        lines.map(Result::unwrap).collect()
    };
    let main = read(main);
    assert_eq!(main.len(), 1);
    assert_eq!(
        (&main[0]["message"], &main[0]["port"]),
        (&"seen".into(), &7.into())
    );
    let access = read(access);
    assert_eq!(access.len(), 2);
    assert_eq!(access[0]["of"], Value::from(["web"].as_slice()));
    assert_eq!(access[0]["bytes_in"], Value::from(5));
}

#[test]
fn a_file_that_cannot_be_written_is_an_error() {
    let (mut log, ..) = log("none", LogFormat::Text);
    log.access = Some(LogTarget::File(std::env::temp_dir()));
    let error = start_here(&log, || ()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("log.access: cannot write to "),
        "{error}"
    );
}
