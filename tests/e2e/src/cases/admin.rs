//! The web servers of both programs: their APIs as upstream's dashboards use them, the store, and
//! changes while the client runs.

use std::net::SocketAddr;

use culvert_kit::{
    Answer, Error, Peer, Result, Service, api_call, echo_once, eventually, free_port, tcp_echo,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Pair, Pairing, SOON, Scene, local};

/// A pair with web servers, and where they are.
struct Stage {
    pair: Pair,
    frps: SocketAddr,
    frpc: SocketAddr,
    /// Closed when dropped.
    _echo: Service,
}

impl Stage {
    /// Starts a pair with a tcp proxy for each of `ports`, `p0` and on; `None` when its programs
    /// are not here.
    async fn new(pairing: Pairing, ports: &[u16], client: &str) -> Result<Option<Self>> {
        let Some(scene) = Scene::new(pairing).await? else {
            return Ok(None);
        };
        let echo = tcp_echo().await?;
        let (frps, frpc) = (free_port()?, free_port()?);
        let store = scene.dir().path().join("store.json");
        let mut scene = scene
            .server(&format!("webServer.port = {frps}\nwebServer.pprofEnable = true"))
            .client(&format!(
                "webServer.port = {frpc}\nwebServer.pprofEnable = true\nstore.path = {:?}\n{client}",
                store.display().to_string()
            ));
        for (n, port) in ports.iter().enumerate() {
            let remote = format!("remotePort = {port}");
            scene = scene.proxy(&format!("p{n}"), "tcp", echo.addr(), &remote);
        }
        Ok(Some(Self {
            pair: scene.start().await?,
            frps: local(frps),
            frpc: local(frpc),
            _echo: echo,
        }))
    }

    /// Asks frpc, which must answer with 200.
    async fn ask(&self, method: &str, path: &str, body: &str) -> Result<Answer> {
        good(self.frpc, method, path, body).await
    }

    /// Changes the file of frpc without telling it.
    async fn edit(&self, change: impl FnOnce(String) -> String) -> Result {
        let text = self.ask("GET", "/api/config", "").await?.body;
        let text = change(text);
        self.ask("PUT", "/api/config", &text).await.map(drop)
    }

    /// What a program says in a line of `/debug/pprof/goroutine`.
    async fn tasks(&self, at: SocketAddr) -> Result<u64> {
        let answer = good(at, "GET", "/debug/pprof/goroutine", "").await?;
        let line = answer.body.lines().find_map(|l| l.strip_prefix("tasks: "));
        line.and_then(|n| n.parse().ok())
            .ok_or_else(|| Error::wrong(format!("no tasks in {:?}", answer.body)))
    }
}

/// An answer, which must be 200.
async fn good(at: SocketAddr, method: &str, path: &str, body: &str) -> Result<Answer> {
    let answer = api_call(at, method, path, body).await?;
    if answer.status == 200 {
        return Ok(answer);
    }
    let (status, said) = (answer.status, answer.body);
    Err(Error::wrong(format!("{method} {path}: {status} {said}")))
}

async fn serves(port: u16) -> Result {
    let what = format!("an echo through port {port}");
    eventually(SOON, &what, || echo_once(local(port), 1, 1000)).await
}

/// Waits until nobody listens at `port`.
async fn closed(port: u16) -> Result {
    eventually(SOON, &format!("port {port} is closed"), || async {
        match TcpStream::connect(local(port)).await {
            Err(_) => Ok(()),
            Ok(_) => Err(Error::wrong("somebody listens")),
        }
    })
    .await
}

/// What the pages of frp's own frps ask for (web/frps/src/api), and the v1 API of scripts; each
/// with a word of its answer.
const FRPS_CALLS: [(&str, &str, &str); 16] = [
    ("GET", "/api/v2/system/info", "\"proxyTypeCount\""),
    ("GET", "/api/v2/users?page=1&pageSize=50", "\"clientCount\""),
    (
        "GET",
        "/api/v2/clients?page=1&pageSize=10&status=all",
        "\"online\":true",
    ),
    ("GET", "/api/v2/clients/me", "\"phase\":\"online\""),
    (
        "GET",
        "/api/v2/proxies?page=1&pageSize=10&type=tcp&q=p0",
        "\"total\":1",
    ),
    ("GET", "/api/v2/proxies/p0", "\"remotePort\""),
    ("GET", "/api/v2/proxies/p0/traffic", "\"history\""),
    (
        "POST",
        "/api/v2/system/prune?type=offline_proxies",
        "\"cleared\":0",
    ),
    ("GET", "/api/serverinfo", "\"bindPort\""),
    ("GET", "/api/clients", "\"clientID\":\"me\""),
    ("GET", "/api/clients/me", "\"runID\""),
    ("GET", "/api/proxy/tcp", "\"proxies\":[{"),
    ("GET", "/api/proxy/tcp/p0", "\"status\":\"online\""),
    ("GET", "/api/proxies/p0", "\"curConns\""),
    ("GET", "/api/traffic/p0", "\"trafficIn\""),
    ("DELETE", "/api/proxies?status=offline", "success"),
];

