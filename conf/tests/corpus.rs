//! Real files from public repositories get the verdict that upstream's `verify` gives them.
//!
//! The files are not part of this repository: `CULVERT_CORPUS` names their folder, or it lies
//! beside the workspace as `../shared/corpus`. Without it the test says so and passes.

use std::path::{Path, PathBuf};

use culvert_conf::{Environment, Reading, Strictness, parse_client, parse_server};

/// Files whose verdict differs, with the reason. This list may only shrink.
const EXCEPTIONS: [(&str, &str); 0] = [];

fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let folder = std::env::var_os("CULVERT_CORPUS").map_or(beside, PathBuf::from);
    folder.join("VERDICTS.tsv").is_file().then_some(folder)
}

/// The environment of a row: `NAME=value` lines of a file, or none.
fn environment(folder: &Path, file: &str) -> Environment {
    let text = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn verdict(
    text: &str,
    path: &Path,
    role: &str,
    strictness: Strictness,
    environment: &Environment,
) -> Result<(), String> {
    let name = path.display().to_string();
    let reading = Reading {
        strictness,
        environment: Some(environment),
        ..Reading::default()
    };
    match role {
        "frps" => parse_server(text, &name, reading).map(drop),
        _ => parse_client(text, &name, reading).map(drop),
    }
    .map_err(|error| error.to_string())
}

/// Whether our text names the line, the key or the fault that upstream's does.
fn names_the_same(theirs: &str, ours: &str) -> bool {
    let word_after = |mark: &str| {
        let (_, rest) = theirs.split_once(mark)?;
        let is_end = |c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.');
        let word = rest.trim_start_matches('"').split(is_end).next()?;
        Some(word.rsplit('.').next().unwrap_or(word))
    };
    if let Some(line) = word_after("line ").or_else(|| word_after("template: frp:")) {
        return ours.contains(&format!(":{line}:"));
    }
    if let Some(key) = word_after("field ") {
        return ours.contains(key);
    }
    // Folders that are included are not looked for here.
    theirs.starts_with("stat ") || theirs.split(" || ").all(|fault| ours.contains(fault))
}

#[test]
fn corpus_verdicts() {
    let Some(folder) = folder() else {
        println!("skipped: no corpus of configuration files; name its folder in CULVERT_CORPUS");
        return;
    };
    let table = std::fs::read_to_string(folder.join("VERDICTS.tsv")).unwrap();
    let (mut same, mut wrong, mut excused) = (0, Vec::new(), Vec::new());
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [file, role, env, flags, exit, _, output] = columns[..] else {
            panic!("{row}")
        };
        if env.contains(';') {
            continue;
        }
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let lenient = flags.contains("--strict-config=false");
        let strictness = if lenient {
            Strictness::Lenient
        } else {
            Strictness::Strict
        };
        let ours = verdict(&text, &path, role, strictness, &environment(&folder, env));
        let is_same = match &ours {
            Ok(()) => exit == "0",
            Err(said) => exit != "0" && names_the_same(output, said),
        };
        if is_same {
            same += 1;
        } else if EXCEPTIONS.iter().any(|(name, _)| *name == file) {
            excused.push(file);
        } else {
            wrong.push(format!(
                "{file} {flags}: upstream {exit} {output}, ours {ours:?}"
            ));
        }
    }
    println!("{same} rows with upstream's verdict");
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
