//! What was measured: every single value, so that tables and files can be made of it later.

use std::{fs, path::Path};

use culvert_kit::{Error, Result};
use serde_json::{Value, json};

use crate::{machine::Machine, row::Figure, system::System};

/// One measured value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// The name of the row; for long links, the link.
    pub(crate) row: String,
    pub(crate) variant: String,
    pub(crate) system: System,
    pub(crate) figure: Figure,
    pub(crate) value: f64,
}

/// How a rate went over time on a long link: Mbit/s in each [`SLOT`](crate::load::SLOT).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    pub(crate) link: String,
    pub(crate) variant: String,
    pub(crate) system: System,
    pub(crate) rates: Vec<f64>,
}

/// Median and range of the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// Everything that was measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    /// How to measure it again, and with which programs it was measured.
    pub(crate) notes: Vec<String>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) curves: Vec<Curve>,
    /// What users met, in words.
    pub(crate) errors: Vec<String>,
}

impl Results {
    /// The spread of one figure, if it was measured.
    pub(crate) fn spread(
        &self,
        row: &str,
        variant: &str,
        system: System,
        figure: Figure,
    ) -> Option<Spread> {
        let of = |s: &&Sample| {
            s.row == row && s.variant == variant && s.system == system && s.figure == figure
        };
        let mut values: Vec<_> = self.samples.iter().filter(of).map(|s| s.value).collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        // Between the two in the middle, if there are two.
        let (low, high) = (values.get(last / 2)?, values.get(last.div_ceil(2))?);
        Some(Spread {
            median: f64::midpoint(*low, *high),
            min: *values.first()?,
            max: *values.last()?,
        })
    }

    /// Ours as a multiple of frp's, by their medians.
    pub(crate) fn ratio(&self, row: &str, variant: &str, figure: Figure) -> Option<f64> {
        let ours = self.spread(row, variant, System::Ours, figure)?.median;
        let frp = self.spread(row, variant, System::Frp, figure)?.median;
        (frp > 0.0).then_some(ours / frp)
    }

    /// Whether any value of `system` is there.
    pub(crate) fn has(&self, system: System) -> bool {
        self.samples.iter().any(|s| s.system == system)
    }

    /// Takes in what another run has measured.
    pub(crate) fn add(&mut self, other: Self) {
        self.machine = other.machine;
        for note in other.notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self.samples.extend(other.samples);
        self.curves.extend(other.curves);
        self.errors.extend(other.errors);
    }

    /// Writes everything as JSON.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn save(&self, to: &Path) -> Result {
        let samples: Vec<_> = self.samples.iter().map(Sample::to_json).collect();
        let curves: Vec<_> = self.curves.iter().map(Curve::to_json).collect();
        let all = json!({
            "machine": self.machine.to_json(),
            "notes": self.notes,
            "samples": samples,
            "curves": curves,
            "errors": self.errors,
        });
        let folder = to.parent().unwrap_or(to);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(to, format!("{all:#}\n")))
            .map_err(Error::io(format!("write {}", to.display())))
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// When it cannot be read or is something else.
    pub(crate) fn load(from: &Path) -> Result<Self> {
        let text = fs::read_to_string(from);
        let text = text.map_err(Error::io(format!("read {}", from.display())))?;
        let read = || {
            let all: Value = serde_json::from_str(&text).ok()?;
            let list = |key: &str| all.get(key).and_then(Value::as_array);
            Some(Self {
                machine: Machine::from_json(all.get("machine")?)?,
                notes: words(list("notes")?),
                samples: list("samples")?
                    .iter()
                    .map(Sample::from_json)
                    .collect::<Option<_>>()?,
                curves: list("curves")?
                    .iter()
                    .map(Curve::from_json)
                    .collect::<Option<_>>()?,
                errors: words(list("errors")?),
            })
        };
        let wrong = || Error::wrong(format!("{} holds no results", from.display()));
        read().ok_or_else(wrong)
    }
}

fn words(list: &[Value]) -> Vec<String> {
    list.iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn word(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn system(value: &Value) -> Option<System> {
    let name = value.get("system")?.as_str()?;
    System::ALL.into_iter().find(|s| s.name() == name)
}

impl Sample {
    fn to_json(&self) -> Value {
        json!({
            "row": self.row,
            "variant": self.variant,
            "system": self.system.name(),
            "figure": self.figure.key(),
            "value": self.value,
        })
    }

    fn from_json(value: &Value) -> Option<Self> {
        let key = value.get("figure")?.as_str()?;
        Some(Self {
            row: word(value, "row")?,
            variant: word(value, "variant")?,
            system: system(value)?,
            figure: Figure::ALL.into_iter().find(|f| f.key() == key)?,
            value: value.get("value")?.as_f64()?,
        })
    }
}

impl Curve {
    fn to_json(&self) -> Value {
        json!({
            "link": self.link,
            "variant": self.variant,
            "system": self.system.name(),
            "mbit_s": self.rates,
        })
    }

    fn from_json(value: &Value) -> Option<Self> {
        let rates = value.get("mbit_s")?.as_array()?;
        Some(Self {
            link: word(value, "link")?,
            variant: word(value, "variant")?,
            system: system(value)?,
            rates: rates.iter().map(Value::as_f64).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use culvert_kit::TempDir;

    use super::*;

    fn sample(system: System, value: f64) -> Sample {
        Sample {
            row: "rr1".to_owned(),
            variant: "tcp".to_owned(),
            system,
            figure: Figure::Median,
            value,
        }
    }

    #[test]
    fn medians_ratios_and_files() {
        let mut results = Results::default();
        for (system, value) in [
            (System::Ours, 3.0),
            (System::Ours, 1.0),
            (System::Ours, 2.0),
            (System::Frp, 5.0),
            (System::Frp, 3.0),
        ] {
            results.samples.push(sample(system, value));
        }
        results.curves.push(Curve {
            link: "l".to_owned(),
            variant: "kcp".to_owned(),
            system: System::Ours,
            rates: vec![1.5, 2.0],
        });
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("deep/figures.json");
        results.save(&file).unwrap();
        let read = Results::load(&file).unwrap();
        assert_eq!(
            (&read.samples, &read.curves),
            (&results.samples, &results.curves)
        );
        let ours = read.spread("rr1", "tcp", System::Ours, Figure::Median);
        let wanted = Spread {
            median: 2.0,
            min: 1.0,
            max: 3.0,
        };
        assert_eq!(ours, Some(wanted));
        assert_eq!(read.ratio("rr1", "tcp", Figure::Median), Some(0.5));
        assert_eq!(read.ratio("rr1", "kcp", Figure::Median), None);
    }
}