/// What the pages of frp's own frpc ask for (web/frpc/src/api), with bodies.
const FRPC_CALLS: [(&str, &str, &str, &str); 18] = [
    ("GET", "/api/status", "", "\"status\":\"running\""),
    (
        "GET",
        "/api/proxy/p0/config",
        "",
        "\"localIP\":\"127.0.0.1\"",
    ),
    ("GET", "/api/store/proxies", "", "{\"proxies\":[]}"),
    (
        "POST",
        "/api/store/proxies",
        r#"{"name":"s","type":"stcp","stcp":{"localPort":1}}"#,
        "\"plugin\":null",
    ),
    ("GET", "/api/store/proxies/s", "", "\"type\":\"stcp\""),
    (
        "PUT",
        "/api/store/proxies/s",
        r#"{"name":"s","type":"stcp","stcp":{"enabled":false}}"#,
        "\"enabled\":false",
    ),
    ("GET", "/api/proxy/s/config", "", "\"enabled\":false"),
    ("DELETE", "/api/store/proxies/s", "", ""),
    ("GET", "/api/store/visitors", "", "{\"visitors\":[]}"),
    (
        "POST",
        "/api/store/visitors",
        r#"{"name":"v","type":"stcp","stcp":{"serverName":"s","bindPort":-1}}"#,
        "\"serverName\":\"s\"",
    ),
    ("GET", "/api/store/visitors/v", "", "\"bindPort\":-1"),
    (
        "GET",
        "/api/visitor/v/config",
        "",
        "\"bindAddr\":\"127.0.0.1\"",
    ),
    (
        "PUT",
        "/api/store/visitors/v",
        r#"{"name":"v","type":"sudp","sudp":{"serverName":"s","bindPort":-1}}"#,
        "\"type\":\"sudp\"",
    ),
    ("DELETE", "/api/store/visitors/v", "", ""),
    ("GET", "/api/config", "", "[[proxies]]"),
    ("GET", "/api/reload?strictConfig=true", "", ""),
    ("GET", "/healthz", "", ""),
    ("POST", "/api/stop", "", ""),
];

/// Every call of upstream's own dashboards succeeds, at both programs.
///
/// # Errors
/// When one does not, or its answer lacks what the page shows.
pub async fn dashboard_calls(pairing: Pairing) -> Result {
    let remote = free_port()?;
    let Some(mut stage) = Stage::new(pairing, &[remote], "clientID = \"me\"").await? else {
        return Ok(());
    };
    for (method, path, word) in FRPS_CALLS {
        holds(&good(stage.frps, method, path, "").await?, path, word)?;
    }
    for (method, path, body, word) in FRPC_CALLS {
        holds(&stage.ask(method, path, body).await?, path, word)?;
    }
    let ended = stage.pair.frpc.ended(SOON).await?;
    if ended.code == Some(0) {
        Ok(())
    } else {
        Err(Error::wrong(format!("frpc was stopped with {ended:?}")))
    }
}

fn holds(answer: &Answer, path: &str, word: &str) -> Result {
    if answer.body.contains(word) {
        return Ok(());
    }
    let body = &answer.body;
    Err(Error::wrong(format!("{path}: {word:?} is not in {body}")))
}

/// A proxy of the store is published at once, moved, and gone when it is deleted, and it is there
/// again after a restart.
///
/// # Errors
/// When a port is not what the store says.
pub async fn store(pairing: Pairing) -> Result {
    let (fixed, first, second) = (free_port()?, free_port()?, free_port()?);
    let Some(mut stage) = Stage::new(pairing, &[fixed], "").await? else {
        return Ok(());
    };
    let target = stage._echo.addr().port();
    let entry = |remote| {
        format!(
            r#"{{"name":"s","type":"tcp","tcp":{{"localPort":{target},"remotePort":{remote}}}}}"#
        )
    };
    stage
        .ask("POST", "/api/store/proxies", &entry(first))
        .await?;
    serves(first).await?;
    stage
        .ask("PUT", "/api/store/proxies/s", &entry(second))
        .await?;
    serves(second).await?;
    closed(first).await?;
    stage.pair.replace_frpc().await?;
    serves(second).await?;
    stage.ask("DELETE", "/api/store/proxies/s", "").await?;
    closed(second).await?;
    serves(fixed).await
}

/// Proxies in [`reload_keeps_the_others`].
const MANY: usize = 100;

