//! Metrics in the text format 0.0.4 of Prometheus.

use std::fmt::{Display, Write};

use super::{Answer, Histogram};

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

    /// Adds a family of histograms, each with what it is about as the value of `label`. Those that
    /// have counted nothing are there too, so that rates can be made of the first.
    pub fn histograms<'a>(
        &mut self,
        (name, label): (&str, &str),
        help: &str,
        all: impl IntoIterator<Item = (&'a str, &'a Histogram)>,
    ) {
        // Writing to a string cannot fail.
        let _ok = write!(self.0, "# HELP {name} {help}\n# TYPE {name} histogram\n");
        for (value, histogram) in all {
            let about = match label {
                "" => String::new(),
                label => format!("{label}=\"{}\"", Self::label(value)),
            };
            let and = if about.is_empty() { "" } else { "," };
            for (bound, count) in histogram.up_to() {
                let _ok = writeln!(
                    self.0,
                    "{name}_bucket{{{about}{and}le=\"{bound}\"}} {count}"
                );
            }
            let count = histogram.count();
            let _ok = writeln!(self.0, "{name}_bucket{{{about}{and}le=\"+Inf\"}} {count}");
            let braces = match label {
                "" => String::new(),
                _ => format!("{{{about}}}"),
            };
            let _ok = writeln!(self.0, "{name}_sum{braces} {}", histogram.sum());
            let _ok = writeln!(self.0, "{name}_count{braces} {count}");
        }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_histogram_counts_what_took_at_most_so_long() {
        let waited = Histogram::default();
        for millis in [0, 4, 40, 90_000] {
            waited.observe(Duration::from_millis(millis));
        }
        let mut text = Metrics::default();
        text.histograms(("t_seconds", "of"), "Times", [("a", &waited)]);
        for line in [
            "# TYPE t_seconds histogram\n",
            "t_seconds_bucket{of=\"a\",le=\"0.0001\"} 1\n",
            "t_seconds_bucket{of=\"a\",le=\"0.005\"} 2\n",
            "t_seconds_bucket{of=\"a\",le=\"60\"} 3\n",
            "t_seconds_bucket{of=\"a\",le=\"+Inf\"} 4\n",
            "t_seconds_sum{of=\"a\"} 90.044\n",
            "t_seconds_count{of=\"a\"} 4\n",
        ] {
            assert!(text.0.contains(line), "{line}: {}", text.0);
        }
    }
}
