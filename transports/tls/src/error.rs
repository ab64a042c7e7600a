//! What can go wrong with certificates, handshakes and records.

use std::{io, path::PathBuf};

/// A failure of the TLS layer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A PEM file cannot be used; `remedy` says what to do.
    #[error("{path}: {problem}, {remedy}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The name to verify is neither a host name nor an address.
    #[error(
        "\"{0}\" is neither a host name nor an IP address, set transport.tls.serverName to the name in the server's certificate"
    )]
    Name(String),
    /// There is nothing to verify a server with.
    #[error(
        "the system has no certificates of authorities; install them (ca-certificates), or name \
         their file in the environment variable SSL_CERT_FILE"
    )]
    NoAuthorities,
    /// The peer's certificate was not accepted by us.
    #[error("the peer's certificate is not accepted")]
    Certificate(#[source] rustls::Error),
    /// The peer refused us.
    #[error("the peer ended the handshake")]
    Refused(#[source] rustls::Error),
    /// The peer's bytes are no TLS, or break its rules.
    #[error("tls protocol error")]
    Protocol(#[source] rustls::Error),
    /// The peer closed the connection before the handshake was done.
    #[error("the peer closed the connection during the tls handshake")]
    Closed,
    /// The connection failed.
    #[error("connection failed during the tls handshake")]
    Io(#[from] io::Error),
    /// The settings do not fit together.
    #[error("tls settings")]
    Settings(#[source] rustls::Error),
    /// No certificate could be generated.
    #[error("cannot generate a certificate")]
    Generate(#[from] rcgen::Error),
    /// A mistake of ours.
    #[error("internal tls error: {0}")]
    Internal(&'static str),
}

impl TlsError {
    /// Sorts an error of rustls by fault.
    pub(crate) fn from_rustls(err: rustls::Error) -> Self {
        match err {
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
                Self::Certificate(err)
            }
            rustls::Error::AlertReceived(_) => Self::Refused(err),
            other => Self::Protocol(other),
        }
    }
}
