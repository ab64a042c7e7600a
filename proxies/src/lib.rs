//! Every proxy kind of the stock programs, both ends side by side.
//!
//! One folder for each kind: `server.rs` is what a server opens, `client.rs` what a client runs.
//! `visitor.rs` is what a client runs for users of somebody's secret service.
//! [`server_kinds`], [`client_proxy`] and [`client_visitor`] are the lists of what the stock
//! programs have.

mod addr;
mod client;
mod domains;
mod groups;
mod health;
pub mod http;
pub mod https;
mod message;
pub mod ports;
pub mod proxy_protocol;
mod server;
pub mod stcp;
pub mod sudp;
pub mod tcp;
pub mod tcpmux;
#[cfg(test)]
mod testing;
pub mod udp;
pub mod virtual_net;
pub mod visiting;
mod visitor;
pub mod xtcp;

pub use client::{ClientCx, client_layers, client_proxy};
pub use culvert_plugins::VirtualNet;
pub use health::HealthChecks;
pub use message::{new_proxy, wire_name};
pub use ports::Ports;
pub use server::{ServerResources, server_kinds, server_layers};
pub use visiting::Visitors;
pub use visitor::client_visitor;
