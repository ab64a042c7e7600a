//! Metrics in the text format 0.0.4 of Prometheus.

use std::fmt::{Display, Write};

use super::Answer;

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=values";

/// Families of metrics, one below the other.
#[derive(Clone, Debug, Default)]
pub struct Metrics(String);

impl Metrics {
    /// Adds a family with its samples, each its labels in braces and its value; nothing when it
    /// has none yet. `kind` is `gauge` or `counter`.
    pub fn family<V: Display>(
        &mut self,
        (name, kind): (&str, &str),
        help: &str,
        samples: impl IntoIterator<Item = (String, V)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        // Writing to a string cannot fail.
        let _ok = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for (labels, value) in samples {
            let _ok = writeln!(self.0, "{name}{labels} {value}");
        }
    }

    /// Adds a family of one sample without labels.
    pub fn single(&mut self, family: (&str, &str), help: &str, value: impl Display) {
        self.family(family, help, [(String::new(), value)]);
    }

    /// The value of a label as it stands between its quotes.
    #[must_use]
    pub fn label(value: &str) -> String {
        value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    }
}

impl From<Metrics> for Answer {
    fn from(metrics: Metrics) -> Self {
        Self::body(CONTENT_TYPE, metrics.0)
    }
}
