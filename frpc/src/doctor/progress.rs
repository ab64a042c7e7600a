//! What is going on, while it is going on: a display that renews itself on a terminal, plain lines
//! elsewhere, nothing where a script reads.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use culvert_program::say;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::Cause;

/// How often the display renews itself.
const FRAME: Duration = Duration::from_millis(100);
/// What turns while something is going on.
const WHEEL: [char; 4] = ['|', '/', '-', '\\'];
/// Lines that fit on every terminal; of more, the last are shown.
const HEIGHT: usize = 20;
/// Characters of a line that fit on every terminal: a line that wraps cannot be found again.
const WIDTH: usize = 78;

/// Tells how far the examination is.
#[derive(Debug)]
pub(super) struct Progress {
    kind: Kind,
    board: Mutex<Board>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Live,
    Lines,
    Silent,
}

#[derive(Debug, Default)]
struct Board {
    steps: Vec<Step>,
    /// Lines that stand on the terminal.
    drawn: usize,
    turns: usize,
}

#[derive(Debug)]
struct Step {
    name: String,
    begun: Instant,
    end: Option<String>,
}

/// Whether the terminal understands sequences that move and colour. Older ones of Windows do not.
pub(super) fn is_terminal() -> bool {
    let is_dumb = std::env::var("TERM").is_ok_and(|kind| kind == "dumb");
    let is_old = cfg!(windows) && std::env::var_os("WT_SESSION").is_none();
    io::stdout().is_terminal() && !is_dumb && !is_old
}

impl Progress {
    /// Progress for people, or for nobody where a script reads.
    pub(super) fn new(silent: bool) -> Self {
        let kind = match (silent, is_terminal()) {
            (true, _) => Kind::Silent,
            (false, true) => Kind::Live,
            (false, false) => Kind::Lines,
        };
        Self {
            kind,
            board: Mutex::default(),
        }
    }

    /// A step begins; answers its number.
    pub(super) fn begin(&self, name: &str) -> usize {
        let mut board = self.board.lock();
        board.steps.push(Step {
            name: name.to_owned(),
            begun: Instant::now(),
            end: None,
        });
        let number = board.steps.len().saturating_sub(1);
        self.draw(&mut board);
        number
    }

    /// A step has ended so.
    pub(super) fn end(&self, number: usize, outcome: Result<Duration, &Cause>) {
        let mut board = self.board.lock();
        let Some(step) = board.steps.get_mut(number) else {
            return;
        };
        let end = match outcome {
            Ok(Duration::ZERO) => "done".to_owned(),
            Ok(took) => millis(took),
            Err(cause) => cause.name().to_owned(),
        };
        if self.kind == Kind::Lines {
            say(&format!("{}: {end}", step.name));
        }
        step.end = Some(end);
        self.draw(&mut board);
    }

    /// Renews the display for ever.
    ///
    /// *Cancel safety*: safe.
    pub(super) async fn run(&self) -> std::convert::Infallible {
        if self.kind != Kind::Live {
            std::future::pending::<()>().await;
        }
        loop {
            tokio::time::sleep(FRAME).await;
            let mut board = self.board.lock();
            board.turns = board.turns.wrapping_add(1);
            self.draw(&mut board);
        }
    }

    /// Takes the display away, for what is said at the end.
    pub(super) fn clear(&self) {
        let mut board = self.board.lock();
        if board.drawn > 0 {
            put(&format!("\x1b[{}A\x1b[J", board.drawn));
        }
        *board = Board::default();
    }

    fn draw(&self, board: &mut Board) {
        if self.kind != Kind::Live {
            return;
        }
        let text = frame(board);
        put(&text);
    }
}

/// The lines of now over those of before.
fn frame(board: &mut Board) -> String {
    let mut text = String::new();
    if board.drawn > 0 {
        let _infallible = write!(text, "\x1b[{}A", board.drawn);
    }
    let wheel = WHEEL.get(board.turns % WHEEL.len()).unwrap_or(&'|');
    let hidden = board.steps.len().saturating_sub(HEIGHT);
    for step in board.steps.iter().skip(hidden) {
        let line = match &step.end {
            Some(end) => format!("  {:<44} {end}", step.name),
            None => format!("{wheel} {:<44} {}", step.name, millis(step.begun.elapsed())),
        };
        let line: String = line.chars().take(WIDTH).collect();
        let _infallible = writeln!(text, "\x1b[2K{line}");
    }
    board.drawn = board.steps.len().min(HEIGHT);
    text
}

/// Nothing is left to do when nobody looks any more.
fn put(text: &str) {
    let mut out = io::stdout().lock();
    let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// A time as people compare it.
pub(super) fn millis(time: Duration) -> String {
    match time.as_millis() {
        0 => format!("{} µs", time.as_micros()),
        1..10 => format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        10..10_000 => format!("{} ms", time.as_millis()),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_frame_takes_the_place_of_the_one_before() {
        let mut board = Board::default();
        for number in 0..HEIGHT + 2 {
            board.steps.push(Step {
                name: format!("step {number} {}", "x".repeat(100)),
                begun: Instant::now(),
                end: (number % 2 == 0).then(|| "done".to_owned()),
            });
        }
        let first = frame(&mut board);
        assert_eq!(first.lines().count(), HEIGHT);
        assert!(!first.contains("step 1 ") && first.contains("step 21 "));
        let second = frame(&mut board);
        assert!(second.starts_with(&format!("\x1b[{HEIGHT}A")));
        let long = second.lines().map(|line| line.chars().count()).max();
        assert!(long.unwrap() <= WIDTH + 10, "{long:?}");
    }

    #[test]
    fn times_are_short() {
        let shown = [700, 4_200, 42_000, 12_340_000].map(|n| millis(Duration::from_micros(n)));
        assert_eq!(shown, ["700 µs", "4.2 ms", "42 ms", "12.3 s"]);
    }
}
