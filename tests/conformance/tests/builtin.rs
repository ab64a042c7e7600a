//! Every transport of the stock programs passes the suite.

use culvert_conformance::{Subject, transport_suite};

transport_suite!(tcp, Subject::new(culvert_tcp::Tcp));
transport_suite!(quic, Subject::new(culvert_quic::Quic));
transport_suite!(websocket, Subject::new(culvert_websocket::Websocket));
transport_suite!(wss, Subject::new(culvert_websocket::Wss));
// Upstream's KCP has no handshake, and tells nobody of an end.
transport_suite!(
    kcp,
    Subject::new(culvert_kcp::KcpTransport)
        .without_end()
        .with_blind_dial()
);

/// A program of its own, where there is an interpreter for the worked example.
#[cfg(unix)]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn exec() -> Option<Subject> {
    use culvert_transport::Options;
    let python = std::process::Command::new("python3")
        .arg("--version")
        .output();
    if !python.is_ok_and(|end| end.status.success()) {
        println!("skipped: python3 is not installed");
        return None;
    }
    let mut table = toml::Table::new();
    table.insert("key".to_owned(), "a key".into());
    let options = Options::default().with_table(table);
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/exec-obfs/obfs.py");
    let subject = Subject::new(culvert_exec::Exec::new(program));
    Some(
        subject
            .with_server(options.clone())
            .with_client(options)
            .on_real_time(),
    )
}

#[cfg(unix)]
transport_suite!(program, exec());
