//! Every plugin with its user in memory and its service on the loopback.

mod bridges;
pub(crate) mod fixture;
mod http_proxy;
mod raw;
mod socks5;
mod static_file;
