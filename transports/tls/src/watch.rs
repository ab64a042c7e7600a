//! A verifier that keeps what the server shows, believed or not.

use std::sync::{Arc, OnceLock};

use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::Certificate;

/// What the server of a watched handshake has shown.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<OnceLock<Vec<u8>>>);

impl Watch {
    /// Its certificate; `None` when the handshake did not get that far, or nobody can read it.
    #[must_use]
    pub fn certificate(&self) -> Option<Certificate> {
        Certificate::read(self.0.get()?)
    }
}

/// Decides as the one inside, and keeps the certificate.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) inner: Arc<dyn ServerCertVerifier>,
    pub(crate) watch: Watch,
}

impl ServerCertVerifier for Watched {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The first one counts.
        let _second = self.watch.0.set(end_entity.to_vec());
        self.inner
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
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
