//! Long links: the server at one end, the client and the services at the other.

use std::{str::FromStr, sync::Arc, time::Duration};

use culvert_kit::{Error, Link, Namespace, Result, Shape};
use tokio::{task, time};

use crate::{
    cli::Plan,
    load::{self, Load, SLOT, Seen, Target, Work},
    out::progress,
    pair::Pair,
    results::{Curve, Results, Sample},
    row::Figure,
    services::Services,
    system::Binaries,
    variant::Variant,
};

/// How long a pair may take to connect; a link that loses much is slow.
const READY: Duration = Duration::from_secs(30);

/// A link as the command line tells it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LinkSpec {
    pub(crate) shape: Shape,
    /// As the tables call it.
    pub(crate) name: String,
}

impl FromStr for LinkSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let mut parts = text.split(':');
            let delay = parts.next()?.strip_suffix("ms")?.parse().ok()?;
            let loss: f64 = parts.next()?.parse().ok()?;
            let rate: u64 = parts.next()?.parse().ok()?;
            let sound = (0.0..=1.0).contains(&loss) && (1..=100_000).contains(&rate);
            (parts.next().is_none() && sound).then_some((delay, loss, rate))
        };
        let (delay, loss, rate): (u64, _, _) = read()
            .ok_or_else(|| Error::wrong("a link is DELAY:LOSS:MBIT, such as 25ms:0.01:100"))?;
        Ok(Self {
            name: format!(
                "{} ms there and back, {} % loss, {rate} Mbit/s",
                2 * delay,
                loss * 100.0
            ),
            shape: Shape {
                delay: Duration::from_millis(delay),
                loss,
                rate: rate * 1_000_000,
                ..Shape::default()
            },
        })
    }
}

/// Measures every link in this round.
///
/// # Errors
/// When the system refuses something, or a pair does not start.
pub(crate) async fn measure(plan: &Plan, programs: &[Binaries], results: &mut Results) -> Result {
    for spec in &plan.links {
        for variant in plan.variants.iter().filter(|v| v.on_links()) {
            for binaries in programs {
                let Some(link) = Link::new(spec.shape).await? else {
                    return Ok(());
                };
                let run = Run {
                    plan,
                    spec,
                    variant: *variant,
                    binaries,
                    link,
                };
                run.measure(results).await?;
            }
        }
    }
    Ok(())
}

/// One pair on one link.
struct Run<'a> {
    plan: &'a Plan,
    spec: &'a LinkSpec,
    variant: Variant,
    binaries: &'a Binaries,
    link: Link,
}

impl Run<'_> {
    async fn measure(&self, results: &mut Results) -> Result {
        let services = Services::start(Some(Arc::clone(&self.link.far))).await?;
        let pair = Pair::start(self.binaries, self.variant, services.at, Some(&self.link)).await?;
        let user = async |load, at, lasting| ask(&self.link.near, load, at, lasting).await;
        match pair.ready(READY, user).await {
            Ok(ready) => {
                self.keep(results, Figure::Ready, ready.as_secs_f64());
                self.loads(pair.at, results).await?;
            }
            Err(error) => {
                let whose = self.binaries.system.name();
                let what = format!(
                    "{whose}, {}, {}: {error}",
                    self.variant.name, self.spec.name
                );
                progress(&what);
                results.errors.push(what);
            }
        }
        pair.stop().await;
        Ok(())
    }

    async fn loads(&self, at: Target, results: &mut Results) -> Result {
        let lasting = self.plan.link_lasting;
        let one = |work| Load { work, users: 1 };
        let ask = |load, lasting| ask(&self.link.near, load, at, lasting);
        let idle = ask(one(Work::Requests), lasting / 2).await?;
        self.keep(results, Figure::MedianIdle, millis(idle.percentile(50)));
        for (figure, work, users) in [
            (Figure::MegabitsDown, Work::Down, 1),
            (Figure::MegabitsUp, Work::Up, 1),
            (Figure::MegabitsDownFour, Work::Down, 4),
        ] {
            let seen = ask(Load { work, users }, lasting).await?;
            self.keep(results, figure, seen.bits() / 1e6);
            if figure == Figure::MegabitsDown {
                results.curves.push(self.curve(&seen));
            }
            // What is still under way would be counted with the next.
            time::sleep(lasting / 5).await;
        }
        let (bulk, beside) = tokio::join!(ask(one(Work::Down), lasting), async {
            time::sleep(lasting / 4).await;
            ask(one(Work::Requests), lasting * 5 / 8).await
        });
        let (_bulk, beside) = (bulk?, beside?);
        self.keep(results, Figure::MedianLoaded, millis(beside.percentile(50)));
        self.keep(results, Figure::TailLoaded, millis(beside.percentile(99)));
        Ok(())
    }

    fn keep(&self, results: &mut Results, figure: Figure, value: f64) {
        let system = self.binaries.system;
        let (whose, variant, link) = (system.name(), self.variant.name, &self.spec.name);
        progress(&format!(
            "{link}: {variant} {whose}: {value:.1} {}",
            figure.title()
        ));
        results.samples.push(Sample {
            row: link.clone(),
            variant: variant.to_owned(),
            system,
            figure,
            value,
        });
    }

    /// The rate over time; the last slot is not a whole one.
    fn curve(&self, seen: &Seen) -> Curve {
        let rate = |bytes: &u64| *bytes as f64 * 8.0 / SLOT.as_secs_f64() / 1e6;
        let whole = seen.slots.len().saturating_sub(1);
        Curve {
            link: self.spec.name.clone(),
            variant: self.variant.name.to_owned(),
            system: self.binaries.system,
            rates: seen.slots.iter().take(whole).map(rate).collect(),
        }
    }
}

fn millis(time: Option<Duration>) -> f64 {
    time.unwrap_or_default().as_secs_f64() * 1e3
}

/// Runs a load from inside `network`.
async fn ask(network: &Arc<Namespace>, load: Load, at: Target, lasting: Duration) -> Result<Seen> {
    let network = Arc::clone(network);
    let work = move || network.inside(|| load::run(load, at, lasting));
    let done = task::spawn_blocking(work).await;
    done.map_err(|e| Error::wrong(e.to_string()))?
}
