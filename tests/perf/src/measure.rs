//! Rounds on loopback: the same work through each system, in turn.

use std::net::SocketAddr;

use culvert_kit::{Error, Result, eventually, within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time,
};

use crate::{
    cli::Plan,
    links,
    load::{ECHO, Load, Seen, Target},
    out::progress,
    pair::{Pair, SOON, ask},
    results::{Results, Sample},
    row::{CLIENTS, CONNECTIONS, Figure, Kind, PEAK, Row},
    services::Services,
    system::{Binaries, System},
    variant::Variant,
};

/// A KiB in a MiB, as a divisor.
const MIB: f64 = 1024.0;

/// Measures what `plan` asks for.
///
/// # Errors
/// When a pair does not start or the system refuses something.
pub(crate) async fn all(plan: &Plan, programs: &[Binaries], results: &mut Results) -> Result {
    let services = Services::start(None).await?;
    for n in 1..=plan.rounds {
        progress(&format!("round {n} of {}", plan.rounds));
        // Nobody is always the first after the pause.
        let mut programs: Vec<_> = programs.to_vec();
        if n % 2 == 0 {
            programs.reverse();
        }
        let mut round = Round {
            plan,
            programs: &programs,
            services: services.at,
            results,
        };
        round.direct().await?;
        for variant in &plan.variants {
            round.loads(*variant).await?;
            round.memory(*variant).await?;
        }
        if plan.rows.iter().any(|row| row.kind == Kind::Links) {
            links::measure(plan, &programs, results).await?;
        }
    }
    Ok(())
}

struct Round<'a> {
    plan: &'a Plan,
    programs: &'a [Binaries],
    services: Target,
    results: &'a mut Results,
}

