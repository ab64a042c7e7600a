//! From the command line to what the program does, in a build without the flags that stand for
//! keys: which file, how it is read, and `verify`.

use std::{
    path::PathBuf,
    process::{ExitCode, Termination},
    str::FromStr,
};

use culvert_io::FastPaths;

use crate::{
    Failure, Options, Verify,
    command::{arguments, complain},
    say,
};

/// What the help says; `program` stands in front of it.
const HELP: &str = "[verify [--json]] [-c FILE] [FLAGS]

  -c, --config FILE             the configuration file, TOML or JSON
      --config-dir FOLDER       frpc: run a client for every file in this folder
      --strict-config[=BOOL]    refuse keys that are not known (default true)
      --allow-unsafe FEATURES   allow TokenSourceExec, with commas between features
  -v, --version                 print the release of frp that this program stands in for
  -h, --help                    print this

This is a small build: it has no flags in place of a file.";

/// The command line of one of the programs.
pub trait CommandLine: From<Given> {
    /// What both programs have.
    fn options(&self) -> &Options;
}

/// What a command line says.
#[derive(Debug, Clone)]
pub struct Given {
    /// The configuration file.
    pub config: Option<PathBuf>,
    /// A folder of them.
    pub config_dir: Option<PathBuf>,
    /// How they are read.
    pub options: Options,
    /// To check the file, and no more.
    pub verify: Option<Verify>,
    help: bool,
}

impl Given {
    /// Reads the words behind the program's name; the last one of a flag counts.
    fn read(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut given = Self {
            config: None,
            config_dir: None,
            options: Options {
                version: false,
                strict: true,
                allow_unsafe: Vec::new(),
            },
            verify: None,
            help: false,
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) if name.starts_with('-') => (name, Some(value.to_owned())),
                _ => (&*word, None),
            };
            match name {
                "-v" | "--version" => given.options.version = true,
                "-h" | "--help" => given.help = true,
                "--strict-config" => {
                    let strict = value.as_deref().map_or(Ok(true), str::parse);
                    let wrong =
                        |_| format!("invalid argument for {name:?} flag: write true or false");
                    given.options.strict = strict.map_err(wrong)?;
                }
                "-c" | "--config" => given.config = Some(value_of(name, value, &mut words)?),
                "--config-dir" => given.config_dir = Some(value_of(name, value, &mut words)?),
                "--allow-unsafe" => {
                    let all: String = value_of(name, value, &mut words)?;
                    let all = all.split(',').map(str::to_owned);
                    given.options.allow_unsafe.extend(all);
                }
                "verify" if given.verify.is_none() => given.verify = Some(Verify::default()),
                "--json" => given.verify.get_or_insert_default().json = true,
                flag if flag.starts_with('-') => {
                    return Err(format!(
                        "unknown flag: {flag}; this build has no flags for keys"
                    ));
                }
                // Words behind a sub-command are taken and not looked at, as upstream does.
                _ if given.verify.is_some() => {}
                word => return Err(format!("unknown command {word:?}")),
            }
        }
        Ok(given)
    }
}

/// The value of a flag: behind its `=`, or the next word.
fn value_of<T: FromStr>(
    flag: &str,
    value: Option<String>,
    words: &mut impl Iterator<Item = String>,
) -> Result<T, String> {
    let value = value.or_else(|| words.next());
    value
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| format!("flag needs an argument: {flag}"))
}

/// Runs a program from the arguments of the process to its exit code: prints `release` when that
/// is asked for, else does what the command line asks for, which is `act`'s business, as is what
/// a program that has done it ends with.
#[must_use]
pub fn run<C: CommandLine, T: Termination>(
    release: &str,
    act: impl FnOnce(&C) -> Result<T, Failure>,
) -> ExitCode {
    let mut words = arguments().into_iter();
    let program = words.next().unwrap_or_default();
    let given = match Given::read(words) {
        Ok(given) => given,
        Err(wrong) => {
            complain(&format!(
                "Error: {wrong}\nRun '{program} --help' for usage.\n"
            ));
            return ExitCode::FAILURE;
        }
    };
    if given.help {
        say(&format!("Usage: {program} {HELP}"));
        return ExitCode::SUCCESS;
    }
    if given.options.version && given.verify.is_none() {
        say(release);
        return ExitCode::SUCCESS;
    }
    let done = FastPaths::of_the_process()
        .map_err(Failure::from)
        .and_then(|_| act(&C::from(given)));
    crate::logging::flush();
    done.map_or_else(|failure| failure.end(), Termination::report)
}

#[cfg(test)]
mod tests {
    use super::Given;

    fn read(line: &str) -> Result<Given, String> {
        Given::read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_file_and_how_it_is_read() {
        let given = read("-c a.toml --strict-config=false verify --json x").unwrap();
        assert_eq!(given.config.unwrap().to_str(), Some("a.toml"));
        assert!(!given.options.strict && given.verify.unwrap().json);
        let given = read("--config=b.toml --allow-unsafe=A,B").unwrap();
        assert_eq!(given.config.unwrap().to_str(), Some("b.toml"));
        assert_eq!(given.options.allow_unsafe, ["A", "B"]);
        assert!(given.options.strict && given.verify.is_none());
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(read("-c").unwrap_err(), "flag needs an argument: -c");
        assert_eq!(read("tcp").unwrap_err(), "unknown command \"tcp\"");
        assert!(
            read("--bind-port 7000")
                .unwrap_err()
                .starts_with("unknown flag: --bind-port")
        );
        assert!(
            read("--strict-config=x")
                .unwrap_err()
                .ends_with("write true or false")
        );
    }
}
