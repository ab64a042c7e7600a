//! Answers of server plugins about any operation: what the next plugin is told of them is an answer
//! that says the same.
#![no_main]

use culvert_conf::PluginOp;
use frps::parsers::hook_content;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for op in PluginOp::ALL {
        let Some(content) = hook_content(op, body) else {
            continue;
        };
        let again = [b"{\"content\":", &*content, b"}"].concat();
        let same = hook_content(op, &again);
        assert_eq!(same.as_deref(), Some(&*content), "{op:?}");
    }
});
