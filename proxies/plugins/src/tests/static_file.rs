//! static_file.

use std::{fs, path::PathBuf};

use culvert_conf::{PluginConfig, PluginLogin, Secret, StaticFile};
use culvert_proxy::BoxClientProxy;

use super::fixture::{exchange, made, scope, user};

/// A folder of its own for a test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("culvert-static-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(path.join("root/sub/deep")).unwrap();
        fs::write(path.join("secret.txt"), "secret").unwrap();
        fs::write(path.join("root/a.txt"), "0123456789").unwrap();
        fs::write(path.join("root/a b<c>"), [0, 1, 2]).unwrap();
        fs::write(path.join("root/sub/index.html"), "<p>index</p>").unwrap();
        Self(path)
    }

    fn plugin(&self, strip_prefix: &str, password: &str) -> BoxClientProxy {
        made(&PluginConfig::StaticFile(StaticFile {
            local_path: self.0.join("root"),
            strip_prefix: strip_prefix.to_owned(),
            login: PluginLogin {
                user: password.to_owned(),
                password: Secret::new(password),
            },
        }))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

async fn ask(plugin: &BoxClientProxy, method: &str, path: &str, more: &str) -> String {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{more}Connection: close\r\n\r\n");
    exchange(user(plugin, &scope()), request).await
}

async fn get(plugin: &BoxClientProxy, path: &str) -> String {
    ask(plugin, "GET", path, "").await
}

#[tokio::test]
async fn files_pages_and_listings() {
    let folder = Folder::new("files");
    let plugin = folder.plugin("", "");
    let got = get(&plugin, "/a.txt").await;
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n"), "{got}");
    assert!(
        got.contains("Content-Type: text/plain; charset=utf-8\r\n"),
        "{got}"
    );
    assert!(got.contains("Content-Length: 10\r\n"), "{got}");
    assert!(got.contains("Last-Modified: "), "{got}");
    assert!(got.ends_with("\r\n\r\n0123456789"), "{got}");
    let got = ask(&plugin, "HEAD", "/a.txt", "").await;
    assert!(
        got.contains("Content-Length: 10\r\n") && got.ends_with("\r\n\r\n"),
        "{got}"
    );
    assert!(get(&plugin, "/sub/").await.ends_with("<p>index</p>"));
    let got = get(&plugin, "/").await;
    let page = "<pre>\n<a href=\"a%20b%3Cc%3E\">a b&lt;c&gt;</a>\n<a href=\"a.txt\">a.txt</a>\n\
        <a href=\"sub/\">sub/</a>\n</pre>\n";
    assert!(got.ends_with(page), "{got}");
    let got = get(&plugin, "/a%20b%3Cc%3E").await;
    assert!(
        got.contains("Content-Type: application/octet-stream\r\n"),
        "{got}"
    );
}

#[tokio::test]
async fn wrong_endings_are_redirected() {
    let folder = Folder::new("moved");
    let plugin = folder.plugin("", "");
    for (path, to) in [
        ("/sub?x=1", "sub/?x=1"),
        ("/a.txt/", "../a.txt"),
        ("/sub/index.html", "./"),
    ] {
        let got = get(&plugin, path).await;
        assert!(got.starts_with("HTTP/1.1 301 "), "{path}: {got}");
        assert!(
            got.contains(&format!("Location: {to}\r\n")),
            "{path}: {got}"
        );
    }
}

#[tokio::test]
async fn nothing_leads_out() {
    let folder = Folder::new("out");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        let root = folder.0.join("root");
        symlink("../secret.txt", root.join("up")).unwrap();
        symlink(folder.0.join("secret.txt"), root.join("far")).unwrap();
        symlink("..", root.join("above")).unwrap();
        symlink("a.txt", root.join("near")).unwrap();
    }
    let plugin = folder.plugin("", "");
    for path in [
        "/../secret.txt",
        "/sub/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/up",
        "/far",
        "/above/secret.txt",
        "/above/",
        "/no",
        "/%00",
        "/%zz",
    ] {
        let got = get(&plugin, path).await;
        assert!(got.starts_with("HTTP/1.1 404 "), "{path}: {got}");
        assert!(!got.contains("secret"), "{path}: {got}");
    }
    #[cfg(unix)]
    assert!(get(&plugin, "/near").await.ends_with("0123456789"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_is_no_file_is_not_opened() {
    let folder = Folder::new("socket");
    let _socket = std::os::unix::net::UnixListener::bind(folder.0.join("root/s")).unwrap();
    let got = get(&folder.plugin("", ""), "/s").await;
    assert!(got.starts_with("HTTP/1.1 404 "), "{got}");
}

#[tokio::test]
async fn logins_prefixes_and_methods() {
    let folder = Folder::new("login");
    let plugin = folder.plugin("static", "abc");
    let got = get(&plugin, "/static/a.txt").await;
    assert!(got.starts_with("HTTP/1.1 401 "), "{got}");
    assert!(
        got.contains("Www-Authenticate: Basic realm=\"Restricted\"\r\n"),
        "{got}"
    );
    let right = "Authorization: Basic YWJjOmFiYw==\r\n";
    let got = ask(&plugin, "GET", "/static/a.txt", right).await;
    assert!(got.ends_with("0123456789"), "{got}");
    let got = ask(&plugin, "GET", "/a.txt", right).await;
    assert!(got.starts_with("HTTP/1.1 404 "), "{got}");
    let got = ask(&plugin, "DELETE", "/static/a.txt", right).await;
    assert!(got.starts_with("HTTP/1.1 405 "), "{got}");
}

#[tokio::test]
async fn ranges_and_conditions() {
    let folder = Folder::new("range");
    let plugin = folder.plugin("", "");
    let got = ask(&plugin, "GET", "/a.txt", "Range: bytes=2-4\r\n").await;
    assert!(got.starts_with("HTTP/1.1 206 "), "{got}");
    assert!(got.contains("Content-Range: bytes 2-4/10\r\n"), "{got}");
    assert!(got.ends_with("\r\n\r\n234"), "{got}");
    let got = ask(&plugin, "GET", "/a.txt", "Range: bytes=20-\r\n").await;
    assert!(got.starts_with("HTTP/1.1 416 "), "{got}");
    assert!(got.contains("Content-Range: bytes */10\r\n"), "{got}");
    let later = "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n";
    let got = ask(&plugin, "GET", "/a.txt", later).await;
    assert!(got.starts_with("HTTP/1.1 304 "), "{got}");
    let before = "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
    let got = ask(&plugin, "GET", "/a.txt", before).await;
    assert!(got.starts_with("HTTP/1.1 412 "), "{got}");
}

#[tokio::test]
async fn long_files_arrive_whole() {
    let folder = Folder::new("long");
    let long = vec![b'x'; 300_000];
    fs::write(folder.0.join("root/long.txt"), &long).unwrap();
    let got = get(&folder.plugin("", ""), "/long.txt").await;
    let (_, body) = got.split_once("\r\n\r\n").unwrap();
    assert_eq!(body.len(), long.len());
}
