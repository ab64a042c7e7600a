//! Programs in Go of `tests/peers/go`, which have the libraries that real frp uses.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use tokio::sync::Mutex;

use crate::{Error, Result, peer::target, run, tool};

/// How long a first build may take, with the libraries still to be fetched.
const BUILT_WITHIN: Duration = Duration::from_secs(300);

/// The program of `tests/peers/go/<name>`, built once for the running test program; `None`, after
/// telling the reader, without Go. A first build needs the Go module proxy.
///
/// *Cancel safety*: a build that is given up starts anew with the next call.
///
/// # Errors
/// When it does not build.
pub async fn go_peer(name: &'static str) -> Result<Option<PathBuf>> {
    static BUILT: Mutex<BTreeMap<&str, PathBuf>> = Mutex::const_new(BTreeMap::new());
    let Some(go) = tool("go") else {
        return Ok(None);
    };
    let mut built = BUILT.lock().await;
    if let Some(program) = built.get(name) {
        return Ok(Some(program.clone()));
    }
    let program = target()?.join("tmp").join(format!("go-{name}"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../peers/go");
    let (out, package) = (program.to_string_lossy(), format!("./{name}"));
    let args = ["build", "-C", source, "-mod=readonly", "-o", &out, &package];
    let done = run("go build", &go, &args, BUILT_WITHIN).await?;
    if done.code != Some(0) {
        let why = done.text;
        return Err(Error::wrong(format!(
            "the Go peer {name} does not build:\n{why}"
        )));
    }
    built.insert(name, program.clone());
    Ok(Some(program))
}
