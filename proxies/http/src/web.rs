//! The small web server of dashboards and admin APIs: routes, authentication, answers (api 0).
//!
//! A [`Site`] is a table of routes and is asked without any socket; [`serve()`] puts it on a stream.

mod answer;
mod events;
mod histogram;
mod metrics;
mod pprof;
mod request;
mod serve;
mod site;

pub use answer::Answer;
pub use events::Feed;
pub use histogram::Histogram;
pub use metrics::Metrics;
pub use request::{Request, decoded};
pub use serve::serve;
pub use site::{Admission, Site};

#[cfg(test)]
mod tests;
