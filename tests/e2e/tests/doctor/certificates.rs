//! Certificates that are not those of the server, or not of now.

use culvert_kit::{Authority, Identity, Result, TempDir, https_web};

use crate::scene::{at, examined, expect};

/// What doctor says of a server with this identity, where `authority` is believed.
async fn with(identity: &Identity, authority: &Authority, cause: &str) -> Result {
    let server = https_web(identity, "nobody looks").await?;
    let dir = TempDir::new()?;
    let ca = dir.write("ca.pem", authority.pem())?;
    let more = format!("transport.tls.trustedCaFile = '{}'\n", ca.display());
    let done = examined(&at(server.port(), &more), "2s").await?;
    expect(&done, cause, 1)
}

#[tokio::test]
async fn somebody_opens_tls_on_the_way() -> Result {
    let (ours, office) = (Authority::new()?, Authority::new()?);
    with(&office.issue(&["127.0.0.1"])?, &ours, "tls-intercepted").await
}

#[tokio::test]
async fn a_certificate_has_expired() -> Result {
    let authority = Authority::new()?;
    let old = authority.issue_for(&["127.0.0.1"], (2001, 2002))?;
    with(&old, &authority, "certificate-expired").await
}

#[tokio::test]
async fn a_clock_that_is_behind_finds_certificates_of_the_future() -> Result {
    let authority = Authority::new()?;
    let new = authority.issue_for(&["127.0.0.1"], (2070, 2080))?;
    with(&new, &authority, "clock-wrong").await
}

#[tokio::test]
async fn a_certificate_is_for_somebody_else() -> Result {
    let authority = Authority::new()?;
    let other = authority.issue(&["mail.example"])?;
    with(&other, &authority, "certificate-wrong-name").await
}
