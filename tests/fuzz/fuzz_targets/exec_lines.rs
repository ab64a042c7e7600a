//! What a program that carries a transport says: any bytes are lines of bounded length, and the
//! first is an address, nothing, or a reason.
#![no_main]

use culvert_exec::lines::{LONGEST, Lines, ready};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Builder;

fuzz_target!(|input: &[u8]| {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (mut lines, mut all) = (Lines::new(input), 0);
        while let Some(line) = lines.next().await {
            all += 1;
            // What is no text is written as U+FFFD, which has three bytes.
            assert!(line.len() <= 3 * LONGEST && !line.contains('\n'));
            match ready(&line) {
                Ok(at) => assert_eq!(at.is_none(), line == "ready", "{line}"),
                Err(why) => assert!(!why.is_empty()),
            }
        }
        assert!(all <= input.len());
    });
});
