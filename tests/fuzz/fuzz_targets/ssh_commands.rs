//! Commands of SSH clients, behind a line with the user that their key names: whatever they say,
//! they get a proxy in the name of that user, or an answer.
#![no_main]

use frps::parsers::ssh::command;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some((owner, line)) = text.split_once('\n') else {
        return;
    };
    for owner in [None, Some(owner)] {
        match command(line, owner) {
            Ok((login, ask)) => {
                assert_eq!(login.client_spec.always_auth_pass, owner.is_some());
                let kinds = ["tcp", "http", "https", "tcpmux", "stcp"];
                assert!(kinds.contains(&&*ask.proxy_type), "{ask:?}");
                if let Some(owner) = owner.filter(|owner| !owner.is_empty()) {
                    assert_eq!(login.user, owner);
                    assert!(ask.proxy_name.starts_with(&format!("{owner}.")), "{ask:?}");
                }
            }
            Err(said) => assert!(!said.is_empty()),
        }
    }
});