/// A reload that changes one of 100 proxies leaves open connections of the other 99 untouched.
///
/// # Errors
/// When a connection breaks, a proxy is registered again, or the changed one is not at its new
/// port.
pub async fn reload_keeps_the_others(pairing: Pairing) -> Result {
    let ports = (0..MANY).map(|_| free_port()).collect::<Result<Vec<_>>>()?;
    let moved = free_port()?;
    let Some(stage) = Stage::new(pairing, &ports, "").await? else {
        return Ok(());
    };
    let mut open = Vec::new();
    for port in ports.iter().skip(1) {
        let mut socket = culvert_kit::connected(local(*port), SOON).await?;
        said(&mut socket, b"before").await?;
        open.push(socket);
    }
    let first = ports.first().copied().unwrap_or_default();
    let (old, new) = (
        format!("remotePort = {first}\n"),
        format!("remotePort = {moved}\n"),
    );
    stage.edit(|text| text.replacen(&old, &new, 1)).await?;
    stage
        .ask("GET", "/api/reload?strictConfig=true", "")
        .await?;
    serves(moved).await?;
    closed(first).await?;
    for socket in &mut open {
        said(socket, b"after").await?;
    }
    let registered = stage.pair.frpc.count("start proxy success");
    if registered == MANY + 1 {
        Ok(())
    } else {
        Err(Error::wrong(format!("{registered} registrations")))
    }
}

async fn said(socket: &mut TcpStream, words: &[u8]) -> Result {
    let mut back = vec![0; words.len()];
    let talk = async {
        socket.write_all(words).await?;
        socket.read_exact(&mut back).await
    };
    talk.await
        .map_err(Error::io("an echo on an open connection"))?;
    if back == words {
        Ok(())
    } else {
        Err(Error::wrong("another echo"))
    }
}

/// A file that is wrong changes nothing and says why; only for our frpc also by signal, and
/// without being asked.
///
/// # Errors
/// When a proxy does not follow the file, or follows a wrong one.
pub async fn reload_by_signal_and_by_watching(pairing: Pairing) -> Result {
    let (first, second, third) = (free_port()?, free_port()?, free_port()?);
    if pairing.frpc != Peer::Ours || !cfg!(unix) {
        return Ok(());
    }
    for client in ["", "watchConfig = true"] {
        let Some(stage) = Stage::new(pairing, &[first], client).await? else {
            return Ok(());
        };
        let told = async |times| {
            if client.is_empty() {
                stage.pair.frpc.signal("HUP").await?;
            }
            let reloads = "reload conf";
            stage.pair.frpc.wait_for_count(reloads, times, SOON).await
        };
        serves(first).await?;
        let moved = |from: u16, to: u16| {
            move |text: String| text.replacen(&format!("= {from}\n"), &format!("= {to}\n"), 1)
        };
        stage.edit(moved(first, second)).await?;
        told(1).await?;
        serves(second).await?;
        stage.edit(|text| text + "nonsense = 1\n").await?;
        if client.is_empty() {
            stage.pair.frpc.signal("HUP").await?;
        }
        let line = "reload failed, the old configuration stays: ";
        stage.pair.frpc.wait_for(line, SOON).await?;
        serves(second).await?;
        let mend = moved(second, third);
        stage
            .edit(|text| mend(text.replace("nonsense = 1\n", "")))
            .await?;
        told(2).await?;
        serves(third).await?;
    }
    Ok(())
}

/// Reloads in [`many_reloads_leak_nothing`].
const RELOADS: usize = 1000;
/// By how much memory may differ after them: what allocators keep, and far below 1 kB a reload
/// for each of the two programs.
const MEMORY: u64 = 12 << 20;

/// A thousand reloads of both programs, each of which moves a proxy, leave no task, no file and no
/// memory behind.
/// Only for our own pair, which counts its tasks.
///
/// # Errors
/// When something is left.
pub async fn many_reloads_leak_nothing(pairing: Pairing) -> Result {
    let (first, second, other) = (free_port()?, free_port()?, free_port()?);
    if !pairing.is_ours() {
        return Ok(());
    }
    let Some(stage) = Stage::new(pairing, &[first, other], "").await? else {
        return Ok(());
    };
    let at_first = stage.ask("GET", "/api/config", "").await?.body;
    let at_second = at_first.replacen(&format!("= {first}\n"), &format!("= {second}\n"), 1);
    let round = async |times: usize| {
        for _ in 0..times {
            for text in [&at_second, &at_first] {
                stage.ask("PUT", "/api/config", text).await?;
                stage.ask("GET", "/api/reload", "").await?;
                good(stage.frps, "POST", "/api/reload", "").await?;
            }
        }
        serves(first).await
    };
    // Warm: what stays once is no leak.
    round(10).await?;
    let before = (
        stage.tasks(stage.frpc).await?,
        stage.tasks(stage.frps).await?,
    );
    let usage = (stage.pair.frpc.usage(), stage.pair.frps.usage());
    round(RELOADS / 2).await?;
    eventually(SOON, "as many tasks as before", || async {
        let now = (
            stage.tasks(stage.frpc).await?,
            stage.tasks(stage.frps).await?,
        );
        if now.0 <= before.0 && now.1 <= before.1 {
            return Ok(());
        }
        Err(Error::wrong(format!("{now:?} tasks, before {before:?}")))
    })
    .await?;
    for (program, before) in [(&stage.pair.frpc, usage.0), (&stage.pair.frps, usage.1)] {
        let now = program.usage();
        if now.fds > before.fds.map(|n| n + 4)
            || now.anonymous > before.anonymous.map(|n| n + MEMORY)
        {
            return Err(Error::wrong(format!("{now:?}, before {before:?}")));
        }
    }
    Ok(())
}
