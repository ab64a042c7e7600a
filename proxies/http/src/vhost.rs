//! Many services behind one port: routes, the two servers that use them, and the page for a miss.

mod host;
mod http;
mod https;
mod not_found;
mod router;

pub(crate) use self::http::{Inner, Told};
pub use self::{
    host::canonical_host,
    http::{ErrorMode, HttpBridge, HttpVhost},
    https::{HttpsBackend, HttpsVhost, read_hello},
    not_found::SERVER,
    router::{Route, Router},
};
