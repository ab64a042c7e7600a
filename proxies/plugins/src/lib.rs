//! Client plugins: services inside frpc, one file each.
//!
//! A plugin takes the place of a proxy's local service and serves its work connections itself.
//! [`plugin`] is the table of all there are. None has an effect on the wire (protocol 5.10).

#![forbid(unsafe_code)]

mod answer;
mod bridge;
mod front;
mod greeting;
mod http2http;
mod http2https;
mod http_proxy;
mod https2http;
mod https2https;
mod login;
mod service;
mod socks5;
mod static_file;
mod table;
mod targets;
#[cfg(test)]
mod tests;
mod tls2raw;
mod unix_domain_socket;
mod virtual_net;

pub use greeting::{Greeting, WriteHeader};
pub use socks5::wire as socks5_messages;
pub use table::plugin;
pub use virtual_net::{VirtualNet, packet as virtual_net_packets};
