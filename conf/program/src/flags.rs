//! Flags that stand for keys of the configuration file, so that what is given with them is checked
//! as a file is.

mod value;

use std::path::PathBuf;

use clap::{
    Arg, ArgAction, ArgMatches,
    builder::{OsStringValueParser, TypedValueParser as _, ValueParser},
};
use culvert_conf::{ConfigError, Problem};
use toml::{Table, Value};

use crate::Failure;

pub use value::{BadValue, boolean, duration};

/// A flag and the key that it stands for.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Its name without dashes, `-` between words.
    pub long: &'static str,
    /// Its letter.
    pub short: Option<char>,
    /// The key, from the table that the flag belongs to.
    pub key: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Its line in the help.
    pub help: &'static str,
}

/// What a flag takes, with the value that it has when it is not given.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// A text.
    Text(&'static str),
    /// A text that nobody should see.
    Secret(&'static str),
    /// A whole number.
    Number(&'static str),
    /// Nothing, `=true` or `=false`.
    Switch(bool),
    /// Texts between commas, or the flag again.
    List,
    /// `key=value` between commas, or the flag again.
    Pairs,
    /// Ports and ranges between commas, such as `1000-2000,3000`.
    Ports,
    /// A text that means nothing.
    Nothing,
}

impl Flag {
    /// A flag without a letter.
    #[must_use]
    pub const fn new(
        long: &'static str,
        key: &'static str,
        takes: Takes,
        help: &'static str,
    ) -> Self {
        Self {
            long,
            short: None,
            key,
            takes,
            help,
        }
    }

    /// The same flag with a letter.
    #[must_use]
    pub const fn or(mut self, letter: char) -> Self {
        self.short = Some(letter);
        self
    }

    /// The flag as clap has it.
    #[must_use]
    pub fn arg(&self) -> Arg {
        let arg = Arg::new(self.long)
            .long(self.long)
            .short(self.short)
            .help(self.help)
            .action(ArgAction::Set)
            .allow_hyphen_values(true);
        let named = |arg: Arg, name: &'static str| arg.value_name(name);
        match self.takes {
            Takes::Text("") | Takes::Nothing => named(arg, "TEXT"),
            Takes::Text(text) => named(arg, "TEXT").default_value(text),
            Takes::Secret("") => named(arg, "TEXT"),
            Takes::Secret(text) => named(arg, "TEXT")
                .default_value(text)
                .hide_default_value(true),
            Takes::Number(number) => named(arg, "NUMBER")
                .value_parser(value::number)
                .default_value(number)
                .hide_default_value(number == "0"),
            Takes::Switch(on) => switch(arg, on),
            Takes::List => repeated(arg, "TEXT,…", value::list.into()),
            Takes::Pairs => repeated(arg, "KEY=VALUE,…", value::pairs.into()),
            Takes::Ports => named(arg, "PORTS").value_parser(value::ports),
        }
    }

    /// The value given, or the one that counts without; `None` where the key stays unset.
    fn value(&self, given: &ArgMatches) -> Option<Value> {
        match self.takes {
            Takes::Text(_) | Takes::Secret(_) => {
                given.get_one::<String>(self.long).cloned().map(Value::from)
            }
            Takes::Number(_) => given.get_one::<i64>(self.long).copied().map(Value::from),
            Takes::Switch(_) => given.get_one::<bool>(self.long).copied().map(Value::from),
            Takes::List => {
                let all = given.get_many::<Vec<String>>(self.long)?;
                Some(all.flatten().cloned().collect::<Vec<_>>().into())
            }
            Takes::Pairs => {
                let all = given.get_many::<Vec<(String, String)>>(self.long)?;
                let pairs = all.flatten().cloned();
                Some(table(pairs.map(|(k, v)| (k, v.into()))))
            }
            Takes::Ports => {
                let all = given.get_one::<Vec<(i64, i64)>>(self.long)?.iter();
                let range = |(start, end): &(i64, i64)| {
                    let ends = [("start", *start), ("end", *end)];
                    table(ends.map(|(key, port)| (key.to_owned(), port.into())))
                };
                Some(all.map(range).collect::<Vec<_>>().into())
            }
            Takes::Nothing => None,
        }
    }
}

/// A table of these entries, one after the other: `collect` would sort them first, which is 5 KB of
/// code wherever it is written.
fn table(entries: impl IntoIterator<Item = (String, Value)>) -> Value {
    let mut table = Table::new();
    for (key, value) in entries {
        table.insert(key, value);
    }
    Value::Table(table)
}

/// A path, which may be empty.
#[must_use]
pub fn path() -> ValueParser {
    ValueParser::new(OsStringValueParser::new().map(PathBuf::from))
}

/// Words behind a sub-command, which upstream takes and does not use.
#[must_use]
pub fn unused_words() -> Arg {
    Arg::new("unused").num_args(0..).hide(true)
}

/// A flag that takes nothing, or `=true` and `=false` in every spelling that upstream takes.
fn switch(arg: Arg, on: bool) -> Arg {
    arg.value_name("BOOL")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .default_value(if on { "true" } else { "false" })
        .hide_default_value(!on)
        .value_parser(boolean)
}

fn repeated(arg: Arg, name: &'static str, parser: ValueParser) -> Arg {
    arg.value_name(name)
        .action(ArgAction::Append)
        .value_parser(parser)
}

/// The keys of `flags`, as they were given.
#[must_use]
pub fn keys(flags: &[Flag], given: &ArgMatches) -> Table {
    let mut table = Table::new();
    for flag in flags {
        if let Some(value) = flag.value(given) {
            set(&mut table, flag.key, value);
        }
    }
    table
}

fn set(table: &mut Table, key: &str, value: Value) {
    let Some((outer, inner)) = key.split_once('.') else {
        table.insert(key.to_owned(), value);
        return;
    };
    let inside = table
        .entry(outer.to_owned())
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(inside) = inside {
        set(inside, inner, value);
    }
}

/// What is wrong with keys that were given as flags, in words that name the flags. `prefix` is
/// where the table of `flags` is.
#[must_use]
pub fn refused(error: ConfigError, groups: &[(&str, &[Flag])]) -> Failure {
    let ConfigError::Invalid { problems } = error else {
        return error.into();
    };
    let said = problems
        .into_iter()
        .map(|problem| in_flags(problem, groups));
    Failure(said.collect::<Vec<_>>().join("\n"))
}

fn in_flags(mut problem: Problem, groups: &[(&str, &[Flag])]) -> String {
    for (prefix, flags) in groups {
        let Some(key) = problem.key.strip_prefix(prefix) else {
            continue;
        };
        let is_it = |flag: &&Flag| key == flag.key || key.starts_with(&format!("{}[", flag.key));
        if let Some(flag) = flags.iter().find(is_it) {
            problem.fault.rename(&format!("--{}", flag.long));
        }
    }
    problem.fault.to_string()
}

#[cfg(test)]
mod tests;
