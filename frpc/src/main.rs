//! The client of a tunnel.

use std::process::ExitCode;

fn main() -> ExitCode {
    frpc::App::standard().run()
}
