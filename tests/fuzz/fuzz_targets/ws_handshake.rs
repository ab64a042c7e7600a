//! Websocket handshakes: any head, as a server and as a client. Nothing panics, and who is refused
//! gets an answer.
#![no_main]

use culvert_websocket::{Offer, Upgrade};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match Upgrade::new(data) {
        Ok(upgrade) => assert!(upgrade.response().ends_with("\r\n\r\n")),
        Err(err) => assert!(
            err.response()
                .is_some_and(|text| text.starts_with("HTTP/1.1 4"))
        ),
    }
    let offer = Offer::new("frps.example:7000", [7; 16]).expect("a good host");
    drop(offer.accepted(data));
    if let Some(host) = std::str::from_utf8(data).ok()
        && let Ok(offer) = Offer::new(host, [1; 16])
    {
        assert!(Upgrade::new(offer.request().as_bytes()).is_ok(), "{host}");
    }
});
