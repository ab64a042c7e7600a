//! `verify`: whether a file is right, everything that is wrong with it, and what can do harm.

use std::path::Path;

use culvert_conf::{ConfigError, Loaded, Problem, Warning};
use serde::Serialize;

use crate::{Failure, accept, command::complain, say};

/// The flags of `verify`.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "flags", derive(clap::Args))]
pub struct Verify {
    /// Say everything as one line of JSON, for editors and scripts.
    #[cfg_attr(feature = "flags", arg(long))]
    pub(crate) json: bool,

    #[cfg_attr(feature = "flags", arg(hide = true))]
    _ignored: Vec<String>,
}

impl Verify {
    /// Says whether the file at `path` is right, which `load` finds out. Without a file there is
    /// nothing wrong, as upstream has it. What upstream says too goes to standard output; what is
    /// allowed but can do harm, to standard error.
    ///
    /// # Errors
    /// The file is not right.
    pub fn run<T>(
        &self,
        program: &str,
        path: &Path,
        load: impl FnOnce(&Path) -> Result<Loaded<T>, ConfigError>,
    ) -> Result<(), Failure> {
        if path.as_os_str().is_empty() {
            say(&format!(
                "{program}: the configuration file is not specified"
            ));
            return Ok(());
        }
        let file = path.display().to_string();
        let loaded = load(path);
        if self.json {
            return Report::new(&file, &loaded).end();
        }
        let loaded = loaded?;
        for risk in &loaded.risks {
            complain(&format!("WARNING: {risk}\n"));
        }
        accept(loaded, false);
        say(&format!(
            "{program}: the configuration file {file} syntax is ok"
        ));
        Ok(())
    }
}

/// What is known of a file.
#[derive(Debug, Serialize)]
struct Report<'a> {
    file: &'a str,
    ok: bool,
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
    risks: Vec<Finding>,
}

/// One thing about one place.
#[derive(Debug, Default, Serialize)]
struct Finding {
    file: String,
    /// From 1; none where the file as a whole is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// In characters, from 1; only where a text cannot be read at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    message: String,
    /// The value in question; none of secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    /// What is allowed or to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl<'a> Report<'a> {
    fn new<T>(file: &'a str, loaded: &Result<Loaded<T>, ConfigError>) -> Self {
        let mut report = Self {
            file,
            ok: loaded.is_ok(),
            errors: Vec::new(),
            warnings: Vec::new(),
            risks: Vec::new(),
        };
        match loaded {
            Ok(loaded) => {
                report.warnings = loaded.warnings.iter().map(Finding::from).collect();
                report.risks = loaded.risks.iter().map(Finding::from).collect();
            }
            Err(error) => report.errors = errors(error, file),
        }
        report
    }

    fn end(self) -> Result<(), Failure> {
        let text = serde_json::to_string(&self)?;
        if self.ok {
            say(&text);
            Ok(())
        } else {
            Err(Failure(text))
        }
    }
}

fn errors(error: &ConfigError, asked: &str) -> Vec<Finding> {
    let (file, line, column) = match error {
        ConfigError::Invalid { problems } => return problems.iter().map(Finding::from).collect(),
        ConfigError::Included { source, path } => return errors(source, path),
        ConfigError::Syntax {
            file, line, column, ..
        } => (file.as_str(), Some(*line), Some(*column)),
        ConfigError::NotText { file, line }
        | ConfigError::Template { file, line, .. }
        | ConfigError::Legacy { file, line, .. }
        | ConfigError::IncludeFolder { file, line, .. } => (file.as_str(), Some(*line), None),
        _ => (asked, None, None),
    };
    vec![Finding {
        file: file.to_owned(),
        line,
        column,
        message: error.to_string(),
        ..Finding::default()
    }]
}

impl From<&Problem> for Finding {
    fn from(problem: &Problem) -> Self {
        Self {
            file: problem.file.clone(),
            line: Some(problem.line),
            column: None,
            key: Some(problem.key.clone()),
            message: format!("{}{}", problem.entry, problem.fault),
            found: problem.fault.found(),
            remedy: Some(problem.fault.remedy()),
        }
    }
}

impl From<&Warning> for Finding {
    fn from(warning: &Warning) -> Self {
        Self {
            file: warning.file.clone(),
            line: Some(warning.line),
            key: Some(warning.key.clone()),
            message: warning.text.clone(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Report;
    use culvert_conf::{Strictness, parse_client, parse_server};

    #[test]
    fn every_fault_has_its_place_and_remedy() {
        let text = "serverPrt = 1\nauth.token = 5\n";
        let read = parse_client(text, "frpc.toml", Strictness::Strict);
        let said = serde_json::to_value(Report::new("frpc.toml", &read)).unwrap();
        assert_eq!(said["ok"], false);
        assert_eq!(said["errors"][0]["line"], 1);
        assert_eq!(said["errors"][0]["key"], "serverPrt");
        assert_eq!(said["errors"][0]["remedy"], "did you mean \"serverPort\"?");
        assert_eq!(said["errors"][1]["key"], "auth.token");
        assert!(!said.to_string().contains("5\""), "{said}");
    }

    #[test]
    fn a_text_that_cannot_be_read_has_a_column_and_a_right_one_its_risks() {
        let read = parse_server("bindPort = \n", "frps.toml", Strictness::Strict);
        let said = serde_json::to_value(Report::new("frps.toml", &read)).unwrap();
        assert_eq!(said["errors"][0]["line"], 1);
        assert_eq!(said["errors"][0]["column"], 12);
        let read = parse_server("", "frps.toml", Strictness::Strict);
        let said = serde_json::to_value(Report::new("frps.toml", &read)).unwrap();
        assert_eq!(said["ok"], true);
        assert_eq!(said["risks"][0]["key"], "auth.token");
    }
}
