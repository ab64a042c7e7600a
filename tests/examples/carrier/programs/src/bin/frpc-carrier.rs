//! The client of a tunnel, with one more transport.

use std::process::ExitCode;

fn main() -> ExitCode {
    frpc::App::standard().with_transport(carrier::Carrier).run()
}
