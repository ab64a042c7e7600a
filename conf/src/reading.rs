//! How a configuration is read: how strictly, with which transports, in which environment.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::extend::Extensions;

/// How a configuration is read. The default is upstream's: strict, with its own schema.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading<'a> {
    /// What happens to keys that do not exist.
    pub strictness: Strictness,
    /// What the program adds to upstream's schema, and what its operator allows.
    pub extensions: Extensions<'a>,
    /// What templates read as `.Envs`; `None` = the environment of this process for files,
    /// nothing for texts.
    pub environment: Option<&'a Environment>,
}

impl From<Strictness> for Reading<'_> {
    fn from(strictness: Strictness) -> Self {
        Self {
            strictness,
            ..Self::default()
        }
    }
}

/// What happens to keys that do not exist (`--strict-config`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strictness {
    /// They are errors.
    #[default]
    Strict,
    /// They are ignored. Wrong types and values stay errors.
    Lenient,
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// frps.
    Server,
    /// frpc.
    Client,
}

/// Names and values of an environment.
pub type Environment = BTreeMap<String, String>;

/// The environment of this process. What is not UTF-8 is written as it would be shown.
pub(crate) fn of_process() -> Environment {
    let text = |part: OsString| part.to_string_lossy().into_owned();
    let all = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
    let mut environment = Environment::new();
    environment.extend(all);
    environment
}
