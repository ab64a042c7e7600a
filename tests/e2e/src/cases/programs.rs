//! What people use: curl, a browser, a WebSocket client, a client in Go, wrk. Those that are not
//! installed are told and left out.

use std::{path::Path, time::Duration};

use culvert_kit::{
    Authority, Error, Payload, Result, Service, TempDir, free_port, go_peer, https_web, mirror_web,
    run, tcp_echo, tool, web, websocket_echo, websocket_talk, within,
};

use super::scene;
use crate::{Pairing, SOON, local};

/// How long a program may take on a busy machine; a browser starts slowly.
const DONE: Duration = Duration::from_secs(60);

const HOST: &str = "shop.example.com";

/// Runs a program to its end: all that it wrote.
async fn ran(program: &Path, args: &[&str]) -> Result<String> {
    let name = program.display().to_string();
    let done = run(&name, program, args, DONE).await?;
    if done.code == Some(0) {
        return Ok(done.text);
    }
    let (code, text) = (done.code, done.text);
    Err(Error::wrong(format!(
        "{name} {args:?} ended with {code:?}:\n{text}"
    )))
}

fn expect(what: &str, found: &str, wanted: &str) -> Result {
    if found == wanted {
        return Ok(());
    }
    Err(Error::wrong(format!(
        "{what} gave {found:?}, not {wanted:?}"
    )))
}

/// curl through http: connections that are kept, HTTP/2 with prior knowledge, an upload, an unknown
/// host.
///
/// # Errors
/// When it gets something else than it should.
pub async fn curl_http(pairing: Pairing) -> Result {
    let Some(curl) = tool("curl") else {
        return Ok(());
    };
    let mirror = mirror_web().await?;
    let port = free_port()?;
    let pair = scene!(pairing)
        .server(&format!("vhostHTTPPort = {port}"))
        .proxy(
            "web",
            "http",
            mirror.addr(),
            &format!("customDomains = [\"{HOST}\"]"),
        )
        .start()
        .await?;
    let to = format!("{HOST}:{port}:127.0.0.1");
    let url = format!("http://{HOST}:{port}/");
    let told = "%{http_version} %{http_code} %{num_connects}\\n";
    // curl 7.88 breaks off HTTP/2 with prior knowledge at a second request, of any server.
    for (more, urls, wanted) in [
        ("--http1.1", &[&*url, &*url][..], "1.1 200 1\n1.1 200 0"),
        ("--http2-prior-knowledge", &[&*url], "2 200 1"),
    ] {
        let args = [&["-sS", more, "--resolve", &to, "-w", told], urls].concat();
        expect(more, &ran(&curl, &args).await?, wanted)?;
        let sent = upload(&curl, pair.scene().dir(), &[more, "--resolve", &to], &url).await;
        sent.map_err(|e| Error::wrong(format!("{more}: {e}")))?;
    }
    let host = format!("http://127.0.0.1:{port}/");
    let args = ["-sS", "-o", "/dev/null", "-w", "%{http_code}", &host];
    expect("an unknown host", &ran(&curl, &args).await?, "404")
}

/// Sends two mebibytes and compares what comes back.
async fn upload(curl: &Path, dir: &TempDir, more: &[&str], url: &str) -> Result {
    let bytes = Payload::new(3).take(2 * 1024 * 1024);
    let (from, back) = (dir.path().join("upload"), dir.path().join("back"));
    let io = Error::io("a file for curl");
    std::fs::write(&from, &bytes).map_err(io)?;
    let (from, to) = (from.to_string_lossy(), back.to_string_lossy());
    let args = [&["-sS", "-X", "POST", "-T", &from, "-o", &to], more, &[url]].concat();
    ran(curl, &args).await?;
    let back = std::fs::read(&back).map_err(Error::io("what curl got"))?;
    if back == bytes {
        Ok(())
    } else {
        let len = back.len();
        Err(Error::wrong(format!("{len} bytes came back, or others")))
    }
}

/// Two sites behind https, under certificates of `authority`.
async fn secure_shop(authority: &Authority) -> Result<Service> {
    https_web(&authority.issue(&[HOST])?, "<p>secure shop</p>").await
}

