//! The reverse proxy: requests of users, over pooled work connections, to the services of clients.
//!
//! hyper speaks HTTP at both sides. What it lets through and we do not is caught by [`strict`] in
//! the bytes themselves, before hyper reads them.

mod backend;
mod body;
mod fault;
mod guard;
mod headers;
mod pool;
mod record;
mod request;
mod serve;
mod stall;
mod strict;
mod switch;
mod target;
mod user;

pub use self::{
    backend::{Dial, HttpBackend},
    headers::{Forwarding, HttpRules, remove_hop_by_hop},
    serve::{Handler, bare, serve_handler},
};
pub(crate) use self::{
    body::RequestBody,
    fault::Fault,
    pool::Checkout,
    serve::serve,
    strict::{Scanner, Verdict},
    target::may_be_in_host,
};

#[cfg(test)]
mod tests;