impl Round<'_> {
    /// The rows that are loads.
    fn load_rows(&self) -> Vec<(Row, Load)> {
        let load = |row: &Row| match row.kind {
            Kind::Load(load) => Some((*row, load)),
            _ => None,
        };
        self.plan.rows.iter().filter_map(load).collect()
    }

    /// Every load without a tunnel: what the users themselves reach.
    async fn direct(&mut self) -> Result {
        if !self.plan.systems.contains(&System::Direct) {
            return Ok(());
        }
        for (row, load) in self.load_rows() {
            let seen = ask(load, self.services, self.plan.lasting).await?;
            self.keep_load(row, "", System::Direct, &seen, None);
        }
        Ok(())
    }

    /// Every load through `variant` of every system, one right after the other.
    async fn loads(&mut self, variant: Variant) -> Result {
        let rows = self.load_rows();
        if rows.is_empty() {
            return Ok(());
        }
        let mut pairs = Vec::new();
        for binaries in self.programs {
            let pair = Pair::start(binaries, variant, self.services, None).await?;
            pair.ready(SOON, ask).await?;
            pairs.push((binaries.system, pair));
        }
        for (row, load) in rows {
            for (system, pair) in &pairs {
                let before = pair.spent().cpu;
                let seen = ask(load, pair.at, self.plan.lasting).await?;
                let cpu = pair.spent().cpu - before;
                self.keep_load(row, variant.name, *system, &seen, Some(cpu));
            }
        }
        for (system, pair) in pairs {
            let peak = pair.spent().peak / MIB;
            self.keep(PEAK, variant.name, system, Figure::MibPeak, peak);
            pair.stop().await;
        }
        Ok(())
    }

    /// The rows about memory, each on a pair that has done nothing else.
    async fn memory(&mut self, variant: Variant) -> Result {
        let kinds = [Kind::Idle, Kind::Clients];
        let rows = self
            .plan
            .rows
            .iter()
            .filter(|row| kinds.contains(&row.kind));
        for row in rows.copied().collect::<Vec<_>>() {
            for binaries in self.programs {
                let pair = Pair::start(binaries, variant, self.services, None).await?;
                pair.ready(SOON, ask).await?;
                time::sleep(self.plan.settle).await;
                let place = (row, variant.name, binaries.system);
                match row.kind {
                    Kind::Clients => self.clients(place, &pair, binaries).await?,
                    _ => self.idle(place, &pair).await?,
                }
                pair.stop().await;
            }
        }
        Ok(())
    }

    async fn idle(&mut self, place: (Row, &str, System), pair: &Pair) -> Result {
        let (row, variant, system) = place;
        let before = pair.spent().resident;
        let mut users = crowd(pair.at.tcp).await?;
        time::sleep(self.plan.settle).await;
        let grown = pair.spent().resident - before;
        for user in &mut users {
            // Idle, but alive.
            within(SOON, "an echo after a rest", echo(user)).await?;
        }
        let each = grown / CONNECTIONS as f64;
        self.keep(row.name, variant, system, Figure::MibIdle, before / MIB);
        self.keep(row.name, variant, system, Figure::KibPerConnection, each);
        Ok(())
    }

    async fn clients(
        &mut self,
        place: (Row, &str, System),
        pair: &Pair,
        binaries: &Binaries,
    ) -> Result {
        let (row, variant, system) = place;
        let before = pair.server_spent().resident;
        let mut clients = pair.crowd(binaries).await?;
        time::sleep(self.plan.settle).await;
        let each = (pair.server_spent().resident - before) / CLIENTS as f64;
        clients.kill().await?;
        self.keep(row.name, variant, system, Figure::KibPerClient, each);
        Ok(())
    }

    fn keep_load(
        &mut self,
        row: Row,
        variant: &str,
        system: System,
        seen: &Seen,
        cpu: Option<f64>,
    ) {
        if let Some(error) = &seen.first_error {
            let (name, whose) = (row.name, system.name());
            let what = format!(
                "{name} {variant} {whose}: {} errors, first: {error}",
                seen.errors
            );
            progress(&what);
            self.results.errors.push(what);
        }
        let micros = |percent| seen.percentile(percent).map(|t| t.as_secs_f64() * 1e6);
        let gib = seen.bytes as f64 / f64::from(1 << 30);
        let operations = seen.times.len() as f64;
        for figure in row.figures {
            let value = match figure {
                Figure::Gigabits => Some(seen.bits() / 1e9),
                Figure::PerSecond => Some(seen.rate()),
                Figure::Median => micros(50),
                Figure::Tail => micros(99),
                Figure::CpuPerGib => cpu.filter(|_| gib > 0.0).map(|cpu| cpu / gib),
                Figure::CpuPerOperation => cpu
                    .filter(|_| operations > 0.0)
                    .map(|cpu| cpu * 1e6 / operations),
                _ => None,
            };
            if let Some(value) = value {
                self.keep(row.name, variant, system, *figure, value);
            }
        }
    }

    fn keep(&mut self, row: &str, variant: &str, system: System, figure: Figure, value: f64) {
        let whose = system.name();
        progress(&format!(
            "{row} {variant} {whose}: {value:.2} {}",
            figure.title()
        ));
        self.results.samples.push(Sample {
            row: row.to_owned(),
            variant: variant.to_owned(),
            system,
            figure,
            value,
        });
    }
}

/// Opens [`CONNECTIONS`] and has a byte echoed on each.
async fn crowd(to: SocketAddr) -> Result<Vec<TcpStream>> {
    let mut users = JoinSet::new();
    for _ in 0..CONNECTIONS {
        users.spawn(async move {
            eventually(SOON, "a connection that echoes", async || {
                let socket = TcpStream::connect(to).await;
                let mut socket = socket.map_err(Error::io("connect"))?;
                let asked = socket.write_all(&[ECHO]).await;
                asked.map_err(Error::io("ask for echoes"))?;
                echo(&mut socket).await?;
                Ok(socket)
            })
            .await
        });
    }
    users.join_all().await.into_iter().collect()
}

async fn echo(socket: &mut TcpStream) -> Result {
    let round = async {
        socket.write_all(&[7]).await?;
        socket.read_exact(&mut [0]).await
    };
    round.await.map(drop).map_err(Error::io("an echo"))
}