/// curl and a client in Go through https. Go also meets the plugin that ends TLS, where it speaks
/// HTTP/2.
///
/// # Errors
/// When they get something else than they should.
pub async fn https_clients(pairing: Pairing) -> Result {
    let authority = Authority::new()?;
    let shop = secure_shop(&authority).await?;
    let plain = web("plain shop").await?;
    let port = free_port()?;
    let scene = scene!(pairing);
    let ca = scene.dir().write("ca.pem", authority.pem())?;
    let identity = authority.issue(&["two.example.com"])?;
    let (crt, key) = identity.write(scene.dir(), "two")?;
    let plugin = format!(
        "customDomains = [\"two.example.com\"]\n[proxies.plugin]\ntype = \"https2http\"\n\
         localAddr = \"{}\"\ncrtPath = {crt:?}\nkeyPath = {key:?}",
        plain.addr()
    );
    let _pair = scene
        .server(&format!("vhostHTTPSPort = {port}"))
        .proxy(
            "web",
            "https",
            shop.addr(),
            &format!("customDomains = [\"{HOST}\"]"),
        )
        .proxy("plugin", "https", plain.addr(), &plugin)
        .start()
        .await?;
    let ca = ca.to_string_lossy().into_owned();
    let url = |host: &str| format!("https://{host}:{port}/");
    if let Some(curl) = tool("curl") {
        for (host, page) in [
            (HOST, "<p>secure shop</p>"),
            ("two.example.com", "plain shop"),
        ] {
            let (to, url) = (format!("{host}:{port}:127.0.0.1"), url(host));
            let args = ["-sS", "--cacert", &ca, "--resolve", &to, &url];
            expect(host, &ran(&curl, &args).await?, page)?;
        }
    }
    if let Some(go) = go_peer("web").await? {
        let at = local(port).to_string();
        for (host, wanted) in [
            (HOST, "HTTP/1.1 200 <p>secure shop</p>"),
            ("two.example.com", "HTTP/2.0 200 plain shop"),
        ] {
            let seen = ran(&go, &[&ca, &at, &url(host)]).await?;
            expect(host, &seen, &format!("{wanted}\n{wanted}"))?;
        }
    }
    Ok(())
}

/// A WebSocket client through http, with messages of all sizes.
///
/// # Errors
/// When a message does not come back.
pub async fn websocket(pairing: Pairing) -> Result {
    let echo = websocket_echo().await?;
    let port = free_port()?;
    let _pair = scene!(pairing)
        .server(&format!("vhostHTTPPort = {port}"))
        .proxy(
            "web",
            "http",
            echo.addr(),
            &format!("customDomains = [\"{HOST}\"]"),
        )
        .start()
        .await?;
    let messages: Vec<_> = [1, 125, 126, 65_536, 1_000_000]
        .map(|len| Payload::new(5).take(len))
        .into();
    let talk = websocket_talk(local(port), HOST, &messages);
    within(SOON, "a talk over websocket", talk).await
}

/// A browser through http and https.
///
/// # Errors
/// When it shows another page.
pub async fn browser(pairing: Pairing) -> Result {
    let Some(chromium) = tool("chromium") else {
        return Ok(());
    };
    let authority = Authority::new()?;
    let (plain, secure) = (
        web("<p>plain shop</p>").await?,
        secure_shop(&authority).await?,
    );
    let (port, secure_port) = (free_port()?, free_port()?);
    let lines = format!("customDomains = [\"{HOST}\"]");
    let pair = scene!(pairing)
        .server(&format!(
            "vhostHTTPPort = {port}\nvhostHTTPSPort = {secure_port}"
        ))
        .proxy("web", "http", plain.addr(), &lines)
        .proxy("secure", "https", secure.addr(), &lines)
        .start()
        .await?;
    let profile = pair.scene().dir().path().join("browser");
    let profile = format!("--user-data-dir={}", profile.display());
    for (url, page) in [
        (format!("http://{HOST}:{port}/"), "<p>plain shop</p>"),
        (
            format!("https://{HOST}:{secure_port}/"),
            "<p>secure shop</p>",
        ),
    ] {
        let args = [
            "--headless",
            "--no-sandbox", // tests may run as root
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--ignore-certificate-errors", // its store does not know our authority
            "--host-resolver-rules=MAP shop.example.com 127.0.0.1",
            &profile,
            "--dump-dom",
            &url,
        ];
        let dom = ran(&chromium, &args).await?;
        if !dom.contains(page) {
            return Err(Error::wrong(format!("the browser saw {dom:?} at {url}")));
        }
    }
    Ok(())
}

