//! Counts tests from what cargo prints.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::Command,
};

use crate::{
    error::{Error, Result},
    out::say,
};

/// Tests so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    /// Passed without doing anything, because a peer is missing; they do not count as passed.
    pub(super) skipped: u64,
}

impl Tally {
    /// Runs `command`, shows its output as it comes, and counts the tests in it.
    pub(super) async fn shown(&mut self, what: &str, command: &mut Command) -> Result {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Error::io(what))?;
        if let Some(output) = child.stdout.take() {
            self.count(output).await;
        }
        let status = child.wait().await.map_err(Error::io(what))?;
        if status.success() {
            Ok(())
        } else {
            Err(Error::found(format!("{what} failed")))
        }
    }

    async fn count(&mut self, output: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            say(&line);
            self.line(&line);
        }
    }

    /// Takes in one line, such as `test result: ok. 3 passed; 1 failed; 0 ignored; …`, or the
    /// line of a test that skipped itself.
    fn line(&mut self, line: &str) {
        if line.starts_with("skipped: ") {
            self.skipped += 1;
            self.passed = self.passed.saturating_sub(1);
        }
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        let figure = |name: &str| -> u64 {
            let part = result
                .split([';', '.'])
                .find_map(|part| part.trim().strip_suffix(name));
            part.and_then(|n| n.trim().parse().ok()).unwrap_or_default()
        };
        self.passed += figure("passed");
        self.failed += figure("failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_add_up() {
        let mut tally = Tally::default();
        tally.line("running 4 tests");
        tally.line("test result: ok. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out");
        tally.line("test result: FAILED. 20 passed; 0 failed; 2 ignored; finished in 0.06s");
        assert_eq!(
            tally,
            Tally {
                passed: 23,
                failed: 1,
                skipped: 0
            }
        );
        tally.line("skipped: set FRP_PEER_FRPS");
        assert_eq!(
            tally,
            Tally {
                passed: 22,
                failed: 1,
                skipped: 1
            }
        );
    }
}
