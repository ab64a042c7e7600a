//! Every proxy kind of the stock programs, both ends side by side.
//!
//! One folder for each kind: `server.rs` is what a server opens, `client.rs` what a client runs.
//! `visitor.rs` is what a client runs for users of somebody's secret service.
//! [`server_kinds`], [`client_proxy`] and [`client_visitor`] are the lists of what the stock
//! programs have. What a build is without has a stand-in in `absent`, which says so.

mod addr;
mod client;
#[cfg(feature = "http")]
mod domains;
mod groups;
mod health;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "http")]
pub mod https;
mod message;
#[cfg_attr(not(feature = "plugins"), path = "absent/plugged.rs")]
mod plugged;
pub mod ports;
pub mod proxy_protocol;
mod server;
#[cfg(feature = "visitors")]
pub mod stcp;
#[cfg(feature = "visitors")]
pub mod sudp;
pub mod tcp;
#[cfg(feature = "http")]
pub mod tcpmux;
#[cfg(test)]
mod testing;
#[cfg_attr(not(feature = "udp"), path = "absent/udp.rs")]
pub mod udp;
#[cfg_attr(not(feature = "http"), path = "absent/vhosts.rs")]
mod vhosts;
#[cfg_attr(not(feature = "plugins"), path = "absent/virtual_net.rs")]
pub mod virtual_net;
#[cfg_attr(not(feature = "visitors"), path = "absent/visiting.rs")]
pub mod visiting;
#[cfg(feature = "visitors")]
mod visitor;
#[cfg_attr(not(feature = "xtcp"), path = "absent/xtcp.rs")]
pub mod xtcp;

pub use client::{ClientCx, PeerCx, client_layers, client_proxy};
pub use health::HealthChecks;
#[cfg(feature = "http")]
pub use health::redirected;
pub use message::{new_proxy, wire_name};
pub use ports::Ports;
pub use server::{ServerResources, server_kinds, server_layers};
pub use vhosts::Vhosts;
pub use virtual_net::VirtualNet;
pub use visiting::Visitors;
#[cfg(feature = "visitors")]
pub use visitor::client_visitor;
