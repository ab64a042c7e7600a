//! In place of templates, in builds without `formats`: says that they are not there.

use std::collections::BTreeMap;
use std::rc::Rc;

/// Which functions a template has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Functions {
    /// All.
    All,
    /// Those of the language.
    Language,
}

/// Why a text cannot be used.
#[derive(Debug)]
pub(crate) struct Failed {
    /// The line.
    pub line: u32,
    /// The reason.
    pub reason: String,
}

/// A text without templates.
#[derive(Debug)]
pub(crate) struct Rendered {
    /// The text.
    pub text: String,
}

impl Rendered {
    /// Every line is where it was.
    pub(crate) const fn origin(&self, line: u32) -> u32 {
        line
    }

    /// The line of the file for each line of the text, with `base`.
    pub(crate) fn line_numbers(&self, base: u32) -> Vec<u32> {
        let lines = (1_u32..).zip(self.text.split('\n'));
        lines.map(|(line, _)| line.saturating_add(base)).collect()
    }
}

/// The text itself; refuses a template.
pub(crate) fn render(
    text: &str,
    _: Functions,
    _: &Rc<BTreeMap<String, String>>,
) -> Result<Rendered, Failed> {
    let actions = (1..)
        .zip(text.lines())
        .find(|(_, line)| line.contains("{{"));
    match actions {
        Some((line, _)) => Err(Failed {
            line,
            reason: "this build has no templates: use one that was built with --features formats"
                .to_owned(),
        }),
        None => Ok(Rendered {
            text: text.to_owned(),
        }),
    }
}
