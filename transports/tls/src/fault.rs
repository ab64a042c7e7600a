//! What is wrong with a certificate that we do not accept, as far as an operator needs to know.

use rustls::{AlertDescription, CertificateError, Error};

/// Why a certificate is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It is not valid any more, by our clock.
    Expired,
    /// It is not valid yet, by our clock.
    NotYetValid,
    /// It is for other names.
    WrongName,
    /// None of our authorities has signed it.
    UnknownIssuer,
    /// It is damaged, revoked or for another purpose.
    Other,
}

impl CertificateFault {
    /// The fault that an error of a handshake tells.
    #[must_use]
    pub fn of(err: &Error) -> Self {
        let Error::InvalidCertificate(err) = err else {
            return Self::Other;
        };
        match err {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName
            }
            // An authority that only has the name of ours signs otherwise.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            _ => Self::Other,
        }
    }

    /// The fault for which our side sends this alert (RFC 8446, section 6.2), for transports that
    /// keep nothing else; `None` when it concerns no certificate.
    #[must_use]
    pub fn of_alert(code: u8) -> Option<Self> {
        match AlertDescription::from(code) {
            AlertDescription::CertificateExpired => Some(Self::Expired),
            // rustls sends it for names that differ.
            AlertDescription::BadCertificate => Some(Self::WrongName),
            AlertDescription::UnknownCA | AlertDescription::DecryptError => {
                Some(Self::UnknownIssuer)
            }
            AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate => Some(Self::Other),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_tells_what_the_error_told() {
        for (err, fault) in [
            (CertificateError::Expired, CertificateFault::Expired),
            (
                CertificateError::NotValidForName,
                CertificateFault::WrongName,
            ),
            (
                CertificateError::UnknownIssuer,
                CertificateFault::UnknownIssuer,
            ),
            (
                CertificateError::BadSignature,
                CertificateFault::UnknownIssuer,
            ),
        ] {
            let alert = AlertDescription::from(err.clone());
            assert_eq!(CertificateFault::of_alert(alert.into()), Some(fault));
            assert_eq!(CertificateFault::of(&Error::InvalidCertificate(err)), fault);
        }
        assert_eq!(CertificateFault::of_alert(120), None);
    }
}
