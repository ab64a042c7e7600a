//! The program: `cargo perf`.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    culvert_perf::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    use std::io::{Write as _, stderr};

    writeln!(stderr(), "error: this measures on Linux only").unwrap_or_default();
    ExitCode::FAILURE
}
