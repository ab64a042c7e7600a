//! The example passes the suite that the built-in transports pass.

use carrier::Carrier;
use culvert_conformance::{Subject, transport_suite};
use culvert_transport::{DynDialling, DynListening, Options, TransportError};

#[expect(clippy::unwrap_used, reason = "the tables are written below")]
fn options(table: &str) -> Options {
    Options::default().with_table(table.parse().unwrap())
}

fn subject() -> Subject {
    let options = options("key = \"a key\"");
    Subject::new(Carrier)
        .with_server(options.clone())
        .with_client(options)
}

transport_suite!(suite, subject());

#[test]
fn settings_that_do_not_fit_are_named() {
    for (table, word) in [
        ("", "key"),
        ("key = \"\"", "key"),
        ("key = 7", "string"),
        ("key = \"a\"\ncolour = \"red\"", "colour"),
    ] {
        let err = DynDialling::connector(&Carrier, &options(table)).unwrap_err();
        assert!(err.to_string().contains(word), "{err}");
    }
}

#[tokio::test]
async fn another_key_is_refused() {
    use culvert_transport::Target;
    let at = "127.0.0.1:0".parse().unwrap();
    let server = options("key = \"one\"");
    let mut listener = DynListening::bind(&Carrier, at, &server).await.unwrap();
    let connector = DynDialling::connector(&Carrier, &options("key = \"two\"")).unwrap();
    let target = Target::new("127.0.0.1", listener.local_addr().unwrap().port());
    let (dialled, accepted) = tokio::join!(connector.connect(&target), listener.accept());
    let _client = dialled.unwrap();
    let end = accepted.unwrap().0.await;
    assert!(matches!(end, Err(TransportError::Refused(_))), "{end:?}");
}
