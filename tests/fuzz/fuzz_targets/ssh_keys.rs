//! Files of authorized keys: any text; only a key that stands in it lets somebody in, by the
//! comment behind it.
#![no_main]

use frps::parsers::ssh::owner;
use libfuzzer_sys::fuzz_target;

const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

fuzz_target!(|text: &str| {
    let key = format!("ssh-ed25519 {KEY}");
    if let Some(comment) = owner(text, &key) {
        assert!(text.contains(KEY), "a key that is not there");
        assert!(text.contains(&comment));
    }
    // The lines before and behind one do not take it away.
    let file = format!("{text}\n{key} alice\n{text}");
    assert!(owner(&file, &key).is_some());
    assert_eq!(owner("", text), None);
});
