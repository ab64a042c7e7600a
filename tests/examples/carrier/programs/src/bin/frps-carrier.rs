//! The server of a tunnel, with one more transport.

use std::process::ExitCode;

fn main() -> ExitCode {
    frps::App::standard().with_transport(carrier::Carrier).run()
}
