//! What a log line looks like: upstream's text (api 4),
//! `2006-01-02 15:04:05.000 [I] [file:NN] [prefix1] [prefix2] message`, or a JSON object.

use std::fmt::{self, Write};

use chrono::{DateTime, Local, SecondsFormat};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use tracing::{
    Level, Metadata,
    field::{Field, Visit},
};

/// The shape of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Upstream's, with colours or without.
    Text { color: bool },
    /// A JSON object.
    Json,
}

/// What a line says.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    pub(crate) at: DateTime<Local>,
    pub(crate) level: Level,
    /// The place in the source.
    pub(crate) place: &'a str,
    /// The names of what it is about, outermost first.
    pub(crate) prefixes: &'a [String],
    pub(crate) fields: &'a Fields,
}

/// The fields of a span or an event: the message, and the others by their names.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) message: String,
    pub(crate) others: Vec<(&'static str, Value)>,
}

impl Fields {
    pub(crate) fn message(text: String) -> Self {
        Self {
            message: text,
            others: Vec::new(),
        }
    }

    fn keep(&mut self, field: &Field, value: impl Into<Value>) {
        self.others.push((field.name(), value.into()));
    }
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if is_message(field) {
            self.message.push_str(value);
        } else {
            self.keep(field, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if is_message(field) {
            // Writing to a String cannot fail.
            let _always = write!(self.message, "{value:?}");
        } else {
            self.keep(field, format!("{value:?}"));
        }
    }
}

fn is_message(field: &Field) -> bool {
    matches!(field.name(), "message" | "prefix")
}

impl Shape {
    /// The line, with its end.
    pub(crate) fn line(self, said: &Said<'_>) -> String {
        match self {
            Self::Text { color } => text(said, color),
            Self::Json => json(said),
        }
    }
}

fn text(said: &Said<'_>, color: bool) -> String {
    let (letter, paint) = match said.level {
        Level::TRACE => ('T', ""),
        Level::DEBUG => ('D', "\x1b[1;36m"),
        Level::INFO => ('I', "\x1b[1;34m"),
        Level::WARN => ('W', "\x1b[1;33m"),
        Level::ERROR => ('E', "\x1b[1;31m"),
    };
    let color = color && !paint.is_empty();
    let mut line = String::with_capacity(160);
    if color {
        line.push_str(paint);
    }
    let at = said.at.format("%Y-%m-%d %H:%M:%S%.3f");
    // Writing to a String cannot fail.
    let _always = write!(line, "{at} [{letter}] [{}]", said.place);
    for prefix in said.prefixes {
        line.push_str(" [");
        push_clean(&mut line, prefix);
        line.push(']');
    }
    if !said.fields.message.is_empty() {
        line.push(' ');
        push_clean(&mut line, &said.fields.message);
    }
    for (name, value) in &said.fields.others {
        let _always = match value {
            Value::String(text) if !text.contains([' ', '"', '=']) => {
                write!(line, " {name}=").map(|()| push_clean(&mut line, text))
            }
            value => write!(line, " {name}={value}"),
        };
    }
    line.push('\n');
    if color {
        // The reset comes after the line's end, as upstream has it.
        line.push_str("\x1b[0m");
    }
    line
}

/// Names come from peers: nothing they send may begin a line or steer a terminal.
fn push_clean(line: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
}

fn json(said: &Said<'_>) -> String {
    // Text, numbers and booleans are always JSON.
    let object = serde_json::to_string(said).unwrap_or_default();
    format!("{object}\n")
}

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_map(None)?;
        let at = self.at.to_rfc3339_opts(SecondsFormat::Millis, false);
        object.serialize_entry("time", &at)?;
        object.serialize_entry("level", &self.level.as_str().to_ascii_lowercase())?;
        object.serialize_entry("at", self.place)?;
        if !self.prefixes.is_empty() {
            object.serialize_entry("of", self.prefixes)?;
        }
        if !self.fields.message.is_empty() {
            object.serialize_entry("message", &self.fields.message)?;
        }
        for (name, value) in &self.fields.others {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}

/// The place that an event comes from: the folder and the name of a source file and the line.
/// `src` says nothing and is passed over.
pub(crate) fn place(of: &Metadata<'_>) -> String {
    let file = short(of.file().unwrap_or_default());
    format!("{file}:{}", of.line().unwrap_or(0))
}

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
    use chrono::TimeZone;

    use super::*;

    fn line(shape: Shape, level: Level, prefixes: &[&str], fields: &Fields) -> String {
        let at = Local.with_ymd_and_hms(2030, 1, 2, 3, 4, 5).unwrap();
        let prefixes: Vec<_> = prefixes.iter().map(|p| (*p).to_owned()).collect();
        shape.line(&Said {
            at,
            level,
            place: "a/b.rs:7",
            prefixes: &prefixes,
            fields,
        })
    }

    fn fields() -> Fields {
        let mut fields = Fields::message("done".to_owned());
        fields.others.push(("bytes", 5.into()));
        fields.others.push(("why", "it \"is\"".into()));
        fields
    }

    #[test]
    fn paths_keep_folder_and_file() {
        assert_eq!(short("frps/src/front/accept.rs"), "front/accept.rs");
        assert_eq!(short("frps/src/app.rs"), "frps/app.rs");
        assert_eq!(short("conf\\src\\load.rs"), "conf/load.rs");
        assert_eq!(short("main.rs"), "main.rs");
    }

    #[test]
    fn text_has_upstreams_shape() {
        let plain = Shape::Text { color: false };
        assert_eq!(
            line(plain, Level::INFO, &["run", "web"], &fields()),
            "2030-01-02 03:04:05.000 [I] [a/b.rs:7] [run] [web] done bytes=5 why=\"it \\\"is\\\"\"\n"
        );
        let color = Shape::Text { color: true };
        let bare = Fields::message("m".to_owned());
        assert_eq!(
            line(color, Level::WARN, &[], &bare),
            "\x1b[1;33m2030-01-02 03:04:05.000 [W] [a/b.rs:7] m\n\x1b[0m"
        );
        assert!(!line(color, Level::TRACE, &[], &bare).contains('\x1b'));
    }

    #[test]
    fn a_name_cannot_forge_a_line() {
        let mut fields = Fields::message("m\r".to_owned());
        fields.others.push(("x", "\n1".into()));
        let evil = "evil\n\x1b[2J";
        let text = line(Shape::Text { color: false }, Level::INFO, &[evil], &fields);
        assert!(
            text.ends_with(" [evil\\n\\u{1b}[2J] m\\r x=\\n1\n"),
            "{text:?}"
        );
        let json = line(Shape::Json, Level::INFO, &[evil], &fields);
        assert_eq!(json.chars().filter(|c| c.is_control()).count(), 1);
    }

    #[test]
    fn json_is_an_object_with_the_fields_beside_the_message() {
        let json = line(Shape::Json, Level::DEBUG, &["web"], &fields());
        assert!(json.starts_with("{\"time\":\"2030-"), "{json}");
        let read: Value = serde_json::from_str(&json).unwrap();
        assert!(
            read["time"]
                .as_str()
                .unwrap()
                .starts_with("2030-01-02T03:04:05.000")
        );
        for (name, expected) in [
            ("level", Value::from("debug")),
            ("at", "a/b.rs:7".into()),
            ("of", ["web"].as_slice().into()),
            ("message", "done".into()),
            ("bytes", 5.into()),
            ("why", "it \"is\"".into()),
        ] {
            assert_eq!(read[name], expected, "{name}");
        }
    }
}
