//! Templates in configuration files: the part of upstream's template language that such files
//! use (upstream: pkg/config/load.go, template.go; Go `text/template`).
//!
//! ```text
//! template = { text | action }
//! action   = "{{" [ "- " ] body [ " -" ] "}}"       "-" takes the white space on its side away
//! body     = "/*" comment "*/" | pipe
//!          | ( "if" | "with" ) pipe | "range" [ variable [ "," variable ] ":=" ] pipe
//!          | "else" [ ( "if" | "with" ) pipe ] | "end" | "break" | "continue"
//! pipe     = [ variable ( ":=" | "=" ) ] command { "|" command }
//! command  = function { operand } | operand
//! operand  = ( "." | field | variable | constant | function | "(" pipe ")" ) { field }
//! field    = "." name        variable = "$" [ name ]
//! constant = number | "text" | `text` | 'c' | "true" | "false" | "nil"
//! ```
//!
//! `.` is at first a value with one field, `.Envs`: the environment. A variable that is not set
//! prints `<no value>`. There is no `define`, `template`, `block`, and no `html`, `js`, `call`,
//! `slice` and `urlquery`. Depth, steps and the length of the text are bounded.

mod funcs;
mod lex;
mod parse;
mod printf;
mod run;
mod value;

use std::collections::BTreeMap;
use std::rc::Rc;

pub(crate) use funcs::numbers;
pub(crate) use lex::whole_number;

/// Blocks and brackets inside each other; the parser calls itself for each.
const MOST_DEPTH: usize = 64;

/// Rounds of loops and calls: more than any file needs, and done in a second.
const MOST_STEPS: usize = 1_000_000;

/// The bytes of the text that comes out: the largest file that is read (`source::FILE_LIMIT`).
const MOST_OUTPUT: usize = 16 * 1024 * 1024;

/// The numbers in one range: every port and then some.
const MOST_NUMBERS: usize = 100_000;

/// Which functions a template has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Functions {
    /// Those of the language and those for ranges of ports.
    All,
    /// Those of the language: the legacy format has no others.
    Language,
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The line.
    pub line: u32,
    /// What is wrong there.
    pub reason: Reason,
}

/// A sentence without file and line.
pub(crate) type Reason = String;

impl Failed {
    fn at(line: u32, reason: impl Into<Reason>) -> Self {
        Self {
            line,
            reason: reason.into(),
        }
    }
}

/// What a template became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// The text.
    pub text: String,
    /// For each of its lines, the line of the template that it began in; empty if every line is
    /// where it was.
    pub lines: Vec<u32>,
}

impl Rendered {
    /// The line of the template for `line` of the text.
    pub(crate) fn origin(&self, line: u32) -> u32 {
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        let known = self.lines.get(index).or_else(|| self.lines.last());
        known.copied().unwrap_or(line)
    }

    /// For each line of the text, the line of the template and `base`.
    pub(crate) fn line_numbers(&self, base: u32) -> Vec<u32> {
        let lines = (1..).zip(self.text.split('\n'));
        lines
            .map(|(line, _)| self.origin(line).saturating_add(base))
            .collect()
    }
}

/// Expands the template `text`.
///
/// # Errors
///
/// [`Failed`] for what is not a template, for a function that refuses, and beyond the bounds.
pub(crate) fn render(
    text: &str,
    functions: Functions,
    envs: &Rc<BTreeMap<String, String>>,
) -> Result<Rendered, Failed> {
    if !text.contains("{{") {
        return Ok(Rendered {
            text: text.to_owned(),
            lines: Vec::new(),
        });
    }
    let parts = parse::parse(text, functions)?;
    run::run(&parts, value::Value::Root(Rc::clone(envs)))
}

#[cfg(test)]
mod tests;
