//! The steps of `cargo xtask test`, in their order.

use super::Tally;
use crate::{
    cargo::{cargo, shown},
    demo, deps,
    error::Result,
    sizes, weight,
};

/// One check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Format,
    Lints,
    Sizes,
    Deps,
    Docs,
    Units,
    Doctests,
    Release,
    Slim,
    EndToEnd,
    Interop,
    Long,
    Demo,
}

/// Members whose tests start programs; they have steps of their own.
const END_TO_END: &str = "culvert-e2e";

impl Step {
    /// The steps to run, cheapest first.
    pub(super) fn chosen(quick: bool, long: bool) -> Vec<Self> {
        let mut steps = vec![
            Self::Format,
            Self::Sizes,
            Self::Deps,
            Self::Lints,
            Self::Docs,
            Self::Units,
            Self::Doctests,
        ];
        if !quick {
            steps.extend([Self::Release, Self::Slim, Self::EndToEnd, Self::Interop]);
            steps.extend(long.then_some(Self::Long));
            steps.push(Self::Demo);
        }
        steps
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Lints => "lints",
            Self::Sizes => "sizes",
            Self::Deps => "deps",
            Self::Docs => "docs",
            Self::Units => "tests",
            Self::Doctests => "doctests",
            Self::Release => "release",
            Self::Slim => "slim",
            Self::EndToEnd => "e2e",
            Self::Interop => "interop",
            Self::Long => "long",
            Self::Demo => "demo",
        }
    }

    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Format => "every file is as `cargo fmt` leaves it",
            Self::Lints => "clippy finds nothing",
            Self::Sizes => "no file has more than 600 lines",
            Self::Deps => "the crates depend on each other as drawn",
            Self::Docs => "the documentation builds without a dead link",
            Self::Units => "the tests of every crate",
            Self::Doctests => "the examples in the documentation",
            Self::Release => "both programs, as they are shipped",
            Self::Slim => "the smallest programs: lints, weight, a tunnel",
            Self::EndToEnd => "real programs on real ports, ours with ours",
            Self::Interop => "ours with real frp, both ways round",
            Self::Long => "what takes minutes: idle sessions, restarts, silent peers",
            Self::Demo => "the demo, once",
        }
    }

    pub(super) async fn run(self, tally: &mut Tally) -> Result {
        match self {
            Self::Sizes => sizes::check(),
            Self::Deps => deps::check().await,
            Self::Demo => demo::run(demo::Args::once()).await,
            Self::Slim => self.slim(tally).await,
            Self::EndToEnd => {
                let tested = self.test(tally).await;
                tested.and(smoke().await)
            }
            Self::Units | Self::Doctests | Self::Interop | Self::Long => self.test(tally).await,
            Self::Format | Self::Lints | Self::Docs | Self::Release => self.plain().await,
        }
    }

    /// The steps that are one run of cargo.
    async fn plain(self) -> Result {
        let args: &[&str] = match self {
            Self::Format => &["fmt", "--all", "--check"],
            Self::Lints => &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ],
            Self::Docs => &[
                "doc",
                "--workspace",
                "--no-deps",
                "--document-private-items",
            ],
            _ => weight::FULL,
        };
        let mut command = cargo(args);
        if self == Self::Docs {
            command.env("RUSTDOCFLAGS", "-D warnings");
        }
        shown(&format!("cargo {}", args.join(" ")), &mut command).await
    }

    /// What a build without the optional parts is: clean, small, and a tunnel.
    async fn slim(self, tally: &mut Tally) -> Result {
        let lints = [
            "clippy",
            "--package",
            "frps",
            "--package",
            "frpc",
            "--no-default-features",
            "--",
            "-D",
            "warnings",
        ];
        shown(&format!("cargo {}", lints.join(" ")), &mut cargo(&lints)).await?;
        weight::build(weight::SLIM).await?;
        let weighed = weight::weigh();
        let args = ["test", "--package", END_TO_END, "--test", "slim"];
        let mut command = cargo(&args);
        command.env("CULVERT_SLIM_DIR", weight::target("slim"));
        tally
            .shown(&format!("cargo {}", args.join(" ")), &mut command)
            .await?;
        weighed
    }

    /// The steps that count tests.
    async fn test(self, tally: &mut Tally) -> Result {
        let whole = [
            "test",
            "--workspace",
            "--no-fail-fast",
            "--exclude",
            END_TO_END,
        ];
        let own = ["test", "--no-fail-fast", "--package", END_TO_END];
        let args = match self {
            Self::Doctests => [&whole[..], &["--doc"]].concat(),
            Self::EndToEnd => [
                &own[..],
                &[
                    "--test",
                    "e2e",
                    "--test",
                    "doctor",
                    "--test",
                    "extend",
                    "--test",
                    "browser",
                    "--",
                    "--nocapture",
                ],
            ]
            .concat(),
            Self::Interop => [&own[..], &["--test", "interop", "--", "--nocapture"]].concat(),
            // One at a time: these look at the clock and at memory.
            Self::Long => [
                &own[..],
                &["--", "--nocapture", "--ignored", "--test-threads=1"],
            ]
            .concat(),
            _ => [&whole[..], &["--lib", "--bins", "--tests"]].concat(),
        };
        let mut command = cargo(&args);
        if matches!(self, Self::EndToEnd | Self::Interop | Self::Long) {
            command.env("CULVERT_BIN_DIR", programs());
        }
        tally
            .shown(&format!("cargo {}", args.join(" ")), &mut command)
            .await
    }
}

/// Proves that what is published about speed can still be measured; figures come of it none.
async fn smoke() -> Result {
    let mut command = cargo(&["run", "--quiet", "--package", "culvert-perf", "--"]);
    command.args(["--smoke", "--variants", "tcp,kcp"]);
    command.env("CULVERT_BIN_DIR", programs());
    shown("cargo perf --smoke", &mut command).await
}

/// The programs of the release step, unless others are named: as they are shipped, and fast enough
/// for the load.
fn programs() -> String {
    std::env::var("CULVERT_BIN_DIR").unwrap_or_else(|_| release_dir())
}

/// Where the release step leaves its programs.
pub(crate) fn release_dir() -> String {
    weight::target("release").to_string_lossy().into_owned()
}
