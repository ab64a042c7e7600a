//! Users of one server: with sockets of their own through a real frpc, and as visitors, which are
//! streams of clients, where the system gives no more sockets.

use std::{net::SocketAddr, path::Path, time::Duration};

use culvert_io::{Peer, Stream};
use culvert_kit::{Error, Program, Result, TempDir, eventually, free_port, within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};

use super::{Client, SETTLE, Seen, kib, many, mib, resident};
use crate::{
    load::{ECHO, Load, Target, Work},
    pair::{SOON, ask},
    services::Services,
};

/// Clients whose secret services visitors come to; as many others are the visitors.
pub(super) const VISITED: usize = 8;

/// Users of one port: one address of loopback has 28,232 ports to come from on Linux.
const OF_ONE_PORT: usize = 20_000;

/// Connections that are asked once more after a rest.
const ASKED: usize = 500;

/// How long new users are measured.
const LASTING: Duration = Duration::from_secs(2);

/// Users, and what serves them.
pub(super) struct Users {
    _connections: Vec<Stream>,
    _frpc: Program,
    _services: Vec<Services>,
    _dir: TempDir,
}

impl Seen<'_> {
    /// Brings users with sockets and visitors, and asks some of them whether their connection still works.
    pub(super) async fn users(
        &mut self,
        (sockets, visits): (usize, usize),
        clients: &[Client],
        (dir, client, binary): (TempDir, &str, &Path),
    ) -> Result<Users> {
        let (mut services, mut doors) = (Vec::new(), Vec::new());
        let mut text = format!("{client}log.level = \"error\"\n");
        for n in 0..=sockets / OF_ONE_PORT {
            let (service, port) = (Services::start(None).await?, free_port()?);
            text += &format!(
                "[[proxies]]\nname = \"tcp{n}\"\ntype = \"tcp\"\nlocalIP = \"127.0.0.1\"\n\
                 localPort = {}\nremotePort = {port}\n",
                service.at.tcp.port()
            );
            doors.push(Target {
                tcp: SocketAddr::from(([127, 0, 0, 1], port)),
                ..service.at
            });
            services.push(service);
        }
        let file = dir.write("frpc.toml", &text)?;
        let frpc = Program::start("frpc", binary, &["-c", &file.to_string_lossy()])?;
        for door in &doors {
            let ready = eventually(SOON, "a first connection", || connect(door.tcp)).await;
            drop(ready.map_err(|late| Error::wrong(format!("{late}\n{}", frpc.tail())))?);
        }
        self.new_users(&doors, "before").await?;
        let mut direct = self.direct(sockets, &frpc, &doors).await?;
        let mut visits = self.visits(visits, clients).await?;
        self.echoes("users' sockets", &mut direct).await?;
        self.echoes("visitors", &mut visits).await?;
        self.new_users(&doors, "beside all these").await?;
        direct.append(&mut visits);
        Ok(Users {
            _connections: direct,
            _frpc: frpc,
            _services: services,
            _dir: dir,
        })
    }

    async fn direct(
        &mut self,
        count: usize,
        frpc: &Program,
        doors: &[Target],
    ) -> Result<Vec<Stream>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let (client, server) = (resident(frpc), resident(self.frps));
        let (begun, before) = (Instant::now(), self.frps.usage());
        let turn = doors.iter().cycle().take(count);
        let users = many(turn.map(|door| connect(door.tcp))).await?;
        self.took("users' sockets", count, begun, before);
        sleep(SETTLE).await;
        let each = |grown: f64| kib(grown / count as f64);
        self.tell(
            "memory of a user's socket",
            format!(
                "{} in frps, {} in frpc",
                each(resident(self.frps) - server),
                each(resident(frpc) - client)
            ),
        );
        Ok(users)
    }

    async fn visits(&mut self, count: usize, clients: &[Client]) -> Result<Vec<Stream>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let server = resident(self.frps);
        let (begun, before) = (Instant::now(), self.frps.usage());
        // Each visitor comes to each of the services.
        let services = clients.iter().take(VISITED);
        let visitors = clients.iter().skip(VISITED).take(VISITED);
        let pairs = visitors.flat_map(|visitor| services.clone().map(move |s| (visitor, s)));
        let visits = many(pairs.cycle().take(count).map(|(visitor, service)| {
            let (visitor, service) = (visitor.clone(), service.proxy.clone());
            async move {
                let mut stream = visitor.visit(&service).await?;
                echo(&mut stream).await?;
                Ok(stream)
            }
        }))
        .await?;
        self.took("visitors", count, begun, before);
        sleep(SETTLE).await;
        let (all, each) = (resident(self.frps), count as f64);
        let each = kib((all - server) / each);
        self.tell("memory of a visitor", format!("{each} in frps"));
        self.tell("memory of frps with all of them", mib(all));
        Ok(visits)
    }

    /// Asks some of the idle connections.
    async fn echoes(&mut self, whose: &str, users: &mut [Stream]) -> Result {
        let mut times = Vec::with_capacity(ASKED);
        let step = users.len().div_ceil(ASKED).max(1);
        for user in users.iter_mut().step_by(step) {
            let begun = Instant::now();
            echo(user).await?;
            times.push(begun.elapsed().as_micros());
        }
        times.sort_unstable();
        if let (Some(median), Some(last)) = (times.get(times.len() / 2), times.last()) {
            let asked = times.len();
            self.tell(
                &format!("an echo on {asked} idle {whose}, one after the other"),
                format!("p50 {median} µs, longest {last} µs"),
            );
        }
        Ok(())
    }

    /// What a user meets who comes now.
    async fn new_users(&mut self, doors: &[Target], when: &str) -> Result {
        let Some(target) = doors.first().copied() else {
            return Ok(());
        };
        for (what, work, users) in [
            ("small requests, one connection", Work::Requests, 1),
            ("new connections, one at a time", Work::Connects, 1),
            ("new connections, 16 at once", Work::Connects, 16),
        ] {
            let seen = ask(Load { work, users }, target, LASTING).await?;
            if let Some(error) = seen.first_error {
                return Err(Error::wrong(format!("{what}: {error}")));
            }
            let micros = |percent| seen.percentile(percent).unwrap_or_default().as_micros();
            self.tell(
                &format!("{what}, {when}"),
                format!("p50 {} µs, p99 {} µs", micros(50), micros(99)),
            );
        }
        Ok(())
    }
}

/// A user with a socket whose service echoes.
async fn connect(at: SocketAddr) -> Result<Stream> {
    let failed = || Error::io("connect");
    let mut socket = TcpStream::connect(at).await.map_err(failed())?;
    socket.set_nodelay(true).map_err(failed())?;
    socket.write_all(&[ECHO]).await.map_err(failed())?;
    let peer = Peer::new(at, socket.local_addr().map_err(failed())?, "tcp");
    let mut user = Stream::tcp(socket, peer);
    echo(&mut user).await?;
    Ok(user)
}

async fn echo(user: &mut Stream) -> Result {
    let round = async {
        user.write_all(&[7]).await?;
        user.flush().await?;
        user.read_exact(&mut [0]).await
    };
    let round = async { round.await.map(drop).map_err(Error::io("an echo")) };
    within(SOON, "an echo", round).await
}
