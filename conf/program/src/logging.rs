//! Log lines in upstream's shape or as JSON, to standard output or a file, and the access log: a
//! line for each user connection that ended.
//!
//! Whoever logs hands a line to a thread and goes on; see [`queue`].

mod file;
mod queue;

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Local};
use culvert_conf::{Log, LogFormat, LogLevel, LogTarget};
use culvert_io::{FastPaths, TRACE_LOG};
use tracing::{Event, Level, Metadata, Subscriber, level_filters::LevelFilter, span};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::format::{Fields, Said, Shape, place};
use file::DailyFile;
use queue::{Out, Queue};

/// The target of events for the access log.
const ACCESS: &str = culvert_io::ACCESS_LOG;

/// How long the end of a program waits for its last lines to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The log file cannot be written.
    #[error("{key}: cannot write to {path}; check that its folder may be written to")]
    File {
        /// The key in the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system gives no thread to write with.
    #[error("cannot start a thread that writes the log")]
    Thread(#[source] io::Error),
    /// Something else in this process logs already.
    #[error("logging was started twice in one process")]
    Twice,
}

/// Sends every event of this process to where `log` says, from now on.
///
/// # Errors
/// The file cannot be opened, or logging was started before.
pub fn start(log: &Log) -> Result<(), LogError> {
    subscriber(log)?.try_init().map_err(|_| LogError::Twice)?;
    tell_fast_paths();
    Ok(())
}

/// Runs `work` with every event of this thread going to where `log` says, for processes that run
/// several services.
///
/// # Errors
/// The file cannot be opened; `work` was not run.
pub fn start_here<T>(log: &Log, work: impl FnOnce() -> T) -> Result<T, LogError> {
    let subscriber = subscriber(log)?;
    Ok(tracing::subscriber::with_default(subscriber, || {
        tell_fast_paths();
        work()
    }))
}

/// Whoever reads a log has to know that the program does not go its usual ways.
fn tell_fast_paths() {
    let chosen = FastPaths::default();
    if chosen != FastPaths::USUAL {
        tracing::info!("{}: {chosen}", FastPaths::VARIABLE);
    }
}

/// Waits until the lines of this process are written; not for ever, if nobody takes them.
pub(crate) fn flush() {
    queue::flush(PATIENCE);
}

fn subscriber(log: &Log) -> Result<impl Subscriber + Send + Sync + 'static, LogError> {
    let level = match log.level {
        LogLevel::Trace => Level::TRACE,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warn => Level::WARN,
        LogLevel::Error => Level::ERROR,
    };
    let access = log.access.as_ref();
    let lines = Lines {
        level,
        main: Place::open("log.to", &log.to, log)?,
        access: access
            .map(|to| Place::open("log.access", to, log))
            .transpose()?,
    };
    Ok(tracing_subscriber::registry().with(lines))
}

/// What a span puts in front of the lines inside it.
struct Prefix(String);

/// Where lines go, and what they look like there.
struct Place {
    shape: Shape,
    queue: Arc<Queue>,
}

impl Place {
    /// # Errors
    /// The file cannot be opened, or the system gives no thread.
    fn open(key: &'static str, to: &LogTarget, log: &Log) -> Result<Self, LogError> {
        let shape = match (log.format, to) {
            (LogFormat::Json, _) => Shape::Json,
            (LogFormat::Text, LogTarget::Console { color }) => Shape::Text { color: *color },
            (LogFormat::Text, LogTarget::File(_)) => Shape::Text { color: false },
        };
        let complaint = move |lost| {
            shape.line(&Said {
                at: Local::now(),
                level: Level::WARN,
                place: "program/logging.rs",
                prefixes: &[],
                fields: &Fields::message(format!(
                    "{lost} log lines were lost: they came faster than they could be written"
                )),
            })
        };
        let queue = match to {
            LogTarget::Console { .. } => Queue::start(Console, complaint),
            LogTarget::File(path) => {
                let file = DailyFile::open(path, log.max_days, Local::now());
                let file = file.map_err(|source| LogError::File {
                    key,
                    path: path.clone(),
                    source,
                })?;
                Queue::start(file, complaint)
            }
        };
        let queue = queue.map_err(LogError::Thread)?;
        Ok(Self { shape, queue })
    }
}

/// The level of an event as operators are to see it.
fn level_of(of: &Metadata<'_>) -> Level {
    if of.target() == TRACE_LOG {
        Level::TRACE
    } else {
        *of.level()
    }
}

/// Standard output.
struct Console;

impl Out for Console {
    fn write(&mut self, _: DateTime<Local>, lines: &[u8]) {
        let mut out = io::stdout().lock();
        // A closed pipe must not end the service.
        let _lost = out.write_all(lines).and_then(|()| out.flush());
    }
}

struct Lines {
    level: Level,
    main: Place,
    access: Option<Place>,
}

impl Lines {
    fn place(&self, of: &Metadata<'_>) -> Option<&Place> {
        if of.target() == ACCESS {
            self.access.as_ref()
        } else {
            Some(&self.main)
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        if metadata.target() == ACCESS {
            return self.access.is_some();
        }
        // Libraries speak of their own insides below warn; that is not the operator's business.
        let ours = ["culvert", "frps", "frpc"]
            .iter()
            .any(|p| metadata.target().starts_with(p));
        let level = if ours {
            self.level
        } else {
            self.level.min(Level::WARN)
        };
        metadata.is_span() || level_of(metadata) <= level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let level = match self.access {
            Some(_) => self.level.max(Level::INFO),
            None => self.level,
        };
        Some(LevelFilter::from_level(level))
    }

    fn on_new_span(&self, attrs: &span::Attributes<'_>, id: &span::Id, cx: Context<'_, S>) {
        let mut fields = Fields::default();
        attrs.record(&mut fields);
        if let Some(span) = cx.span(id)
            && !fields.message.is_empty()
        {
            span.extensions_mut().insert(Prefix(fields.message));
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let Some(to) = self.place(event.metadata()) else {
            return;
        };
        let mut prefixes = Vec::new();
        for span in cx
            .event_scope(event)
            .into_iter()
            .flat_map(|s| s.from_root())
        {
            if let Some(Prefix(prefix)) = span.extensions().get() {
                prefixes.push(prefix.clone());
            }
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let line = to.shape.line(&Said {
            at: Local::now(),
            level: level_of(event.metadata()),
            place: &place(event.metadata()),
            prefixes: &prefixes,
            fields: &fields,
        });
        to.queue.push(&line);
    }
}

#[cfg(test)]
mod tests;
