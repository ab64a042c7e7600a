//! Bodies of the admin API that define proxies and visitors, and the file that keeps them: any text
//! is taken or refused; what was taken can be written, and read again as the same.
#![no_main]

use culvert_conf::{Defined, Definition, Definitions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for what in [Defined::Proxy, Defined::Visitor] {
        let read = match Definition::parse(what, text, None) {
            Ok(read) => read,
            Err(why) => {
                assert!(!why.to_string().is_empty());
                continue;
            }
        };
        assert!(!read.name().trim().is_empty());
        if let Err(why) = read.check() {
            assert!(!why.to_string().is_empty());
        }
        let written = serde_json::to_string(&read).unwrap();
        let again = Definition::parse(what, &written, Some(read.name())).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), written);
        drop(read.completed().entry());
    }
    if let Ok(store) = Definitions::parse_store(text) {
        drop(store.checked("store.json", "user", &[]));
        let written = serde_json::to_string(&store).unwrap();
        let again = Definitions::parse_store(&written).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), written);
    }
});
