//! Has the linker fold functions of the same machine code into one, which generic code has many of:
//! 1 % of a program. lld and mold know how; GNU's linker, for one, does not, and only the linker in
//! use can tell. So it is given an empty program to link in the same way.

use std::{
    env,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

/// No code of ours compares functions by their addresses, which Rust does not promise to differ.
const FOLD: &str = "-Clink-arg=-Wl,--icf=all";

fn main() {
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let is_fast_build = env::var("OPT_LEVEL").is_ok_and(|level| level == "0");
    let is_windows = env::var_os("CARGO_CFG_WINDOWS").is_some();
    if !is_fast_build && !is_windows && links().unwrap_or(false) {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}

/// Whether the linker takes [`FOLD`]; `None` where nothing can be tried.
fn links() -> Option<bool> {
    let out = Path::new(&env::var_os("OUT_DIR")?).join("probe");
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let linker = env::var("RUSTC_LINKER").map(|linker| format!("-Clinker={linker}"));
    let mut rustc = Command::new(env::var_os("RUSTC")?)
        .args(["--crate-name=probe", "--target", &env::var("TARGET").ok()?])
        .args(flags.split('\x1f').filter(|flag| !flag.is_empty()))
        .args(linker)
        .args([FOLD, "-", "-o"])
        .arg(out)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    rustc.stdin.take()?.write_all(b"fn main() {}").ok()?;
    rustc.wait().ok().map(|status| status.success())
}
