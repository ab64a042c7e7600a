//! Datagrams on a socket that looks for its NAT or for a peer: answers of STUN servers, and messages
//! of peers. Nothing panics, and what is understood is small.
#![no_main]

use culvert_nathole::{hello, stun};
use culvert_wire::Key;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Most datagrams are of another transaction; these are of ours.
    let id = data
        .get(8..20)
        .and_then(|id| id.try_into().ok())
        .unwrap_or_default();
    if let Ok(answer) = stun::read(data, id) {
        assert!(data.len() >= 20, "{answer:?}");
    }
    assert!(stun::read(data, [0xff; 12]).is_err() || id == [0xff; 12]);
    let key = Key::derive("sk");
    if let Some(said) = hello::open(data, &key) {
        let again = hello::seal(said.clone(), &key).expect("what was read can be written");
        assert_eq!(hello::open(&again, &key), Some(said));
    }
    // What a peer with the key may say.
    let said = String::from_utf8_lossy(data).into_owned();
    let question = hello::question(&said, &said, 0);
    if let Ok(sealed) = hello::seal(question.clone(), &key)
        && sealed.len() <= 1024
    {
        assert_eq!(hello::open(&sealed, &key), Some(question));
    }
});
