//! Log lines in upstream's shape, to standard output or a file.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::PathBuf,
};

use culvert_conf::{Log, LogLevel, LogTarget};
use parking_lot::Mutex;
use tracing::{Event, Level, Metadata, Subscriber, level_filters::LevelFilter, span};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::format::{Fields, Line, Prefix};

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The log file cannot be written.
    #[error("log.to: cannot write to {path}; check that its folder exists and may be written to")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else in this process logs already.
    #[error("logging was started twice in one process")]
    Twice,
}

/// Sends every event of this process to where `log` says, from now on.
///
/// # Errors
/// The file cannot be opened, or logging was started before.
pub fn start(log: &Log) -> Result<(), LogError> {
    let (color, out): (bool, Box<dyn Write + Send>) = match &log.to {
        LogTarget::Console { color } => (*color, Box::new(io::stdout())),
        LogTarget::File(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let file = file.map_err(|source| LogError::File {
                path: path.clone(),
                source,
            })?;
            (false, Box::new(file))
        }
    };
    let level = match log.level {
        LogLevel::Trace => Level::TRACE,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warn => Level::WARN,
        LogLevel::Error => Level::ERROR,
    };
    let lines = Lines {
        level,
        color,
        out: Mutex::new(out),
    };
    tracing_subscriber::registry()
        .with(lines)
        .try_init()
        .map_err(|_| LogError::Twice)
}

struct Lines {
    level: Level,
    color: bool,
    out: Mutex<Box<dyn Write + Send>>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        // Libraries speak of their own insides below warn; that is not the operator's business.
        let ours = ["culvert", "frps", "frpc"]
            .iter()
            .any(|p| metadata.target().starts_with(p));
        let level = if ours {
            self.level
        } else {
            self.level.min(Level::WARN)
        };
        metadata.is_span() || *metadata.level() <= level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.level))
    }

    fn on_new_span(&self, attrs: &span::Attributes<'_>, id: &span::Id, cx: Context<'_, S>) {
        let mut fields = Fields::default();
        attrs.record(&mut fields);
        if let Some(span) = cx.span(id) {
            span.extensions_mut().insert(Prefix(fields.text));
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let mut line = Line::begin(*event.metadata().level(), event.metadata(), self.color);
        for span in cx
            .event_scope(event)
            .into_iter()
            .flat_map(|s| s.from_root())
        {
            if let Some(prefix) = span.extensions().get::<Prefix>() {
                line.prefix(&prefix.0);
            }
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let line = line.end(&fields.text);
        let mut out = self.out.lock();
        // A full disk or a closed pipe must not end the service.
        let _lost = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
}
