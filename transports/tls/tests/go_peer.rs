//! Both roles against crypto/tls of Go, which is what real frp uses.
//!
//! Needs `go` and, for the first build, the Go module proxy; without `go` the tests are skipped.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use culvert_io::{FastPath, FastPaths, Peer, Stream};
use culvert_kit::go_peer;
use culvert_tls::{
    ClientConfig, IdentityFiles, ServerConfig, TlsError, accept, client_config, connect,
    server_config, server_name,
};
use rustls::{
    RootCertStore, SupportedCipherSuite, Tls13CipherSuite,
    crypto::{CipherSuiteCommon, CryptoProvider, ring},
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const TOTAL: usize = 8 * 1024 * 1024;

/// A process that does not outlive its test.
struct Running(Child);

impl Running {
    fn succeeded(mut self) -> bool {
        self.0.wait().unwrap().success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

async fn meet(program: &Path, args: &[&str]) -> (Stream, Running) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let child = Command::new(program)
        .args(["-dial", &at.to_string()])
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let child = Running(child);
    let (socket, addr) = listener.accept().await.unwrap();
    (Stream::tcp(socket, Peer::new(addr, at, "tcp")), child)
}

fn pattern() -> Vec<u8> {
    (0..TOTAL)
        .map(|i| (((i * 31) >> 3) & 0xff).to_le_bytes()[0])
        .collect()
}

/// Sends a pattern, half-closes, and reads the echo to its end.
async fn send(stream: Stream) {
    let (mut r, mut w) = tokio::io::split(stream);
    let data = pattern();
    let mut got = Vec::new();
    let sending = async {
        for part in data.chunks(300_000) {
            w.write_all(part).await.unwrap();
        }
        w.shutdown().await.unwrap();
    };
    let ((), end) = tokio::join!(sending, r.read_to_end(&mut got));
    end.unwrap();
    assert!(got == data);
}

/// Echoes to the end.
async fn echo(stream: Stream) {
    let (mut r, mut w) = tokio::io::split(stream);
    let copied = tokio::io::copy(&mut r, &mut w).await.unwrap();
    assert_eq!(copied, TOTAL as u64);
    w.shutdown().await.unwrap();
    assert_eq!(r.read(&mut [0; 8]).await.unwrap(), 0);
}

/// The files of one authority and one leaf for `name`, made by Go.
struct Made(PathBuf);

impl Made {
    fn new(program: &Path, name: &str) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("certificates-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let made = Command::new(program)
            .arg("-make")
            .arg(&dir)
            .args(["-name", name])
            .status()
            .unwrap();
        assert!(made.success());
        Self(dir)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn leaf(&self) -> IdentityFiles {
        IdentityFiles {
            cert: self.file("leaf.crt"),
            key: self.file("leaf.key"),
        }
    }

    fn args(&self) -> [String; 6] {
        let text = |name| self.file(name).to_str().unwrap().to_owned();
        [
            "-cert".to_owned(),
            text("leaf.crt"),
            "-key".to_owned(),
            text("leaf.key"),
            "-ca".to_owned(),
            text("ca.crt"),
        ]
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[tokio::test]
async fn our_client_with_gos_server() {
    let Some(program) = go_peer("tls").await.unwrap() else {
        return;
    };
    let config = client_config(None, None).unwrap();
    for args in [&["-role", "server"][..], &["-role", "server", "-tls12"]] {
        let (stream, child) = meet(&program, args).await;
        let name = server_name("127.0.0.1", false).unwrap();
        send(connect(stream, &config, name).await.unwrap()).await;
        assert!(child.succeeded());
    }
}

#[tokio::test]
async fn our_server_with_gos_client() {
    let Some(program) = go_peer("tls").await.unwrap() else {
        return;
    };
    let config = server_config(None, None).unwrap();
    for args in [&["-role", "client"][..], &["-role", "client", "-tls12"]] {
        let (stream, child) = meet(&program, args).await;
        echo(accept(stream, &config).await.unwrap()).await;
        assert!(child.succeeded());
    }
}

#[tokio::test]
async fn both_sides_verify_certificates_made_by_go() {
    let Some(program) = go_peer("tls").await.unwrap() else {
        return;
    };
    for name in ["127.0.0.1", "example.com"] {
        let made = Made::new(&program, name);
        let ca = made.file("ca.crt");
        let files = made.args();
        let args = |role| {
            let mut args = vec!["-role", role, "-name", name];
            args.extend(files.iter().map(String::as_str));
            args
        };
        let ours = client_config(Some(&made.leaf()), Some(&ca)).unwrap();
        let (stream, child) = meet(&program, &args("server")).await;
        let verified = server_name(name, true).unwrap();
        send(connect(stream, &ours, verified).await.unwrap()).await;
        assert!(child.succeeded());

        let (stream, _child) = meet(&program, &args("server")).await;
        let wrong = server_name("invalid.com", true).unwrap();
        let refused = connect(stream, &ours, wrong).await;
        assert!(
            matches!(refused, Err(TlsError::Certificate(_))),
            "{refused:?}"
        );

        let ours = server_config(Some(&made.leaf()), Some(&ca)).unwrap();
        let (stream, child) = meet(&program, &args("client")).await;
        echo(accept(stream, &ours).await.unwrap()).await;
        assert!(child.succeeded());

        let (stream, _child) = meet(&program, &["-role", "client"]).await;
        let refused = accept(stream, &ours).await;
        assert!(
            matches!(refused, Err(TlsError::Certificate(_))),
            "{refused:?}"
        );
    }
}

/// Suites with keys that are worn out after a few records, where others take millions.
fn worn() -> Arc<CryptoProvider> {
    let suites = ring::ALL_CIPHER_SUITES
        .iter()
        .filter_map(|suite| suite.tls13());
    let worn = suites.map(|suite| Tls13CipherSuite {
        common: CipherSuiteCommon {
            confidentiality_limit: 5,
            ..suite.common
        },
        ..*suite
    });
    Arc::new(CryptoProvider {
        cipher_suites: worn
            .map(|suite| SupportedCipherSuite::Tls13(Box::leak(Box::new(suite))))
            .collect(),
        ..ring::default_provider()
    })
}

/// Settings of both roles with the files of `made` and such keys.
fn worn_configs(made: &Made) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let certificate = |name| CertificateDer::from_pem_file(made.file(name)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate("ca.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_file(made.file("leaf.key")).unwrap();
    let mut server = ServerConfig::builder_with_provider(worn())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate("leaf.crt")], key)
        .unwrap();
    let mut client = ClientConfig::builder_with_provider(worn())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (
        server.enable_secret_extraction,
        client.enable_secret_extraction,
    ) = (true, true);
    (Arc::new(server), Arc::new(client))
}

/// Each side of ours changes its key some hundred times.
#[tokio::test]
async fn go_takes_our_key_updates() {
    if !FastPaths::default().takes(FastPath::Records) {
        eprintln!("skipped: rustls, which has the records now, ends where keys wear out so soon");
        return;
    }
    let Some(program) = go_peer("tls").await.unwrap() else {
        return;
    };
    let made = Made::new(&program, "localhost");
    let (server, client) = worn_configs(&made);
    let files = made.args();
    let files = files.iter().map(String::as_str).take(4);
    let args: Vec<_> = ["-role", "server"].into_iter().chain(files).collect();
    let (stream, child) = meet(&program, &args).await;
    let name = server_name("localhost", true).unwrap();
    send(connect(stream, &client, name).await.unwrap()).await;
    assert!(child.succeeded());

    let (stream, child) = meet(&program, &["-role", "client"]).await;
    echo(accept(stream, &server).await.unwrap()).await;
    assert!(child.succeeded());
}
