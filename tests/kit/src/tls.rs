//! Certificates made on the spot, and an HTTPS page and browser that use them.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};

use crate::{
    Answer, Error, Result, Service, TempDir,
    web::{page_bytes, request_bytes},
};

/// How long a blocking TLS connection may take for one read or write.
const PATIENCE: Duration = Duration::from_secs(10);

/// A certificate authority that lives as long as a test.
#[derive(Debug)]
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

fn refused(e: rcgen::Error) -> Error {
    Error::wrong(format!("make a certificate: {e}"))
}

fn broken(e: impl std::fmt::Display) -> Error {
    Error::wrong(format!("set up TLS: {e}"))
}

impl Authority {
    /// Makes an authority with a key of its own.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate().map_err(refused)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(refused)?;
        // OpenSSL takes a certificate for self-signed whose names are those of its issuer.
        let name = "a test's authority";
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).map_err(refused)?.pem();
        let issuer = Issuer::new(params, key);
        Ok(Self { pem, issuer })
    }

    /// The authority's own certificate, in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Makes a certificate for `names`, which may be host names or addresses.
    ///
    /// # Errors
    /// When a name cannot stand in a certificate.
    pub fn issue(&self, names: &[&str]) -> Result<Identity> {
        self.issue_for(names, (1975, 4096))
    }

    /// Makes a certificate for `names` that is valid from the beginning of the one year to that of
    /// the other.
    ///
    /// # Errors
    /// When a name cannot stand in a certificate.
    pub fn issue_for(&self, names: &[&str], (from, to): (i32, i32)) -> Result<Identity> {
        let key = KeyPair::generate().map_err(refused)?;
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let certificate = CertificateParams::new(names)
            .and_then(|mut params| {
                params.not_before = date_time_ymd(from, 1, 1);
                params.not_after = date_time_ymd(to, 1, 1);
                params.signed_by(&key, &self.issuer)
            })
            .map_err(refused)?;
        Ok(Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

impl Identity {
    /// Writes the certificate and the key into `dir` as `name.crt` and `name.key`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, dir: &TempDir, name: &str) -> Result<(PathBuf, PathBuf)> {
        Ok((
            dir.write(&format!("{name}.crt"), &self.certificate)?,
            dir.write(&format!("{name}.key"), &self.key)?,
        ))
    }
}

/// An HTTPS server that answers every connection with the same page.
///
/// # Errors
/// When no port can be bound or the identity is unusable.
pub async fn https_web(identity: &Identity, page: &str) -> Result<Service> {
    let chain =
        vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).map_err(broken)?];
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).map_err(broken)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(broken)?;
    let (config, page) = (Arc::new(config), Arc::<[u8]>::from(page_bytes(page)));
    Service::tcp(move |socket| {
        let (config, page) = (Arc::clone(&config), Arc::clone(&page));
        async move {
            if let Ok(socket) = blocking(socket) {
                // A browser that breaks off is part of some tests.
                drop(tokio::task::spawn_blocking(move || answer(socket, config, &page)).await);
            }
        }
    })
    .await
}

fn blocking(socket: tokio::net::TcpStream) -> std::io::Result<TcpStream> {
    let socket = socket.into_std()?;
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

fn answer(socket: TcpStream, config: Arc<ServerConfig>, page: &[u8]) -> Result {
    let connection = ServerConnection::new(config).map_err(broken)?;
    let mut stream = rustls::StreamOwned::new(connection, socket);
    let mut seen = Vec::new();
    let mut piece = [0; 1024];
    while !seen.ends_with(b"\r\n\r\n") && seen.len() < 16 * 1024 {
        let len = stream
            .read(&mut piece)
            .map_err(Error::io("read a request"))?;
        let Some(more @ [_, ..]) = piece.get(..len) else {
            return Ok(());
        };
        seen.extend_from_slice(more);
    }
    stream.write_all(page).map_err(Error::io("answer"))?;
    stream.conn.send_close_notify();
    stream.flush().map_err(Error::io("close"))
}

/// Asks the HTTPS server at `to` for the front page of the site `host`, which must prove itself
/// with a certificate of `authority`.
///
/// # Errors
/// When the connection or the handshake fails or the answer is not HTTP.
pub async fn https_get(to: SocketAddr, host: &str, authority: &Authority) -> Result<Answer> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).map_err(broken)?)
        .map_err(broken)?;
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(broken)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(broken)?;
    let socket = tokio::net::TcpStream::connect(to)
        .await
        .and_then(blocking)
        .map_err(Error::io(format!("connect to {to}")))?;
    let request = request_bytes(host, "/");
    let ask = move || {
        let mut stream = rustls::StreamOwned::new(connection, socket);
        stream.write_all(&request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    let asked = tokio::task::spawn_blocking(ask).await.map_err(broken)?;
    Answer::parse(&asked.map_err(Error::io(format!("HTTPS request to {host} at {to}")))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_page_comes_only_under_its_own_name_and_authority() {
        let authority = Authority::new().unwrap();
        let identity = authority.issue(&["shop.example.com"]).unwrap();
        let page = https_web(&identity, "welcome").await.unwrap();
        let answer = https_get(page.addr(), "shop.example.com", &authority)
            .await
            .unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "welcome"));
        assert!(
            https_get(page.addr(), "bank.example.com", &authority)
                .await
                .is_err()
        );
        let stranger = Authority::new().unwrap();
        assert!(
            https_get(page.addr(), "shop.example.com", &stranger)
                .await
                .is_err()
        );
    }
}
