//! The command line, and what it chooses.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Parser;
use culvert_kit::{Error, Result};

use crate::{
    links::LinkSpec,
    row::{Kind, ROWS, Row},
    scale::Crowd,
    system::System,
    variant::{VARIANTS, Variant},
};

/// Measures our frps and frpc beside real frp, on this machine.
///
/// Users and services run inside this command; the two programs of each system run beside it, with
/// the same configuration. In each round every system does the same in turn, so that a slow minute
/// of the machine hits all of them; what is printed is the median of the rounds and, in brackets,
/// the lowest and the highest.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo perf", bin_name = "cargo perf", after_help = AFTER)]
pub(crate) struct Cli {
    /// Measure only these rows (below)
    #[arg(long, value_name = "ROWS", value_delimiter = ',')]
    only: Vec<String>,
    /// Measure only these configurations (below)
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    variants: Vec<String>,
    /// Measure only these systems
    #[arg(long, value_name = "SYSTEMS", value_delimiter = ',', value_enum, default_values_t = System::ALL)]
    pub(crate) systems: Vec<System>,
    /// How often each is measured
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long each load lasts
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    seconds: f64,
    /// Long links, as DELAY:LOSS:MBIT (one way, each way)
    #[arg(long, value_name = "LINKS", value_delimiter = ',', default_values = LINKS)]
    links: Vec<LinkSpec>,
    /// How long each load lasts on a long link
    #[arg(long, value_name = "S", default_value_t = 8.0)]
    link_seconds: f64,
    /// Two rounds of one second, on the default configuration, without long links: minutes
    #[arg(long)]
    quick: bool,
    /// Prove that everything can be measured, without figures worth reading: seconds
    #[arg(long, conflicts_with = "quick")]
    smoke: bool,
    /// Measure one server with so many clients and connections, and nothing else: minutes
    #[arg(long, value_name = "CLIENTS:CONNECTIONS", num_args = 0..=1, default_missing_value = "10000:50000", conflicts_with_all = ["quick", "smoke", "from"])]
    pub(crate) scale: Option<Crowd>,
    /// Write every value to this file [default: target/perf/figures.json]
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure nothing: show what is in these files of earlier runs
    #[arg(long, value_name = "FILES", value_delimiter = ',')]
    pub(crate) from: Vec<PathBuf>,
    /// Put the tables and plots into docs/PERFORMANCE.md
    #[arg(long)]
    pub(crate) write_docs: bool,
}

/// 50 ms there and back without and with loss; 200 ms with much.
const LINKS: [&str; 3] = ["25ms:0:100", "25ms:0.01:100", "100ms:0.03:50"];

const AFTER: &str = "\
Rows:
  up1 down1 down8         bytes in one stream or eight: rate and CPU of both programs
  rr1 rr64                small requests on 1 or 64 open connections: time, rate, CPU
  connect1 connect16      new connections, by one user or 16: time, rate, CPU
  http4 http64            pages by name on 4 or 64 connections kept open: rate, time, CPU
  udprr                   datagrams and their echo, 8 flows: rate, time, CPU
  idle1000                memory of an idle pair, and of each of 1000 idle connections
  clients                 memory of each of 200 idle clients in frps
  links                   long links: rates, and time of small requests alone and beside a bulk
                          stream; needs root, network namespaces and /dev/net/tun (Linux)

Configurations: tcp (the defaults: TLS and mux), tcp-plain, nomux-plain, enc, quic, kcp, ws.

Programs:
  ours   frps and frpc from the folder CULVERT_BIN_DIR, or built now
  frp    FRP_PEER_FRPS and FRP_PEER_FRPC, the paths of the two programs; without them ours is
         measured alone

Examples:
  cargo perf --quick
  cargo perf --only down1,rr1,http64 --variants tcp,quic --rounds 5
  cargo perf --only links --links 25ms:0.01:100 --variants tcp,quic
  cargo perf --scale 1000:5000 --systems ours
  cargo perf --from target/perf/figures.json --write-docs

Plots (SVG) and the values (JSON) are left in target/perf. Keep the machine quiet meanwhile, and
quote ratios, not single figures: those drift with the machine.";

/// What to measure.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) rows: Vec<Row>,
    pub(crate) variants: Vec<Variant>,
    pub(crate) systems: Vec<System>,
    pub(crate) rounds: u32,
    pub(crate) lasting: Duration,
    pub(crate) links: Vec<LinkSpec>,
    pub(crate) link_lasting: Duration,
    /// How long memory is left to settle.
    pub(crate) settle: Duration,
}

