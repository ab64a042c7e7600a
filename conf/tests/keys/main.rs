//! Every key of upstream's tables (config 1) is there, with its default and its check.
//!
//! A default is right when writing it changes nothing; a key has a meaning when writing something
//! else does.

mod client;
mod entries;
mod server;
mod shared;

use culvert_conf::{
    ClientConfig, Definitions, ServerConfig, Strictness, parse_client, parse_server,
};

/// One key: what must stand before it, its line with the default, its line with another value,
/// and lines that are refused, each with upstream's words.
pub(crate) struct Row {
    pub(crate) before: &'static str,
    pub(crate) default: &'static str,
    pub(crate) other: &'static str,
    pub(crate) bad: &'static [(&'static str, &'static str)],
}

pub(crate) const fn row(default: &'static str, other: &'static str) -> Row {
    after("", default, other)
}

pub(crate) const fn after(before: &'static str, default: &'static str, other: &'static str) -> Row {
    Row {
        before,
        default,
        other,
        bad: &[],
    }
}

pub(crate) const fn checked(
    default: &'static str,
    other: &'static str,
    bad: &'static [(&'static str, &'static str)],
) -> Row {
    Row {
        before: "",
        default,
        other,
        bad,
    }
}

fn server(text: &str) -> Result<ServerConfig, String> {
    let loaded = parse_server(text, "frps.toml", Strictness::Strict);
    loaded.map(|l| l.config).map_err(|e| e.to_string())
}

fn client(text: &str) -> Result<ClientConfig, String> {
    let loaded = parse_client(text, "frpc.toml", Strictness::Strict);
    let mut config = loaded.map_err(|e| e.to_string())?.config;
    // What was written, with its lines, is no question here.
    config.definitions = Definitions::default();
    Ok(config)
}

fn check<T: PartialEq + std::fmt::Debug>(
    rows: &[Row],
    read: fn(&str) -> Result<T, String>,
) -> Result<(), String> {
    for row in rows {
        let with = |line: &str| read(&format!("{}\n{line}\n", row.before));
        let without = with("")?;
        let Row { default, other, .. } = row;
        assert_eq!(with(default)?, without, "{default} is not the default");
        assert_ne!(with(other)?, without, "{other} means nothing");
        for (line, gist) in row.bad {
            let error = with(line).err().unwrap_or_default();
            assert!(error.contains(gist), "{line}: {error}");
        }
    }
    Ok(())
}

#[test]
fn every_key_of_frps() -> Result<(), String> {
    check(server::SERVER, server)?;
    check(shared::SHARED, server)
}

#[test]
fn every_key_of_frpc() -> Result<(), String> {
    check(client::CLIENT, client)?;
    check(shared::SHARED, client)
}

#[test]
fn every_key_of_proxies() -> Result<(), String> {
    check(entries::PROXIES, client)
}

#[test]
fn every_key_of_visitors() -> Result<(), String> {
    check(entries::VISITORS, client)
}
