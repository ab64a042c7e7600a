//! The two ciphers that a v2 control channel can have.

use std::fmt;

/// A cipher of v2 control channels (protocol 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// AES-256 in Galois/counter mode.
    Aes256Gcm,
    /// ChaCha20 and Poly1305 with the long nonce.
    XChaCha20Poly1305,
}

impl Algorithm {
    /// Its name in a hello.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "aes-256-gcm",
            Self::XChaCha20Poly1305 => "xchacha20-poly1305",
        }
    }

    /// The algorithm with this name in a hello.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Aes256Gcm, Self::XChaCha20Poly1305];
        all.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Both, the one first that this CPU is faster with. A server takes the client's first, so
    /// the client's CPU decides, as with upstream (pkg/proto/wire/crypto.go).
    pub fn by_speed() -> [Self; 2] {
        if has_fast_gcm() {
            [Self::Aes256Gcm, Self::XChaCha20Poly1305]
        } else {
            [Self::XChaCha20Poly1305, Self::Aes256Gcm]
        }
    }

    /// Bytes of its nonce (protocol 4.4).
    pub const fn nonce(self) -> usize {
        match self {
            Self::Aes256Gcm => 12,
            Self::XChaCha20Poly1305 => 24,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whether the CPU has instructions for AES and for the multiplication of GCM.
fn has_fast_gcm() -> bool {
    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    return std::arch::is_x86_feature_detected!("aes")
        && std::arch::is_x86_feature_detected!("pclmulqdq")
        && std::arch::is_x86_feature_detected!("sse4.1");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes")
        && std::arch::is_aarch64_feature_detected!("pmull");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")))]
    return false;
}
