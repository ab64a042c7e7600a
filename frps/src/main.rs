//! The server of a tunnel.

use std::process::ExitCode;

fn main() -> ExitCode {
    frps::App::standard().run()
}
