//! A server that does not look at the name that a client asks for.
//!
//! A visitor of upstream names `ip:port` in the handshake of its xtcp tunnel (trap T1), which is no
//! host name, and rustls refuses the handshake. There is no setting for that. So the extension with
//! the name is hidden: [`hide_name`] gives it a type that nobody knows, before rustls reads the
//! ClientHello, and the hash over the handshake puts the old type back, so that both sides hash the
//! same bytes.

use std::sync::{Arc, LazyLock};

use rustls::{
    ServerConfig, SupportedCipherSuite, Tls13CipherSuite,
    crypto::{
        CipherSuiteCommon, CryptoProvider,
        hash::{Context, Hash, HashAlgorithm, Output},
        ring,
    },
    server::NoServerSessionStorage,
    sign::SingleCertAndKey,
    version::TLS13,
};

use crate::{TlsError, identity};

/// server_name (RFC 6066, section 3).
const NAME: [u8; 2] = [0, 0];
/// A type for private use (RFC 8446, section 11) that is in no library we know of.
const HIDDEN: [u8; 2] = [0xff, 0x5e];

/// client_hello (RFC 8446, section 4).
const CLIENT_HELLO: u8 = 1;
/// Type and length in front of a handshake message (RFC 8446, section 4).
const HEADER: usize = 4;
/// Version and random, in front of what has a length of its own (RFC 8446, section 4.1.2).
const FIXED: usize = 2 + 32;

/// Settings of a TLS 1.3 server with a certificate of its own making, for clients that verify
/// nothing. Each ClientHello must go through [`hide_name`] first. Nothing can be resumed.
///
/// # Errors
/// The system gives no randomness.
pub fn server_config_nameless() -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(CryptoProvider {
        cipher_suites: SUITES.iter().map(SupportedCipherSuite::Tls13).collect(),
        ..ring::default_provider()
    });
    let identity = identity::generate(&provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsError::Settings)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    // A binder would be checked over a part of the ClientHello as rustls sees it.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Hides the name in a whole ClientHello, header included. Anything else stays as it is.
pub fn hide_name(hello: &mut [u8]) {
    if place(hello, HIDDEN).is_none() {
        rename(hello, NAME, HIDDEN);
    }
}

/// Gives the extension of type `from` the type `to`; answers whether there is one.
fn rename(hello: &mut [u8], from: [u8; 2], to: [u8; 2]) -> bool {
    let found = place(hello, from).and_then(|at| hello.get_mut(at..)?.first_chunk_mut());
    found.map(|kind| *kind = to).is_some()
}

/// Where in a whole ClientHello the extension of this type begins.
fn place(hello: &[u8], wanted: [u8; 2]) -> Option<usize> {
    let (&[kind, a, b, c], body) = hello.split_first_chunk::<HEADER>()?;
    let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?;
    if kind != CLIENT_HELLO || body.len() != length {
        return None;
    }
    let rest = body.get(FIXED..)?;
    let rest = after_u8(rest)?; // session id
    let rest = after_u16(rest)?; // cipher suites
    let rest = after_u8(rest)?; // compression methods
    let (_, mut rest) = rest.split_first_chunk::<2>()?;
    while let Some((kind, value)) = rest.split_first_chunk() {
        if *kind == wanted {
            return hello.len().checked_sub(rest.len());
        }
        rest = after_u16(value)?;
    }
    None
}

fn after_u8(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first()?;
    rest.get(usize::from(*length)..)
}

fn after_u16(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.get(usize::from(u16::from_be_bytes(*length))..)
}

/// The suites of TLS 1.3 with the hash of the client's own bytes.
static SUITES: LazyLock<Vec<Tls13CipherSuite>> = LazyLock::new(|| {
    let all = ring::ALL_CIPHER_SUITES.iter();
    let suites = all.filter_map(SupportedCipherSuite::tls13);
    suites.map(restoring).collect()
});

static SHA256: LazyLock<Option<Restoring>> =
    LazyLock::new(|| restoring_hash(HashAlgorithm::SHA256));
static SHA384: LazyLock<Option<Restoring>> =
    LazyLock::new(|| restoring_hash(HashAlgorithm::SHA384));

