//! Whom we believe: nobody in particular, or what an authority has signed.
//!
//! Both verifiers follow what Go accepts, because that is what operators' certificates were made
//! for. Go takes a leaf that is itself in the pool of authorities, also when it is marked as an
//! authority (`openssl req -x509` does that); webpki refuses it. Validity and name are checked in
//! every case.

use std::{path::Path, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    },
    server::{
        ParsedCertificate, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::{TlsError, identity};

/// Accepts every server certificate; the handshake's signature must still be right.
#[derive(Debug)]
pub(crate) struct Unverified(WebPkiSupportedAlgorithms);

impl Unverified {
    pub(crate) fn new(provider: &CryptoProvider) -> Self {
        Self(provider.signature_verification_algorithms)
    }
}

/// Without verification a signature proves nothing about who signed. So a certificate that webpki
/// cannot read (X.509 version 1, say) costs nothing; a wrong signature means a broken peer.
fn unless_unreadable(
    result: Result<HandshakeSignatureValid, Error>,
) -> Result<HandshakeSignatureValid, Error> {
    match result {
        Err(Error::InvalidCertificate(err)) if err != CertificateError::BadSignature => {
            Ok(HandshakeSignatureValid::assertion())
        }
        other => other,
    }
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        unless_unreadable(verify_tls12_signature(message, cert, dss, &self.0))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        unless_unreadable(verify_tls13_signature(message, cert, dss, &self.0))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// The certificates of an authority file.
#[derive(Debug)]
struct Authorities {
    roots: Arc<RootCertStore>,
    pinned: Vec<CertificateDer<'static>>,
}

impl Authorities {
    fn load(path: &Path) -> Result<Self, TlsError> {
        let pinned = identity::certificates(path)?;
        let mut roots = RootCertStore::empty();
        let (good, _) = roots.add_parsable_certificates(pinned.iter().cloned());
        if good == 0 {
            return Err(identity::bad(
                path,
                "no certificate in it can be used as an authority".to_owned(),
                "give the X.509 version 3 certificate of the authority",
            ));
        }
        Ok(Self {
            roots: Arc::new(roots),
            pinned,
        })
    }
}

/// Whether webpki refused `leaf` only because it is an authority itself, or was signed by one that
/// is not in the file, while the file holds exactly this certificate. webpki checks the validity
/// before it says either.
fn is_pinned(pinned: &[CertificateDer<'static>], leaf: &CertificateDer<'_>, err: &Error) -> bool {
    let only_that = match err {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => true,
        Error::InvalidCertificate(CertificateError::Other(other)) => matches!(
            other.0.downcast_ref::<webpki::Error>(),
            Some(webpki::Error::CaUsedAsEndEntity)
        ),
        _ => false,
    };
    only_that && pinned.iter().any(|p| p == leaf)
}

/// Verifies servers against an authority file.
#[derive(Debug)]
pub(crate) struct ServersOf {
    inner: Arc<WebPkiServerVerifier>,
    pinned: Vec<CertificateDer<'static>>,
}

impl ServersOf {
    pub(crate) fn load(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let Authorities { roots, pinned } = Authorities::load(path)?;
        let inner = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
            .build()
            .map_err(|err| unusable(path, &err))?;
        Ok(Self { inner, pinned })
    }
}

impl ServerCertVerifier for ServersOf {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            Err(err) if is_pinned(&self.pinned, end_entity, &err) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Requires clients to show a certificate from an authority file.
#[derive(Debug)]
pub(crate) struct ClientsOf {
    inner: Arc<dyn ClientCertVerifier>,
    pinned: Vec<CertificateDer<'static>>,
}

impl ClientsOf {
    pub(crate) fn load(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let Authorities { roots, pinned } = Authorities::load(path)?;
        let inner = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider))
            .build()
            .map_err(|err| unusable(path, &err))?;
        Ok(Self { inner, pinned })
    }
}

fn unusable(path: &Path, err: &dyn std::error::Error) -> TlsError {
    identity::bad(
        path,
        format!("cannot verify with it: {err}"),
        "give the certificate of the authority",
    )
}

impl ClientCertVerifier for ClientsOf {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self
            .inner
            .verify_client_cert(end_entity, intermediates, now)
        {
            Err(err) if is_pinned(&self.pinned, end_entity, &err) => {
                Ok(ClientCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
