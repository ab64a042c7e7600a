//! The sub-commands that run one proxy or visitor without a file.

use std::fmt;

use clap::{ArgMatches, Command, Error, FromArgMatches, Subcommand, error::ErrorKind};
use culvert_conf::{ClientConfig, Loaded, Reading};
use culvert_program::{Failure, Flag, keys, refused, unused_words};
use toml::Table;

use crate::flags::{KINDS, VISITOR as VISITOR_FLAGS, common, is_visited, of_proxy};

/// The sub-command of a type that runs a visitor.
const VISITOR: &str = "visitor";

/// One proxy or visitor, and how the server is reached. The keys may hold secrets and are not
/// shown.
#[derive(Clone)]
pub(crate) struct Single {
    keys: Table,
    /// Where in `keys` the proxy or visitor is.
    entry: &'static str,
    flags: Vec<Flag>,
}

impl fmt::Debug for Single {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Single")
            .field("entry", &self.entry)
            .finish_non_exhaustive()
    }
}

impl Single {
    /// The configuration that the flags say.
    ///
    /// # Errors
    /// It is wrong, which is said of the flags.
    pub(crate) fn check(&self, reading: Reading<'_>) -> Result<Loaded<ClientConfig>, Failure> {
        let checked = culvert_conf::check_client(self.keys.clone(), reading);
        checked.map_err(|error| refused(error, &[(self.entry, &self.flags), ("", &common())]))
    }

    fn of(kind: &str, given: &ArgMatches) -> Self {
        let mut all = keys(&common(), given);
        let (list, entry, flags, given) = match given.subcommand() {
            Some((VISITOR, given)) => ("visitors", "visitors[0].", VISITOR_FLAGS.to_vec(), given),
            _ => ("proxies", "proxies[0].", of_proxy(kind), given),
        };
        let mut table = keys(&flags, given);
        table.insert("type".to_owned(), kind.into());
        all.insert(list.to_owned(), vec![table].into());
        Self {
            keys: all,
            entry,
            flags,
        }
    }
}

fn command(kind: &'static str) -> Command {
    let has_visitors = is_visited(kind);
    let common = common();
    let command = Command::new(kind)
        .about(format!("Run one {kind} proxy"))
        .args(common.iter().map(|flag| flag.arg().global(has_visitors)))
        .args(of_proxy(kind).iter().map(Flag::arg))
        .arg(unused_words());
    if !has_visitors {
        return command;
    }
    let visitor = Command::new(VISITOR)
        .about(format!("Run one {kind} visitor"))
        .args(VISITOR_FLAGS.iter().map(Flag::arg))
        .arg(unused_words());
    command.subcommand(visitor)
}

impl FromArgMatches for Single {
    fn from_arg_matches(given: &ArgMatches) -> Result<Self, Error> {
        let found = given
            .subcommand()
            .and_then(|(name, given)| Self::has_subcommand(name).then(|| Self::of(name, given)));
        found.ok_or_else(|| Error::new(ErrorKind::MissingSubcommand))
    }

    fn update_from_arg_matches(&mut self, given: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(given)?;
        Ok(())
    }
}

impl Subcommand for Single {
    fn augment_subcommands(parent: Command) -> Command {
        parent.subcommands(KINDS.map(command))
    }

    fn augment_subcommands_for_update(parent: Command) -> Command {
        Self::augment_subcommands(parent)
    }

    fn has_subcommand(name: &str) -> bool {
        KINDS.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::cli::Cli;

    #[test]
    fn what_the_flags_say_is_not_shown() {
        let secrets = ["frpc", "stcp", "-n", "x", "-t", "S3CR3T", "--sk=S3CR3T"];
        let visitor = ["frpc", "stcp", "-t", "S3CR3T", "visitor", "--sk=S3CR3T"];
        for given in [secrets.as_slice(), &visitor] {
            let cli = Cli::try_parse_from(given).unwrap();
            let shown = format!("{cli:?}");
            assert!(shown.contains("entry"), "{shown}");
            assert!(!shown.contains("S3CR3T"), "{shown}");
        }
        let wrong = Cli::try_parse_from(["frpc", "tcp", "--tokn=S3CR3T"]).unwrap_err();
        let said = culvert_program::complaint(&<Cli as clap::CommandFactory>::command(), &wrong);
        assert!(!said.contains("S3CR3T"), "{said}");
    }
}
