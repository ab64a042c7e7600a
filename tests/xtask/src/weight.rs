//! What the programs weigh, beside the most that docs/INSTALL.md says.

use std::path::{Path, PathBuf};

use crate::{
    cargo::{cargo, shown},
    error::{Error, Result},
    out::say,
};

/// The folder of a build, the program and the bytes that it may have.
const MOST: [(&str, &str, u64); 4] = [
    ("release", "frps", 8_900_000),
    ("release", "frpc", 8_000_000),
    ("slim", "frps", 3_000_000),
    ("slim", "frpc", 3_320_000),
];

/// How cargo builds both programs as they are shipped.
pub(crate) const FULL: &[&str] = &[
    "build",
    "--release",
    "--package",
    "frps",
    "--package",
    "frpc",
];

/// How it builds them without the optional parts.
pub(crate) const SLIM: &[&str] = &[
    "build",
    "--profile",
    "slim",
    "--no-default-features",
    "--package",
    "frps",
    "--package",
    "frpc",
];

/// Builds both programs in both ways and weighs them.
pub(crate) async fn run() -> Result {
    for args in [FULL, SLIM] {
        build(args).await?;
    }
    weigh()
}

/// Runs cargo with [`FULL`] or [`SLIM`].
pub(crate) async fn build(args: &[&str]) -> Result {
    shown(&format!("cargo {}", args.join(" ")), &mut cargo(args)).await
}

/// Compares what was built; all lines are printed before a failure.
pub(crate) fn weigh() -> Result {
    let mut heavy = 0;
    for (folder, program, most) in MOST {
        let file = target(folder).join(program);
        let what = format!("cannot weigh {}", file.display());
        let bytes = std::fs::metadata(&file).map_err(Error::io(what))?.len();
        let verdict = if bytes > most { "TOO HEAVY" } else { "ok" };
        heavy += usize::from(bytes > most);
        say(&format!(
            "{folder:<8} {program}  {bytes:>9} bytes of at most {most:>9}  {verdict}"
        ));
    }
    match heavy {
        0 => Ok(()),
        n => Err(Error::found(format!(
            "{n} programs weigh more than docs/INSTALL.md says: find out what came in"
        ))),
    }
}

/// Where cargo leaves what it builds in the profile of this name.
pub(crate) fn target(profile: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    std::path::absolute(Path::new(&target).join(profile)).unwrap_or_default()
}
