//! Real files from public repositories get the verdict that upstream's `verify` gives them.
//!
//! The files are not part of this repository: `CULVERT_CORPUS` names their folder, or it lies
//! beside the workspace as `../shared/corpus`. Without it the test says so and passes.

use std::path::{Path, PathBuf};

use culvert_conf::{Strictness, load_client, load_server};

/// TOML files whose verdict differs, with the reason. This list may only shrink.
const EXCEPTIONS: [(&str, &str); 1] = [(
    "010-frpc.toml",
    "has a [common] table, so that upstream reads it as INI",
)];

fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let folder = std::env::var_os("CULVERT_CORPUS").map_or(beside, PathBuf::from);
    folder.join("VERDICTS.tsv").is_file().then_some(folder)
}

/// Whether a text has a template action that does something, which this build does not read.
fn has_template(text: &str) -> bool {
    text.lines()
        .any(|line| line.split('#').next().unwrap_or_default().contains("{{"))
}

fn verdict(path: &Path, role: &str, strictness: Strictness) -> Result<(), String> {
    match role {
        "frps" => load_server(path, strictness).map(drop),
        _ => load_client(path, strictness).map(drop),
    }
    .map_err(|error| error.to_string())
}

#[test]
fn corpus_verdicts() {
    let Some(folder) = folder() else {
        println!("skipped: no corpus of configuration files; name its folder in CULVERT_CORPUS");
        return;
    };
    let table = std::fs::read_to_string(folder.join("VERDICTS.tsv")).unwrap();
    let (mut same, mut templates, mut wrong, mut excused) = (0, 0, Vec::new(), Vec::new());
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [file, role, env, flags, exit, _, output] = columns[..] else {
            panic!("{row}")
        };
        if !file.ends_with(".toml") || env.contains(';') {
            continue;
        }
        let path = folder.join(file);
        if has_template(&std::fs::read_to_string(&path).unwrap()) {
            templates += 1;
            continue;
        }
        let lenient = flags.contains("--strict-config=false");
        let strictness = if lenient {
            Strictness::Lenient
        } else {
            Strictness::Strict
        };
        let ours = verdict(&path, role, strictness);
        if ours.is_ok() == (exit == "0") {
            same += 1;
        } else if EXCEPTIONS.iter().any(|(name, _)| *name == file) {
            excused.push(file);
        } else {
            wrong.push(format!(
                "{file} {flags}: upstream {exit} {output}, ours {ours:?}"
            ));
        }
    }
    println!("{same} rows with upstream's verdict, {templates} rows with templates not tried");
    assert!(wrong.is_empty(), "{wrong:#?}");
    let healed: Vec<_> = EXCEPTIONS
        .iter()
        .filter(|(name, _)| !excused.contains(name))
        .collect();
    assert!(
        healed.is_empty(),
        "no longer exceptions, remove them: {healed:?}"
    );
    assert!(same > 0);
}
