//! Runs any program and reads what it says: started, watched, told to stop or killed by its id.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinSet,
    time,
};

use crate::{Error, Result, Usage};

/// Lines kept of one program's output. A test that fails shows the last few; none prints more
/// than this at the chattiest log level.
const MAX_LINES: usize = 20_000;

/// Lines of a log that an error message quotes.
const TAIL: usize = 15;

/// A program that runs in the background; killed when dropped.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    pid: u32,
    output: watch::Receiver<Vec<String>>,
    _readers: JoinSet<()>,
}

/// A program that has ended by itself.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit code, or `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output and standard error, as lines.
    pub text: String,
}

impl Program {
    /// Starts `binary`, which messages call `name`, with `args`.
    ///
    /// # Errors
    /// When the system cannot start it.
    pub fn start(name: &str, binary: &Path, args: &[&str]) -> Result<Self> {
        Self::start_in(Path::new("."), name, binary, args)
    }

    /// [`start`](Self::start) with `folder` as the working directory; `binary` is seen from ours.
    ///
    /// # Errors
    /// As there.
    pub fn start_in(folder: &Path, name: &str, binary: &Path, args: &[&str]) -> Result<Self> {
        Self::launch(folder, None, name, binary, args)
    }

    /// [`start`](Self::start) with a variable in its environment.
    ///
    /// # Errors
    /// As there.
    pub fn start_with(
        variable: (&str, &str),
        name: &str,
        binary: &Path,
        args: &[&str],
    ) -> Result<Self> {
        Self::launch(Path::new("."), Some(variable), name, binary, args)
    }

    fn launch(
        folder: &Path,
        variable: Option<(&str, &str)>,
        name: &str,
        binary: &Path,
        args: &[&str],
    ) -> Result<Self> {
        let what = format!("start {name} ({})", binary.display());
        // A bare name is looked for where the system's programs are.
        let binary = match binary.parent() {
            Some(parent) if parent != Path::new("") => {
                std::path::absolute(binary).map_err(Error::io(what.as_str()))?
            }
            _ => binary.to_owned(),
        };
        let mut child = Command::new(binary)
            .args(args)
            .envs(variable)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::io(what))?;
        let pid = child.id().unwrap_or_default();
        let (sender, output) = watch::channel(Vec::new());
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(collect(stdout, sender.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(collect(stderr, sender));
        }
        Ok(Self {
            name: name.to_owned(),
            child,
            pid,
            output,
            _readers: readers,
        })
    }

    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// What it takes from the system now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage::of(self.pid)
    }

    /// How many of its lines so far hold `text`.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        let lines = self.output.borrow();
        lines.iter().filter(|line| line.contains(text)).count()
    }

    /// The last lines of its output, each on a line of its own.
    #[must_use]
    pub fn tail(&self) -> String {
        let lines = self.output.borrow();
        let from = lines.len().saturating_sub(TAIL);
        let tail: Vec<_> = lines.iter().skip(from).map(String::as_str).collect();
        tail.join("\n")
    }

    /// Waits until a line of its output holds `text`.
    ///
    /// # Errors
    /// When it ends first or `deadline` passes; both quote the end of its log.
    pub async fn wait_for(&self, text: &str, deadline: Duration) -> Result {
        self.wait_for_count(text, 1, deadline).await
    }

    /// Waits until `times` lines of its output hold `text`.
    ///
    /// # Errors
    /// When it ends first or `deadline` passes; both quote the end of its log.
    pub async fn wait_for_count(&self, text: &str, times: usize, deadline: Duration) -> Result {
        let mut output = self.output.clone();
        let enough = |lines: &Vec<String>| {
            lines
                .iter()
                .filter(|line| line.contains(text))
                .take(times)
                .count()
                == times
        };
        let what = format!("{:?} in the log of {}", text, self.name);
        match time::timeout(deadline, output.wait_for(enough)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Error::wrong(format!(
                "{} ended before {what}; its last lines:\n{}",
                self.name,
                self.tail()
            ))),
            Err(_) => Err(Error::Late {
                what,
                deadline,
                detail: format!("; its last lines:\n{}", self.tail()),
            }),
        }
    }

    /// Waits until it has ended and all it said has been read.
    ///
    /// *Cancel safety*: safe; a later call goes on waiting.
    ///
    /// # Errors
    /// [`Error::Late`] after `deadline`.
    pub async fn ended(&mut self, deadline: Duration) -> Result<Finished> {
        let mut output = self.output.clone();
        let end = async {
            let status = self.child.wait().await;
            while output.changed().await.is_ok() {}
            status
        };
        let Ok(status) = time::timeout(deadline, end).await else {
            return Err(Error::Late {
                what: format!("the end of {}", self.name),
                deadline,
                detail: format!("; its last lines:\n{}", self.tail()),
            });
        };
        let status: ExitStatus = status.map_err(Error::io(format!("wait for {}", self.name)))?;
        Ok(Finished {
            code: status.code(),
            text: self.output.borrow().join("\n"),
        })
    }

    /// Ends it at once, as `kill -9` does, and waits until it is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill(&mut self) -> Result {
        self.child
            .kill()
            .await
            .map_err(Error::io(format!("kill {}", self.name)))
    }

    /// Asks it to stop with `signal`, such as `TERM` or `INT`, through the system's shell: the
    /// standard library cannot send a signal, and tests hold no `unsafe`.
    ///
    /// # Errors
    /// When the signal cannot be sent, also on a system without signals.
    pub async fn signal(&self, signal: &str) -> Result {
        let what = format!("send SIG{signal} to {}", self.name);
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", signal, &self.pid.to_string()])
            .stderr(Stdio::null())
            .status()
            .await
            .map_err(Error::io(what.as_str()))?;
        if sent.success() {
            Ok(())
        } else {
            Err(Error::wrong(what + ": refused"))
        }
    }
}

