//! The text of one log line, as upstream writes it (api 4):
//! `2006-01-02 15:04:05.000 [I] [file:NN] [prefix1] [prefix2] message`.

use std::fmt::{self, Write};

use tracing::{
    Level, Metadata,
    field::{Field, Visit},
};

/// What a span puts in front of the lines inside it.
pub(crate) struct Prefix(pub(crate) String);

/// Collects the fields of a span or an event: the message, then `name=value` of the others.
#[derive(Default)]
pub(crate) struct Fields {
    pub(crate) text: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let space = if self.text.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        let _always = if matches!(field.name(), "message" | "prefix") {
            write!(self.text, "{space}{value:?}")
        } else {
            write!(self.text, "{space}{}={value:?}", field.name())
        };
    }
}

/// A line in the making.
pub(crate) struct Line {
    text: String,
    color: bool,
}

impl Line {
    /// Everything in front of the prefixes.
    pub(crate) fn begin(level: Level, at: &Metadata<'_>, color: bool) -> Self {
        let (letter, paint) = match level {
            Level::TRACE => ('T', ""),
            Level::DEBUG => ('D', "\x1b[1;36m"),
            Level::INFO => ('I', "\x1b[1;34m"),
            Level::WARN => ('W', "\x1b[1;33m"),
            Level::ERROR => ('E', "\x1b[1;31m"),
        };
        let color = color && !paint.is_empty();
        let mut text = String::with_capacity(160);
        if color {
            text.push_str(paint);
        }
        let now = chrono::Local::now().format("%Y-%m-%d %H:%M:%S%.3f");
        let file = short(at.file().unwrap_or_default());
        let line = at.line().unwrap_or(0);
        let _always = write!(text, "{now} [{letter}] [{file}:{line}]");
        Self { text, color }
    }

    pub(crate) fn prefix(&mut self, prefix: &str) {
        self.text.push_str(" [");
        self.push_clean(prefix);
        self.text.push(']');
    }

    /// Adds the message; the reset of the colour comes after the line's end, as upstream has it.
    pub(crate) fn end(mut self, message: &str) -> String {
        self.text.push(' ');
        self.push_clean(message);
        self.text.push('\n');
        if self.color {
            self.text.push_str("\x1b[0m");
        }
        self.text
    }

    /// Names come from peers: nothing they send may begin a line or steer a terminal.
    fn push_clean(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_control() {
                self.text.extend(c.escape_default());
            } else {
                self.text.push(c);
            }
        }
    }
}

/// The folder and the name of a source file; `src` says nothing and is passed over.
fn short(path: &str) -> String {
    let mut parts = path.rsplit(['/', '\\']).filter(|part| *part != "src");
    match (parts.next(), parts.next()) {
        (Some(file), Some(folder)) => format!("{folder}/{file}"),
        (Some(file), None) => file.to_owned(),
        (None, _) => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, short};

    #[test]
    fn paths_keep_folder_and_file() {
        assert_eq!(short("frps/src/front/accept.rs"), "front/accept.rs");
        assert_eq!(short("frps/src/app.rs"), "frps/app.rs");
        assert_eq!(short("conf\\src\\load.rs"), "conf/load.rs");
        assert_eq!(short("main.rs"), "main.rs");
    }

    #[test]
    fn a_name_cannot_forge_a_line() {
        let mut line = Line {
            text: "x".to_owned(),
            color: true,
        };
        line.prefix("evil\n\x1b[2J");
        assert_eq!(line.end("m\r"), "x [evil\\n\\u{1b}[2J] m\\r\n\x1b[0m");
    }
}
