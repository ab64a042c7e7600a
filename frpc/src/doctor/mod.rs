//! `frpc doctor`: every way from here to the server is tried, and what is in the way of those that
//! do not pass is named.
//!
//! `way` says what is tried, `examine` tries it with the transports' own connectors and notes what
//! it saw, `diagnosis` makes causes of that and `advice` a configuration; these two do no I/O.

mod advice;
mod args;
mod diagnosis;
mod examine;
mod greeting;
mod ground;
mod json;
mod progress;
mod seen;
mod table;
mod trial;
mod way;

pub(crate) use args::{Doctor, WRONG};
pub(crate) use greeting::Greeting;
