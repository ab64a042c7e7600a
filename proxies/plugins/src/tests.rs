//! Every plugin with its user in memory and its service on the loopback.

mod bridges;
mod fixture;
mod raw;
mod static_file;
