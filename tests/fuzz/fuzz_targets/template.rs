//! Templates in configuration files: any text is expanded or refused, within bounds and never a
//! panic.
#![no_main]

use culvert_conf::{Environment, Reading, Strictness, parse_server};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let pairs = [("A", "1"), ("NAME", "web"), ("EMPTY", "")];
    let envs: Environment = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    for text in [text.to_owned(), format!("{{{{ {text} }}}}")] {
        let reading = Reading {
            strictness: Strictness::Lenient,
            environment: Some(&envs),
            ..Reading::default()
        };
        let read = parse_server(&text, "f.toml", reading);
        if let Err(refused) = read {
            assert!(!refused.to_string().is_empty());
        }
    }
});