/// A second of wrk through http: many requests on kept connections, all answered well.
///
/// # Errors
/// When one fails.
pub async fn wrk(pairing: Pairing) -> Result {
    let Some(wrk) = tool("wrk") else {
        return Ok(());
    };
    let page = web("shop").await?;
    let port = free_port()?;
    let _pair = scene!(pairing)
        .server(&format!("vhostHTTPPort = {port}"))
        .proxy(
            "web",
            "http",
            page.addr(),
            &format!("customDomains = [\"{HOST}\"]"),
        )
        .start()
        .await?;
    let (host, url) = (format!("Host: {HOST}"), format!("http://127.0.0.1:{port}/"));
    let told = ran(&wrk, &["-t1", "-c16", "-d1s", "-H", &host, &url]).await?;
    let is_good = !told.contains("Socket errors") && !told.contains("Non-2xx");
    if is_good && told.contains("requests in") && !told.contains(" 0 requests in") {
        return Ok(());
    }
    Err(Error::wrong(format!("wrk says:\n{told}")))
}

/// curl through the plugins http_proxy and socks5: by name and by address, a page and a tunnel,
/// with a wrong password.
///
/// # Errors
/// When it gets something else than it should.
pub async fn forward_proxies(pairing: Pairing) -> Result {
    let Some(curl) = tool("curl") else {
        return Ok(());
    };
    let authority = Authority::new()?;
    let (plain, secure) = (web("plain shop").await?, secure_shop(&authority).await?);
    let (http, socks) = (free_port()?, free_port()?);
    let nowhere = tcp_echo().await?;
    let plugin = |port: u16, lines: &str| format!("remotePort = {port}\n[proxies.plugin]\n{lines}");
    let http_lines = "type = \"http_proxy\"\nhttpUser = \"u\"\nhttpPassword = \"p\"";
    let socks_lines = "type = \"socks5\"\nusername = \"u\"\npassword = \"p\"";
    let scene = scene!(pairing)
        .proxy("http", "tcp", nowhere.addr(), &plugin(http, http_lines))
        .proxy("socks", "tcp", nowhere.addr(), &plugin(socks, socks_lines));
    let ca = scene.dir().write("ca.pem", authority.pem())?;
    let _pair = scene.start().await?;
    let ca = ca.to_string_lossy().into_owned();
    let to = format!("{HOST}:{}:127.0.0.1", secure.port());
    let pages = [
        (format!("http://localhost:{}/", plain.port()), "plain shop"),
        (format!("http://127.0.0.1:{}/", plain.port()), "plain shop"),
    ];
    for (flag, port) in [
        ("-x", http),
        ("--socks5", socks),
        ("--socks5-hostname", socks),
    ] {
        let proxy = |login: &str| format!("{login}@127.0.0.1:{port}");
        let right = proxy("u:p");
        for (url, page) in &pages {
            let seen = ran(&curl, &["-sS", flag, &right, url]).await?;
            expect(&format!("{flag} {url}"), &seen, page)?;
        }
        let wrong = proxy("u:q");
        let (url, _) = &pages[1];
        let told = run("curl", &curl, &["-sS", "-f", flag, &wrong, url], DONE).await?;
        if told.code == Some(0) {
            return Err(Error::wrong(format!(
                "{flag} with a wrong password: {told:?}"
            )));
        }
    }
    // Through a tunnel; the proxy is asked for an address, as it does not know the name.
    let at = format!("{HOST}:443:127.0.0.1:{}", secure.port());
    let (url, proxy) = (format!("https://{HOST}/"), format!("u:p@127.0.0.1:{http}"));
    let args = [
        "-sS",
        "--cacert",
        &ca,
        "--resolve",
        &to,
        "--connect-to",
        &at,
        "-x",
        &proxy,
        &url,
    ];
    expect("a tunnel", &ran(&curl, &args).await?, "<p>secure shop</p>")
}
