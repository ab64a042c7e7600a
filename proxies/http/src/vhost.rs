//! Many services behind one port: routes, the servers that use them, and the page for a miss.

mod connect;
mod hand_over;
mod home;
mod host;
mod http;
mod https;
mod not_found;
mod router;

pub use self::{
    connect::ConnectVhost,
    hand_over::Tunnels,
    host::canonical_host,
    http::{Backends, ErrorMode, HttpBridge, HttpVhost},
    https::{HttpsVhost, read_hello},
    not_found::SERVER,
    router::{Route, Router},
};
pub(crate) use self::{
    home::home,
    http::{Inner, Told},
};
