//! The keys of a provider, and signatures made with them (RFC 7517, RFC 7518). No I/O.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;

use super::claims::Unverified;

/// The most keys of one provider that are tried: several times what any has at once.
const MOST: usize = 64;

/// How a token may be signed. Of what upstream knows only ES512 is missing, which nobody offers;
/// none of these uses a secret that both sides share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    /// Every one.
    pub(crate) const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// Its name (RFC 7518, section 3.1; RFC 8037).
    const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// The kind of key that it takes, with the curve if there is one.
    const fn key(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => {
                ("RSA", None)
            }
            Self::Es256 => ("EC", Some("P-256")),
            Self::Es384 => ("EC", Some("P-384")),
            Self::EdDsa => ("OKP", Some("Ed25519")),
        }
    }

    const fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &RSA_PSS_2048_8192_SHA512,
            Self::Es256 | Self::Es384 | Self::EdDsa => return None,
        })
    }
}

/// The keys of a provider.
#[derive(Debug, Default)]
pub(crate) struct Keys(Vec<Jwk>);

/// One key as the provider publishes it; keys that are not for us have other fields, or a `use`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: String,
    e: String,
    x: String,
    y: String,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

impl Keys {
    /// Reads the provider's document; keys of kinds that nobody knows are left out. `None` if it
    /// is no such document.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(body).ok()?;
        let keys = document.keys.into_iter().take(MOST);
        Some(Self(
            keys.filter_map(|key| serde_json::from_value(key).ok())
                .collect(),
        ))
    }

    /// Whether one of the keys signed `token`; where that names a key, only that one counts.
    pub(crate) fn signed(&self, token: &Unverified<'_>) -> bool {
        self.0
            .iter()
            .filter(|key| token.key_id.is_none() || key.kid == token.key_id)
            .any(|key| key.signed(token).unwrap_or(false))
    }
}

impl Jwk {
    /// `None` if the key has another use or kind.
    fn signed(&self, token: &Unverified<'_>) -> Option<bool> {
        let (kind, curve) = token.algorithm.key();
        let fits = self.kty == kind && curve.is_none_or(|c| self.crv.as_deref() == Some(c));
        let for_signing = self
            .purpose
            .as_deref()
            .is_none_or(|purpose| purpose == "sig");
        let algorithm = |name: &str| Algorithm::named(name) == Some(token.algorithm);
        if !fits || !for_signing || !self.alg.as_deref().is_none_or(algorithm) {
            return None;
        }
        if let Some(parameters) = token.algorithm.rsa() {
            let key = RsaPublicKeyComponents {
                n: number(&self.n)?,
                e: number(&self.e)?,
            };
            let verified = key.verify(parameters, token.signed, &token.signature);
            return Some(verified.is_ok());
        }
        let (algorithm, key): (&'static dyn VerificationAlgorithm, _) = match token.algorithm {
            Algorithm::Es256 => (&ECDSA_P256_SHA256_FIXED, self.point(32)?),
            Algorithm::Es384 => (&ECDSA_P384_SHA384_FIXED, self.point(48)?),
            _ => (&ED25519, decoded(&self.x)?),
        };
        let key = UnparsedPublicKey::new(algorithm, key);
        Some(key.verify(token.signed, &token.signature).is_ok())
    }

    /// An uncompressed point (SEC 1, section 2.3.3) of coordinates with `size` bytes each.
    fn point(&self, size: usize) -> Option<Vec<u8>> {
        let (x, y) = (decoded(&self.x)?, decoded(&self.y)?);
        let mut point = vec![4];
        point.extend(x);
        point.extend(y);
        (point.len() == 1 + 2 * size).then_some(point)
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// A number without leading zeros, as the library wants it.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = decoded(text)?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    bytes.get(first..).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests;
