use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use clap::Parser;
use culvert_conf::{Strictness, load_client, load_server};

use super::{Init, Plan, Side, questions::ask};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    init: Init,
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("culvert-init-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn init(&self, side: Side, flags: &[&str]) -> Result<(), String> {
        let folder = self.0.to_str().unwrap();
        let fixed = ["init", "--yes", "--folder", folder];
        let given = fixed.iter().chain(flags);
        let cli = Cli::try_parse_from(given).map_err(|err| err.to_string())?;
        cli.init.run(side).map_err(|failure| failure.0)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

fn key(path: &Path, key: &str) -> String {
    let table: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
    let mut value = &toml::Value::Table(table);
    for part in key.split('.') {
        value = &value[part];
    }
    value.as_str().unwrap().to_owned()
}

const SERVICES: [&str; 6] = [
    "--server",
    "frp.example",
    "--proxy",
    "ssh:tcp:22:6000",
    "--proxy",
    "web:http:8080:*.example.com",
];

#[test]
fn the_files_have_no_risks_and_one_strong_token() {
    let folder = Folder::new("pair");
    folder.init(Side::Server, &SERVICES).unwrap();
    let (frps, frpc) = (
        folder.file("server/frps.toml"),
        folder.file("client/frpc.toml"),
    );
    let server = load_server(&frps, Strictness::Strict).unwrap();
    let client = load_client(&frpc, Strictness::Strict).unwrap();
    assert!(server.risks.is_empty() && server.warnings.is_empty());
    assert!(client.risks.is_empty() && client.warnings.is_empty());
    assert_eq!(client.config.proxies.len(), 2);
    assert_eq!(server.config.vhost_http_port.map(u16::from), Some(80));
    let token = key(&frps, "auth.token");
    assert_eq!(token.len(), 43);
    assert_eq!(token, key(&frpc, "auth.token"));
    // Here by its path, there by its name.
    let cert = folder.file("server/server.crt");
    assert_eq!(key(&frps, "transport.tls.certFile"), cert.to_str().unwrap());
    assert_eq!(key(&frpc, "transport.tls.trustedCaFile"), "ca.crt");
    #[cfg(unix)]
    for (name, mode) in [
        ("server/frps.toml", 0o600),
        ("server/server.key", 0o600),
        ("client/frpc.toml", 0o600),
        ("client/ca.crt", 0o644),
    ] {
        use std::os::unix::fs::PermissionsExt as _;
        let found = fs::metadata(folder.file(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(found & 0o777, mode, "{name}");
    }
}

#[test]
fn nothing_is_replaced_unless_that_is_asked_for() {
    let folder = Folder::new("twice");
    folder.init(Side::Client, &SERVICES).unwrap();
    let frpc = folder.file("client/frpc.toml");
    let before = key(&frpc, "auth.token");
    let refused = folder.init(Side::Client, &SERVICES).unwrap_err();
    assert!(
        refused.contains("is there already; use --force"),
        "{refused}"
    );
    assert_eq!(key(&frpc, "auth.token"), before);
    let forced: Vec<_> = SERVICES.iter().copied().chain(["--force"]).collect();
    folder.init(Side::Client, &forced).unwrap();
    assert_ne!(key(&frpc, "auth.token"), before);
    let ca = folder.file("client/ca.crt");
    assert_eq!(
        key(&frpc, "transport.tls.trustedCaFile"),
        ca.to_str().unwrap()
    );
}

#[test]
fn a_certificate_of_ones_own_must_fit() {
    let folder = Folder::new("own");
    let issued = culvert_tls::issue("frp.example").unwrap();
    for (name, text) in [
        ("a.crt", &issued.certificate),
        ("a.key", &issued.key),
        ("a.ca", &issued.authority),
    ] {
        fs::write(folder.file(name), text).unwrap();
    }
    let files = ["a.crt", "a.key", "a.ca"].map(|n| folder.file(n).to_str().unwrap().to_owned());
    let [cert, private, ca] = &files;
    let own = ["--cert", cert, "--key", private, "--ca", ca];
    let with = |server| [&["--server", server], own.as_slice()].concat();
    let refused = folder
        .init(Side::Server, &with("other.example"))
        .unwrap_err();
    assert!(
        refused.contains("the certificate for other.example"),
        "{refused}"
    );
    assert!(!folder.file("server/frps.toml").exists());
    folder.init(Side::Server, &with("frp.example")).unwrap();
    let frps = folder.file("server/frps.toml");
    assert_eq!(&key(&frps, "transport.tls.certFile"), cert);
    assert!(!folder.file("server/server.key").exists());
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_written() {
    let folder = Folder::new("wrong");
    for (flags, why) in [
        (vec![], "--server is missing"),
        (
            vec!["--server", "a b"],
            "neither a host name nor an address",
        ),
        (vec!["--server", "a", "--port", "0"], "from 1 to 65535"),
        (vec!["--server", "a", "--proxy", "x"], "is no service"),
        (
            vec!["--server", "a", "--proxy", "x:tcp:0:1"],
            "is no service",
        ),
        (
            vec![
                "--server",
                "a",
                "--proxy",
                "x:tcp:1:1",
                "--proxy",
                "x:udp:1:1",
            ],
            "two services are called",
        ),
    ] {
        let refused = folder.init(Side::Server, &flags).unwrap_err();
        assert!(refused.contains(why), "{flags:?}: {refused}");
    }
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[test]
fn questions_are_asked_until_the_answers_can_be_meant() {
    let mut plan = Plan::new(7000, Vec::new());
    let answers = "a b\nfrp.example\nx\n7001\nssh\nssh:tcp:22:6000\nssh:udp:1:2\n\n";
    let mut said = Vec::new();
    ask(&mut plan, &mut Cursor::new(answers), &mut said).unwrap();
    assert_eq!((plan.server.as_str(), plan.port), ("frp.example", 7001));
    assert_eq!(plan.proxies, ["ssh:tcp:22:6000".parse().unwrap()]);
    let said = String::from_utf8(said).unwrap();
    for wrong in [
        "\"a b\" is neither",
        "from 1 to",
        "\"ssh\" is no service",
        "two services",
    ] {
        assert!(said.contains(wrong), "{said}");
    }
    assert!(
        ask(
            &mut plan,
            &mut Cursor::new("frp.example\n"),
            &mut Vec::new()
        )
        .is_err()
    );
}
