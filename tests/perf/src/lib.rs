//! Measures our programs beside real frp, on Linux: `cargo perf --help`.

#![cfg(target_os = "linux")]

mod cli;
mod command;
mod docs;
mod links;
mod load;
mod machine;
mod measure;
mod out;
mod pair;
mod plot;
mod report;
mod results;
mod row;
mod scale;
mod services;
mod system;
mod variant;

pub use command::main;
