//! Authorities and certificates in a directory that goes away with the test.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};

use crate::IdentityFiles;

static NEXT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Files {
    dir: PathBuf,
}

impl Drop for Files {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.dir));
    }
}

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pub(crate) path: PathBuf,
}

impl Files {
    pub(crate) fn new() -> Self {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("culvert-tls-{}-{n}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self { dir }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn authority(&self, name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let path = self.write(&format!("{name}.crt"), &issuer.pem());
        Authority { issuer, path }
    }

    /// A certificate for `example.com` and `127.0.0.1` that `by` has signed.
    pub(crate) fn signed(&self, name: &str, by: &Authority) -> IdentityFiles {
        let key = KeyPair::generate().unwrap();
        let cert = names().signed_by(&key, &by.issuer).unwrap();
        self.identity(name, &cert.pem(), &key)
    }

    /// A certificate for the same names that stands for itself.
    pub(crate) fn self_signed(&self, name: &str, is_ca: bool) -> IdentityFiles {
        let key = KeyPair::generate().unwrap();
        let mut params = names();
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        self.identity(name, &params.self_signed(&key).unwrap().pem(), &key)
    }

    fn identity(&self, name: &str, cert: &str, key: &KeyPair) -> IdentityFiles {
        IdentityFiles {
            cert: self.write(&format!("{name}.crt"), cert),
            key: self.write(&format!("{name}.key"), &key.serialize_pem()),
        }
    }
}

fn names() -> CertificateParams {
    let mut params = CertificateParams::new(vec!["example.com".to_owned()]).unwrap();
    params
        .subject_alt_names
        .push(SanType::IpAddress([127, 0, 0, 1].into()));
    params
}
