//! Command lines of both programs, a word on each line: any words are understood or refused in
//! words of ours, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for (program, read) in [
        ("frps", server as fn(&[&str]) -> Result<(), String>),
        ("frpc", client),
    ] {
        let words: Vec<&str> = std::iter::once(program).chain(text.lines()).collect();
        if let Err(refused) = read(&words) {
            assert!(!refused.is_empty(), "{words:?}");
        }
    }
});

fn server(words: &[&str]) -> Result<(), String> {
    frps::parsers::command_line(words)
}

fn client(words: &[&str]) -> Result<(), String> {
    frpc::parsers::command_line(words).map(drop)
}
