//! The sub-commands that run one proxy or visitor without a file.

use clap::{ArgMatches, Command, Error, FromArgMatches, Subcommand, error::ErrorKind};
use culvert_conf::{ClientConfig, Loaded, Reading};
use culvert_program::{Failure, Flag, keys, refused, unused_words};
use toml::Table;

use crate::flags::{KINDS, VISITOR as VISITOR_FLAGS, common, is_visited, of_proxy};

/// The sub-command of a type that runs a visitor.
const VISITOR: &str = "visitor";

/// One proxy or visitor, and how the server is reached.
#[derive(Debug, Clone)]
pub(crate) struct Single {
    keys: Table,
    /// Where in `keys` the proxy or visitor is.
    entry: &'static str,
    flags: Vec<Flag>,
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
