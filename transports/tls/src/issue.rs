//! Certificates for a new server, and the proof that a client will believe one.

use std::{
    io::{Cursor, Read},
    path::Path,
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::{ClientConnection, ServerConnection};
use time::{Duration, OffsetDateTime};

use crate::{IdentityFiles, TlsError, client_config, server_config, server_name};

/// How long such certificates are good: nobody is there to renew them.
const VALID_DAYS: i64 = 3650;

/// A server's certificate and the authority that signed it, in PEM. The authority's own key is
/// kept nowhere, so it signs nothing else.
#[derive(Clone)]
pub struct Issued {
    /// What clients verify the server with.
    pub authority: String,
    /// The server's certificate.
    pub certificate: String,
    /// The server's private key.
    pub key: String,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// Makes a certificate for the server `name`, a host name or an address, and an authority for it.
///
/// # Errors
/// The name cannot stand in a certificate.
pub fn issue(name: &str) -> Result<Issued, TlsError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = called(&format!("authority of {name}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    limit(&mut params);
    let authority = params.self_signed(&key)?.pem();
    let issuer = Issuer::new(params, key);

    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name = called(name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    limit(&mut params);
    Ok(Issued {
        authority,
        certificate: params.signed_by(&key, &issuer)?.pem(),
        key: key.serialize_pem(),
    })
}

fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

fn limit(params: &mut CertificateParams) {
    let now = OffsetDateTime::now_utc();
    // Clocks differ.
    params.not_before = now - Duration::HOUR;
    params.not_after = now + Duration::days(VALID_DAYS);
}

/// Whether a client that trusts the authority in the file `ca` alone believes a server with these
/// files to be `name`: both are set up and shake hands in memory. Blocks on the files only.
///
/// # Errors
/// A file cannot be used, or the client does not believe the server; the text says why.
pub fn prove(server: &IdentityFiles, ca: &Path, name: &str) -> Result<(), TlsError> {
    let settings = client_config(None, Some(ca))?;
    let mut client =
        ClientConnection::new(settings, server_name(name, true)?).map_err(TlsError::Settings)?;
    let settings = server_config(Some(server), None)?;
    let mut server = ServerConnection::new(settings).map_err(TlsError::Settings)?;
    while client.is_handshaking() {
        let mut flight = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut flight)?;
        }
        receive(&flight, |bytes| {
            server.read_tls(bytes)?;
            server
                .process_new_packets()
                .map_err(TlsError::from_rustls)?;
            Ok(())
        })?;
        let mut flight = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut flight)?;
        }
        if flight.is_empty() && client.is_handshaking() {
            return Err(TlsError::Internal("the handshake stands still"));
        }
        receive(&flight, |bytes| {
            client.read_tls(bytes)?;
            client
                .process_new_packets()
                .map_err(TlsError::from_rustls)?;
            Ok(())
        })?;
    }
    Ok(())
}

/// Hands over all of a flight, as much at a time as is taken.
fn receive(
    flight: &[u8],
    mut take: impl FnMut(&mut dyn Read) -> Result<(), TlsError>,
) -> Result<(), TlsError> {
    let mut bytes = Cursor::new(flight);
    while usize::try_from(bytes.position()).is_ok_and(|at| at < flight.len()) {
        take(&mut bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::{issue, prove};
    use crate::IdentityFiles;

    fn written(name: &str) -> (PathBuf, IdentityFiles) {
        let folder = std::env::temp_dir().join(format!(
            "culvert-issue-{}-{}",
            std::process::id(),
            name.replace(':', "_")
        ));
        fs::create_dir_all(&folder).unwrap();
        let issued = issue(name).unwrap();
        let files = IdentityFiles {
            cert: folder.join("server.crt"),
            key: folder.join("server.key"),
        };
        fs::write(folder.join("ca.crt"), &issued.authority).unwrap();
        fs::write(&files.cert, &issued.certificate).unwrap();
        fs::write(&files.key, &issued.key).unwrap();
        assert!(!format!("{issued:?}").contains("PRIVATE"));
        (folder, files)
    }

    #[test]
    fn an_issued_certificate_is_believed_for_its_name_only() {
        for name in ["frp.example", "192.0.2.7", "2001:db8::7"] {
            let (folder, files) = written(name);
            let ca = folder.join("ca.crt");
            prove(&files, &ca, name).unwrap();
            let other = prove(&files, &ca, "other.example").unwrap_err();
            assert!(other.to_string().contains("not accepted"), "{other}");
            let (stranger, _) = written(&format!("of-{}.example", name.len()));
            let unknown = prove(&files, &stranger.join("ca.crt"), name).unwrap_err();
            assert!(unknown.to_string().contains("not accepted"), "{unknown}");
            fs::remove_dir_all(folder).unwrap();
            fs::remove_dir_all(stranger).unwrap();
        }
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        assert!(issue("ä ö").is_err());
    }
}
