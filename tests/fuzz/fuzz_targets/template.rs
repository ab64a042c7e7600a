//! Templates in configuration files: any text is expanded or refused, within bounds and never a
//! panic.
#![no_main]

use culvert_conf::{Environment, Extensions, Strictness, parse_server_in};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let pairs = [("A", "1"), ("NAME", "web"), ("EMPTY", "")];
    let envs: Environment = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    for text in [text.to_owned(), format!("{{{{ {text} }}}}")] {
        let more = Extensions::default();
        let read = parse_server_in(&text, "f.toml", Strictness::Lenient, more, &envs);
        if let Err(refused) = read {
            assert!(!refused.to_string().is_empty());
        }
    }
});
