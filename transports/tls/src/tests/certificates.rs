use rustls::CertificateError;

use super::{Files, shake};
use crate::{IdentityFiles, TlsError, client_config, server_config, server_name};

async fn outcome(
    server: (Option<&IdentityFiles>, Option<&std::path::Path>),
    client: (Option<&IdentityFiles>, Option<&std::path::Path>),
    name: &str,
) -> (Result<(), TlsError>, Result<(), TlsError>) {
    let server = server_config(server.0, server.1).unwrap();
    let client = client_config(client.0, client.1).unwrap();
    let (s, c) = shake(&server, &client, name, 64 * 1024).await;
    // With TLS 1.3 a refused client learns of it when it reads.
    let c = match c {
        Ok(mut c) if s.is_err() => {
            let got = tokio::io::AsyncReadExt::read_u8(&mut c).await;
            assert!(got.is_err());
            Ok(())
        }
        other => other.map(drop),
    };
    (s.map(drop), c)
}

#[tokio::test]
async fn chain_and_name_are_verified() {
    let files = Files::new();
    let ca = files.authority("ca");
    let other = files.authority("other");
    let id = files.signed("server", &ca);
    for name in ["example.com", "127.0.0.1"] {
        let (s, c) = outcome((Some(&id), None), (None, Some(&ca.path)), name).await;
        s.unwrap();
        c.unwrap();
    }
    for (trusted, name) in [
        (&ca, "invalid.com"),
        (&ca, "127.0.0.2"),
        (&other, "example.com"),
    ] {
        let (s, c) = outcome((Some(&id), None), (None, Some(&trusted.path)), name).await;
        assert!(matches!(s, Err(TlsError::Refused(_))), "{s:?}");
        assert!(matches!(c, Err(TlsError::Certificate(_))), "{c:?}");
    }
}

#[tokio::test]
async fn clients_must_show_a_certificate_of_the_authority() {
    let files = Files::new();
    let ca = files.authority("ca");
    let other = files.authority("other");
    let good = files.signed("good", &ca);
    let bad = files.signed("bad", &other);
    let (s, c) = outcome((None, Some(&ca.path)), (Some(&good), None), "x").await;
    s.unwrap();
    c.unwrap();
    for identity in [None, Some(&bad)] {
        let (s, _) = outcome((None, Some(&ca.path)), (identity, None), "x").await;
        assert!(matches!(s, Err(TlsError::Certificate(_))), "{s:?}");
    }
}

#[tokio::test]
async fn a_leaf_in_the_authority_file_is_trusted_like_in_go() {
    let files = Files::new();
    for (name, is_ca) in [("leaf", false), ("ca-leaf", true)] {
        let id = files.self_signed(name, is_ca);
        let both = (Some(&id), Some(id.cert.as_path()));
        let (s, c) = outcome(both, both, "example.com").await;
        s.unwrap();
        c.unwrap();
        let (_, c) = outcome(both, both, "invalid.com").await;
        assert!(matches!(
            c,
            Err(TlsError::Certificate(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForNameContext { .. }
            )))
        ));
        let stranger = files.self_signed("stranger", is_ca);
        let (_, c) = outcome(
            (Some(&stranger), None),
            (None, Some(&id.cert)),
            "example.com",
        )
        .await;
        assert!(matches!(c, Err(TlsError::Certificate(_))), "{c:?}");
    }
}

#[tokio::test]
async fn a_leaf_signed_by_an_unknown_authority_can_be_pinned() {
    let files = Files::new();
    let ca = files.authority("ca");
    let id = files.signed("server", &ca);
    let (s, c) = outcome((Some(&id), None), (None, Some(&id.cert)), "example.com").await;
    s.unwrap();
    c.unwrap();
}

#[test]
fn file_errors_name_the_file_and_the_remedy() {
    let files = Files::new();
    let ca = files.authority("ca");
    let a = files.signed("a", &ca);
    let b = files.signed("b", &ca);
    let missing = files.dir().join("missing.pem");
    let empty = files.write("empty.pem", "nothing here\n");
    let id = |cert: &std::path::Path, key: &std::path::Path| IdentityFiles {
        cert: cert.to_owned(),
        key: key.to_owned(),
    };
    for (identity, blamed, problem) in [
        (id(&missing, &a.key), &missing, "cannot be read"),
        (id(&empty, &a.key), &empty, "no certificate"),
        (id(&a.cert, &empty), &empty, "no usable private key"),
        (id(&a.cert, &b.key), &b.key, "does not belong"),
    ] {
        let text = server_config(Some(&identity), None)
            .unwrap_err()
            .to_string();
        assert!(text.contains(&blamed.display().to_string()), "{text}");
        assert!(text.contains(problem), "{text}");
        assert!(client_config(Some(&identity), None).is_err());
    }
    assert!(server_config(None, Some(&empty)).is_err());
    assert!(client_config(None, Some(&missing)).is_err());
}

#[test]
fn names_are_host_names_or_addresses() {
    for good in [
        "example.com",
        "under_score.local",
        "127.0.0.1",
        "::1",
        "[::1]",
        "fe80::1%eth0",
    ] {
        server_name(good, true).unwrap();
    }
    assert!(server_name("127.0.0.1:7000", true).is_err());
    server_name("127.0.0.1:7000", false).unwrap();
    server_name("", false).unwrap();
}
