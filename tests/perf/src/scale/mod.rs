//! Many clients and connections at one server: what they take, and whether it still answers.

mod client;
mod users;

use std::{fmt::Write as _, future::Future, str::FromStr, sync::Arc, time::Duration};

use culvert_io::Scope;
use culvert_kit::{Error, Program, Result, TempDir, Usage, api_call, connected, free_port};
use tokio::{
    runtime::Handle,
    task::JoinSet,
    time::{Instant, sleep},
};

use self::client::{Client, Door};
use crate::{
    out::progress,
    pair::{SOON, TICKS},
    system::Binaries,
};

/// How many there are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crowd {
    clients: usize,
    connections: usize,
}

impl FromStr for Crowd {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once(':').and_then(|(clients, connections)| {
            Some((clients.parse().ok()?, connections.parse().ok()?))
        });
        let (clients, connections) =
            parts.ok_or_else(|| Error::wrong("a crowd is CLIENTS:CONNECTIONS"))?;
        Ok(Self {
            clients,
            connections,
        })
    }
}

/// Files that a process has open besides.
const OTHER_FILES: usize = 300;

/// Logins, or connections, that are under way at a time.
const AT_ONCE: usize = 128;

/// How long everything is left alone before memory is read: freed memory goes back to the system
/// seven seconds after a burst.
const SETTLE: Duration = Duration::from_secs(10);

/// How long the idle server is watched: a period of the mux's keepalives.
const WATCH: Duration = Duration::from_secs(30);

impl Crowd {
    /// Connections that come over a socket of their own, where a process may have so many `files`.
    /// Each takes one in frps, and two in this process: the user's, and that of the service.
    fn direct(self, files: usize) -> usize {
        let left = files.saturating_sub(self.clients + OTHER_FILES) / 2;
        left.min(self.connections)
    }
}

/// Brings the crowd to the server of `programs`; answers a table of what was seen.
///
/// # Errors
/// When the system does not allow so many files, or the server fails one of them.
pub(crate) async fn run(crowd: Crowd, files: usize, programs: &Binaries) -> Result<String> {
    let clients = crowd.clients;
    if clients + OTHER_FILES > files || clients < 2 * users::VISITED {
        return Err(Error::wrong(format!(
            "{clients} clients are too few, or too many for {files} open files (ulimit -Hn)"
        )));
    }
    let dir = TempDir::new()?;
    let (port, web) = (free_port()?, free_port()?);
    let frps = dir.write(
        "frps.toml",
        &format!(
            "bindAddr = \"127.0.0.1\"\nbindPort = {port}\nlog.level = \"error\"\n\
             webServer.addr = \"127.0.0.1\"\nwebServer.port = {web}\n"
        ),
    )?;
    let frps = Program::start("frps", &programs.frps, &["-c", &frps.to_string_lossy()])?;
    drop(connected(([127, 0, 0, 1], port).into(), SOON).await?);
    let scope = Scope::root(Handle::current());
    let client = format!("serverAddr = \"127.0.0.1\"\nserverPort = {port}\n");
    let door = Arc::new(Door::new(&client, scope.clone())?);
    let mut seen = Seen::new(&frps);
    let clients = seen.clients(crowd, &door).await?;
    seen.idle("clients", crowd.clients).await;
    let direct = crowd.direct(files);
    let count = (direct, crowd.connections - direct);
    let frpc = (dir, client.as_str(), &*programs.frpc);
    let users = seen.users(count, &clients, frpc).await?;
    seen.idle("clients and connections", crowd.clients).await;
    seen.answers(web).await?;
    drop((users, clients));
    scope.close(Duration::ZERO).await;
    sleep(SETTLE).await;
    let left = seen.grown();
    seen.tell(
        "memory once all have left",
        format!("{} more than at first", mib(left)),
    );
    Ok(seen.table)
}

/// What has been seen of the server.
struct Seen<'p> {
    frps: &'p Program,
    first: Usage,
    table: String,
}

impl<'p> Seen<'p> {
    fn new(frps: &'p Program) -> Self {
        Self {
            frps,
            first: frps.usage(),
            table: String::from("| what | seen |\n|---|---|\n"),
        }
    }

