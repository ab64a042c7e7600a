//! Who we are: a certificate and its key from files, or generated at start.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{crypto::CryptoProvider, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use time::{Duration, OffsetDateTime};

use crate::TlsError;

/// A certificate chain and its private key, both in PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The chain, our own certificate first.
    pub cert: PathBuf,
    /// The key in PKCS#8, PKCS#1 or SEC1 form.
    pub key: PathBuf,
}

/// Reads a chain and its key and checks that they belong together.
pub(crate) fn load(
    files: &IdentityFiles,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = certificates(&files.cert)?;
    let key = private_key(&files.key)?;
    let key = provider.key_provider.load_private_key(key).map_err(|err| {
        bad(
            &files.key,
            format!("the private key cannot be used: {err}"),
            "use an RSA key of 2048 bits or more, or an ECDSA P-256 or P-384 or Ed25519 key",
        )
    })?;
    let identity = CertifiedKey::new(chain, key);
    match identity.keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => Err(bad(
            &files.key,
            format!("the key does not belong to {}", files.cert.display()),
            "give the certificate and the key that were made together",
        )),
        // A certificate that rustls cannot look into may still be what the peer wants.
        _ => Ok(Arc::new(identity)),
    }
}

/// The certificates of a PEM file; at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let remedy = "give a PEM file with \"BEGIN CERTIFICATE\" blocks";
    let certs = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|err| bad(path, format!("not a PEM file: {err}"), remedy))?;
    if certs.is_empty() {
        return Err(bad(path, "no certificate in it".to_owned(), remedy));
    }
    Ok(certs)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|_secret| {
        bad(
            path,
            "no usable private key in it".to_owned(),
            "give a PEM file with an unencrypted PKCS#8, PKCS#1 or SEC1 key",
        )
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|err| {
        bad(
            path,
            format!("cannot be read: {err}"),
            "check the path and its permissions",
        )
    })
}

pub(crate) fn bad(path: &Path, problem: String, remedy: &'static str) -> TlsError {
    TlsError::File {
        path: path.to_owned(),
        problem,
        remedy,
    }
}

/// A certificate that nobody vouches for, for servers without files; as upstream's it has no
/// names, begins an hour ago and lasts ten years (pkg/transport/tls.go). The key is ECDSA P-256,
/// which takes no time to make, where upstream takes RSA.
pub(crate) fn generate(provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, TlsError> {
    let key = rcgen::KeyPair::generate()?;
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::HOUR;
    params.not_after = now + Duration::days(3650);
    let cert = params.self_signed(&key)?;
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = provider
        .key_provider
        .load_private_key(der)
        .map_err(TlsError::Settings)?;
    Ok(Arc::new(CertifiedKey::new(vec![cert.der().clone()], key)))
}