fn restoring_hash(algorithm: HashAlgorithm) -> Option<Restoring> {
    let mut all = ring::ALL_CIPHER_SUITES
        .iter()
        .filter_map(SupportedCipherSuite::tls13);
    let suite = all.find(|suite| suite.common.hash_provider.algorithm() == algorithm)?;
    Some(Restoring(suite.common.hash_provider))
}

fn restoring(suite: &'static Tls13CipherSuite) -> Tls13CipherSuite {
    let plain = suite.common.hash_provider;
    let restoring = match plain.algorithm() {
        HashAlgorithm::SHA384 => SHA384.as_ref(),
        _ => SHA256.as_ref(),
    };
    Tls13CipherSuite {
        common: CipherSuiteCommon {
            hash_provider: restoring.map_or(plain, |hash| hash),
            ..suite.common
        },
        ..*suite
    }
}

/// A hash that sees a ClientHello as the client sent it.
struct Restoring(&'static dyn Hash);

/// A running hash.
struct Running(Box<dyn Context>);

impl Hash for Restoring {
    fn start(&self) -> Box<dyn Context> {
        Box::new(Running(self.0.start()))
    }

    fn hash(&self, data: &[u8]) -> Output {
        self.0.hash(data)
    }

    fn output_len(&self) -> usize {
        self.0.output_len()
    }

    fn algorithm(&self) -> HashAlgorithm {
        self.0.algorithm()
    }
}

impl Context for Running {
    fn fork_finish(&self) -> Output {
        self.0.fork_finish()
    }

    fn fork(&self) -> Box<dyn Context> {
        Box::new(Self(self.0.fork()))
    }

    fn finish(self: Box<Self>) -> Output {
        self.0.finish()
    }

    /// rustls adds handshake messages one by one, each as a whole.
    fn update(&mut self, data: &[u8]) {
        if place(data, HIDDEN).is_some() {
            let mut hello = data.to_vec();
            rename(&mut hello, HIDDEN, NAME);
            return self.0.update(&hello);
        }
        self.0.update(data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ClientHello with an unknown extension and a name, cut to what matters here.
    fn hello(name: &[u8]) -> Vec<u8> {
        let u16 = |n: usize| u16::try_from(n).unwrap().to_be_bytes();
        let mut extensions = vec![0xaa, 0xaa, 0, 1, 7, 0, 0];
        extensions.extend(u16(name.len()));
        extensions.extend(name);
        let mut body = vec![3; FIXED];
        body.extend([1, 9, 0, 2, 0x13, 1, 1, 0]);
        body.extend(u16(extensions.len()));
        body.extend(extensions);
        let mut out = vec![CLIENT_HELLO, 0];
        out.extend(u16(body.len()));
        out.extend(body);
        out
    }

    #[test]
    fn a_name_is_hidden_and_hashed_as_if_it_were_not() {
        for name in [b"".as_slice(), b"127.0.0.1:1234"] {
            let sent = hello(name);
            let mut seen = sent.clone();
            hide_name(&mut seen);
            assert_ne!(sent, seen);
            for hash in [&*SHA256, &*SHA384] {
                let hash = hash.as_ref().unwrap();
                let mut running = hash.start();
                running.update(&seen);
                assert_eq!(running.finish().as_ref(), hash.hash(&sent).as_ref());
            }
            hide_name(&mut seen);
            assert_eq!(place(&seen, NAME), None);
        }
    }

    #[test]
    fn anything_else_stays_as_it_is() {
        let whole = hello(b"name");
        for cut in 0..whole.len() {
            let mut cut = whole[..cut].to_vec();
            let before = cut.clone();
            hide_name(&mut cut);
            assert_eq!(cut, before);
        }
        let mut other = whole;
        other[0] = 2;
        let before = other.clone();
        hide_name(&mut other);
        assert_eq!(other, before);
    }

    #[test]
    fn every_suite_of_the_version_is_there() {
        let plain = ring::ALL_CIPHER_SUITES
            .iter()
            .filter(|one| one.tls13().is_some());
        assert_eq!(SUITES.len(), plain.count());
        assert!(SUITES.iter().all(|suite| suite.quic.is_some()));
    }
}