/// Appends the lines of `pipe` to `lines`, without the colours that frp prints even into pipes.
async fn collect(pipe: impl AsyncRead + Unpin, lines: watch::Sender<Vec<String>>) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while let Ok(1..) = pipe.read_until(b'\n', &mut line).await {
        let text = plain(&String::from_utf8_lossy(&line));
        line.clear();
        lines.send_modify(|lines| {
            if lines.len() < MAX_LINES {
                lines.push(text);
            }
        });
    }
}

/// `line` without its end and without ANSI colour sequences (ESC, `[`, digits and `;`, `m`).
fn plain(line: &str) -> String {
    let mut parts = line.trim_end().split('\u{1b}');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    text.trim_end().to_owned()
}

/// Runs `binary` with `args` to its end.
///
/// # Errors
/// When it cannot be started or takes longer than `deadline`.
pub async fn run(name: &str, binary: &Path, args: &[&str], deadline: Duration) -> Result<Finished> {
    Program::start(name, binary, args)?.ended(deadline).await
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn shell(script: &str) -> Program {
        Program::start("sh", Path::new("/bin/sh"), &["-c", script]).unwrap()
    }

    #[test]
    fn colours_are_taken_off() {
        assert_eq!(plain("\u{1b}[1;34m2026 [I] hello\r\n"), "2026 [I] hello");
        assert_eq!(plain("\u{1b}[0mx \u{1b}[1my\n"), "x y");
    }

    #[tokio::test]
    async fn both_outputs_are_lines_of_one_log() {
        let done = run(
            "sh",
            Path::new("/bin/sh"),
            &["-c", "echo a; echo b >&2; exit 3"],
            SOON,
        )
        .await
        .unwrap();
        assert_eq!(done.code, Some(3));
        let mut lines: Vec<_> = done.text.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["a", "b"]);
    }

    #[tokio::test]
    async fn an_end_before_the_awaited_line_is_told_with_the_log() {
        let failed = shell("echo first; exit 1")
            .wait_for("second", SOON)
            .await
            .unwrap_err();
        let text = failed.to_string();
        assert!(
            text.contains("ended before") && text.ends_with("first"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn signals_and_kills_arrive() {
        let mut program =
            shell("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done");
        program.wait_for("up", SOON).await.unwrap();
        program.signal("TERM").await.unwrap();
        let done = program.ended(SOON).await.unwrap();
        assert_eq!((done.code, program.count("bye")), (Some(7), 1));

        let mut program = shell("echo up; read x < /dev/zero");
        program.wait_for("up", SOON).await.unwrap();
        program.kill().await.unwrap();
        assert_eq!(program.ended(SOON).await.unwrap().code, None);
    }
}
