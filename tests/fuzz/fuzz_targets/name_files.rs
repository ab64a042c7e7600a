//! Files of the system that name hosts and name servers: any text; what is found stands in it.
#![no_main]

use culvert_tcp::{hosts_file, resolver_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let name = text.split_whitespace().last().unwrap_or_default();
    let found = hosts_file::lookup(text, name);
    assert!(found.len() <= text.lines().count());
    let servers = resolver_file::parse(text);
    assert!(servers.len() <= 3 && servers.iter().all(|server| server.port() == 53));
});
