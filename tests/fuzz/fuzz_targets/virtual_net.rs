//! Packets of a virtual network as they stand in a stream: any bytes. Each packet is what it was
//! when it was framed, and its addresses are read from within it.
#![no_main]

use culvert_plugins::virtual_net_packets::{addresses, framed, read};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Builder;

fuzz_target!(|input: &[u8]| {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (mut rest, mut packet, mut again) = (input, Vec::new(), Vec::new());
        while let Ok(true) = read(&mut rest, &mut packet).await {
            assert!(!packet.is_empty() && packet.len() <= input.len());
            again.extend_from_slice(&framed(&packet));
            if let Some((from, to)) = addresses(&packet) {
                assert_eq!(from.is_ipv4(), to.is_ipv4());
                assert!(packet.len() >= if from.is_ipv4() { 20 } else { 40 });
            }
        }
        assert!(input.starts_with(&again));
    });
});