    /// Adds a row.
    fn tell(&mut self, what: &str, seen: String) {
        progress(&format!("{what}: {seen}"));
        // A string takes everything.
        let _ok = writeln!(self.table, "| {what} | {seen} |");
    }

    /// Bytes that frps has more than at first.
    fn grown(&self) -> f64 {
        resident(self.frps) - resident_of(self.first)
    }

    /// Lets all clients log in.
    async fn clients(&mut self, crowd: Crowd, door: &Arc<Door>) -> Result<Vec<Client>> {
        let before = self.frps.usage();
        let begun = Instant::now();
        let clients = many((0..crowd.clients).map(|n| {
            let door = Arc::clone(door);
            Box::pin(async move { door.login(n).await })
        }))
        .await?;
        self.took("logins", crowd.clients, begun, before);
        sleep(SETTLE).await;
        let each = self.grown() / crowd.clients as f64;
        self.tell(
            "memory of frps with idle clients",
            format!("{}, {} for each", mib(resident(self.frps)), kib(each)),
        );
        Ok(clients)
    }

    /// Tells how long `count` of something took.
    fn took(&mut self, what: &str, count: usize, begun: Instant, before: Usage) {
        let took = begun.elapsed().as_secs_f64();
        let cpu = cpu(self.frps.usage()) - cpu(before);
        self.tell(
            what,
            format!(
                "{count} in {took:.1} s, {:.0} per second; {:.0} µs of CPU each in frps",
                count as f64 / took,
                cpu * 1e6 / count as f64
            ),
        );
    }

    /// Watches a server of whom nobody wants anything.
    async fn idle(&mut self, whose: &str, clients: usize) {
        let before = cpu(self.frps.usage());
        sleep(WATCH).await;
        let spent = cpu(self.frps.usage()) - before;
        self.tell(
            &format!("CPU of frps with idle {whose}"),
            format!(
                "{:.2} % of a processor: {:.0} µs for the keepalives of each in {WATCH:?}",
                100.0 * spent / WATCH.as_secs_f64(),
                spent * 1e6 / clients as f64
            ),
        );
    }

    /// Asks the web server for its larger lists.
    async fn answers(&mut self, web: u16) -> Result {
        for path in ["/api/serverinfo", "/api/clients", "/api/proxy/stcp"] {
            let begun = Instant::now();
            let answer = api_call(([127, 0, 0, 1], web).into(), "GET", path, "").await?;
            let took = begun.elapsed().as_secs_f64() * 1e3;
            let length = answer.body.len();
            let status = answer.status;
            self.tell(
                path,
                format!("status {status}, {length} bytes in {took:.1} ms"),
            );
        }
        Ok(())
    }
}

/// Does all of this, a number of them at a time.
async fn many<T, F>(each: impl Iterator<Item = F>) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let mut all = Vec::new();
    let mut under_way = JoinSet::new();
    for one in each {
        if under_way.len() >= AT_ONCE
            && let Some(done) = under_way.join_next().await
        {
            all.push(done.map_err(|e| Error::wrong(e.to_string()))??);
        }
        under_way.spawn(one);
    }
    while let Some(done) = under_way.join_next().await {
        all.push(done.map_err(|e| Error::wrong(e.to_string()))??);
    }
    Ok(all)
}

fn resident(program: &Program) -> f64 {
    resident_of(program.usage())
}

fn resident_of(usage: Usage) -> f64 {
    usage.rss.unwrap_or_default() as f64
}

fn cpu(usage: Usage) -> f64 {
    usage.cpu_ticks.unwrap_or_default() as f64 / TICKS
}

fn mib(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / f64::from(1 << 20))
}

fn kib(bytes: f64) -> String {
    format!("{:.1} KiB", bytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_sockets_as_far_as_the_system_gives_them() {
        let crowd: Crowd = "10000:50000".parse().unwrap();
        assert_eq!(crowd.direct(20_000), 4850);
        assert_eq!(crowd.direct(1_000_000), 50_000);
        assert_eq!(crowd.direct(1024), 0);
    }

    #[tokio::test]
    async fn many_are_made_and_an_error_is_told() {
        let all = many((0..300).map(async |n| Ok(n))).await.unwrap();
        assert_eq!(all.len(), 300);
        let none = many((0..300).map(async |_| Err::<(), _>(Error::wrong("no")))).await;
        none.unwrap_err();
    }
}