impl Cli {
    /// Where plots are left. What a smoke run leaves is not worth the figures of a real one.
    pub(crate) fn folder(&self, root: &Path) -> PathBuf {
        let folder = root.join("target/perf");
        if self.smoke {
            folder.join("smoke")
        } else {
            folder
        }
    }

    /// Where the values are left.
    pub(crate) fn values(&self, root: &Path) -> PathBuf {
        let chosen = self.json.clone();
        chosen.unwrap_or_else(|| self.folder(root).join("figures.json"))
    }

    /// What to measure.
    ///
    /// # Errors
    /// When a row or configuration is asked for that there is not.
    pub(crate) fn plan(&self) -> Result<Plan> {
        let mut plan = Plan {
            rows: chosen("row", &self.only, &ROWS, |row| row.name)?,
            variants: chosen("configuration", &self.variants, &VARIANTS, |v| v.name)?,
            systems: self.systems.clone(),
            rounds: self.rounds,
            lasting: seconds(self.seconds)?,
            links: self.links.clone(),
            link_lasting: seconds(self.link_seconds)?,
            settle: Duration::from_secs(4),
        };
        if self.quick {
            (plan.rounds, plan.lasting) = (2, Duration::from_secs(1));
            if self.variants.is_empty() {
                plan.variants.truncate(1);
            }
            if self.only.is_empty() {
                plan.rows.retain(|row| row.kind != Kind::Links);
            }
        }
        if self.smoke {
            (plan.rounds, plan.lasting) = (1, Duration::from_millis(100));
            plan.link_lasting = Duration::from_millis(500);
            plan.settle = Duration::from_millis(100);
            plan.systems = vec![System::Ours];
            plan.links.truncate(1);
        }
        Ok(plan)
    }
}

fn seconds(seconds: f64) -> Result<Duration> {
    /// Longer runs than an hour are a slip of the finger.
    const MOST: f64 = 3600.0;
    if (0.05..=MOST).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(Error::wrong(format!(
        "{seconds} seconds are too few or too many"
    )))
}

/// Those of `all` that `wanted` names, or all.
fn chosen<T: Copy>(
    what: &str,
    wanted: &[String],
    all: &[T],
    name: impl Fn(&T) -> &str,
) -> Result<Vec<T>> {
    for wanted in wanted {
        if !all.iter().any(|one| name(one) == wanted) {
            let names: Vec<_> = all.iter().map(&name).collect();
            let names = names.join(", ");
            return Err(Error::wrong(format!(
                "no {what} {wanted:?}; there are {names}"
            )));
        }
    }
    let is_wanted = |one: &&T| wanted.is_empty() || wanted.iter().any(|w| w == name(one));
    Ok(all.iter().filter(is_wanted).copied().collect())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn plan(args: &[&str]) -> Result<Plan> {
        let args = [&["perf"], args].concat();
        Cli::try_parse_from(args).unwrap().plan()
    }

    #[test]
    fn the_command_line_is_sound_and_names_every_row_and_variant() {
        Cli::command().debug_assert();
        for name in ROWS.map(|r| r.name).iter().chain(&VARIANTS.map(|v| v.name)) {
            assert!(AFTER.contains(name), "{name}");
        }
    }

    #[test]
    fn everything_is_measured_unless_less_is_asked_for() {
        let all = plan(&[]).unwrap();
        assert_eq!((all.rows.len(), all.variants.len()), (ROWS.len(), 7));
        let some = plan(&["--only", "rr1,down1", "--variants", "quic"]).unwrap();
        assert_eq!((some.rows.len(), some.variants.len()), (2, 1));
        assert_eq!(plan(&["--smoke"]).unwrap().links.len(), 1);
        assert!(plan(&["--only", "nonsense"]).is_err());
        assert!(plan(&["--seconds", "0"]).is_err());
        assert!(Cli::try_parse_from(["perf", "--links", "25:0:1"]).is_err());
        let crowd = Cli::try_parse_from(["perf", "--scale"]).unwrap().scale;
        assert_eq!(crowd, Some("10000:50000".parse().unwrap()));
        assert!(Cli::try_parse_from(["perf", "--scale", "10"]).is_err());
    }
}
