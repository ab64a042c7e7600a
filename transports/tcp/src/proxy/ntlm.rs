//! NTLM inside `Negotiate` (MS-NLMP, version 2 only), for proxies of Windows networks.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::STANDARD};
use culvert_io::Stream;
use culvert_transport::Target;
use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest, Md4};
use md5::Md5;

use super::{Credentials, http};
use crate::ProxyError;

/// An NTLM exchange goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NtlmError {
    /// The proxy's challenge cannot be read.
    #[error("the proxy's challenge is malformed: {0}")]
    Challenge(&'static str),
    /// The proxy wants something that version 2 without session security does not have.
    #[error("the proxy asks for {0}, which is not supported")]
    Unsupported(&'static str),
    /// The system gives no randomness.
    #[error("no randomness from the system")]
    Random,
}

/// MS-NLMP 2.2: what all messages begin with.
const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";
/// MS-NLMP 2.2.2.5: the flags.
const UNICODE: u32 = 1;
const LM_KEY: u32 = 1 << 7;
const NTLM: u32 = 1 << 9;
const ALWAYS_SIGN: u32 = 1 << 15;
const EXTENDED_SESSION_SECURITY: u32 = 1 << 19;
const TARGET_INFO: u32 = 1 << 23;
const VERSION: u32 = 1 << 25;
const KEY_128: u32 = 1 << 29;
const KEY_EXCHANGE: u32 = 1 << 30;
const KEY_56: u32 = 1 << 31;
/// What upstream's library asks for.
const WANTED: u32 =
    UNICODE | NTLM | ALWAYS_SIGN | EXTENDED_SESSION_SECURITY | TARGET_INFO | KEY_128 | KEY_56;
/// MS-NLMP 2.2.2.1: the id of the server's time in the target information.
const AV_TIMESTAMP: u16 = 7;
/// Bytes in front of the payload of an AUTHENTICATE message without version and MIC.
const AUTHENTICATE: u32 = 64;
/// From 1601 to 1970 in units of 100 ns (MS-DTYP 2.3.3).
const EPOCH: u64 = 116_444_736_000_000_000;

/// Asks for a connection to `to`, and proves the user when the proxy asks, on the same connection.
pub(super) async fn connect(
    stream: Stream,
    to: &Target,
    credentials: &Credentials,
) -> Result<Stream, ProxyError> {
    let negotiate = format!("Negotiate {}", STANDARD.encode(negotiate()));
    let (answer, mut stream) = http::ask(stream, to, Some(&negotiate)).await?;
    let Some(challenge) = answer.challenge.as_ref().filter(|_| answer.status == 407) else {
        answer.accepted()?;
        return Ok(stream);
    };
    let challenge = STANDARD
        .decode(challenge)
        .map_err(|_bad| NtlmError::Challenge("not base64"))?;
    let challenge = Challenge::parse(&challenge)?;
    answer.skip_body(&mut stream).await?;
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|_none| NtlmError::Random)?;
    let message = challenge.authenticate(credentials, nonce, now());
    let proof = format!("Negotiate {}", STANDARD.encode(message));
    http::connect(stream, to, Some(&proof)).await
}

/// The time in units of 100 ns since 1601.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ticks = since.map_or(0, |d| d.as_nanos() / 100);
    u64::try_from(ticks).map_or(EPOCH, |t| EPOCH.saturating_add(t))
}

/// MS-NLMP 2.2.1.1, without a domain and a workstation of ours.
fn negotiate() -> Vec<u8> {
    let mut message = SIGNATURE.to_vec();
    message.extend(1_u32.to_le_bytes());
    message.extend(WANTED.to_le_bytes());
    for _ in ["domain", "workstation"] {
        message.extend(field(0, 40));
    }
    message.extend([0; 8]);
    message
}

/// Length, room and offset of a part of the payload (MS-NLMP 2.2).
fn field(len: u16, offset: u32) -> [u8; 8] {
    let ([a, b], [c, d, e, f]) = (len.to_le_bytes(), offset.to_le_bytes());
    [a, b, a, b, c, d, e, f]
}

/// MS-NLMP 2.2.1.2: what the proxy sent.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Challenge {
    flags: u32,
    nonce: [u8; 8],
    info: Vec<u8>,
    time: Option<u64>,
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], NtlmError> {
    bytes
        .get(at..)
        .and_then(|b| b.first_chunk::<N>())
        .copied()
        .ok_or(NtlmError::Challenge("cut short"))
}

impl Challenge {
    fn parse(bytes: &[u8]) -> Result<Self, NtlmError> {
        if array::<8>(bytes, 0)? != *SIGNATURE || u32::from_le_bytes(array(bytes, 8)?) != 2 {
            return Err(NtlmError::Challenge("no challenge message"));
        }
        let flags = u32::from_le_bytes(array(bytes, 20)?);
        for (flag, name) in [(LM_KEY, "NTLM version 1"), (KEY_EXCHANGE, "a key exchange")] {
            if flags & flag != 0 {
                return Err(NtlmError::Unsupported(name));
            }
        }
        if flags & UNICODE == 0 {
            return Err(NtlmError::Unsupported("a code page instead of Unicode"));
        }
        let info = if flags & TARGET_INFO == 0 {
            &[]
        } else {
            let len = usize::from(u16::from_le_bytes(array(bytes, 40)?));
            let at = usize::try_from(u32::from_le_bytes(array(bytes, 44)?)).unwrap_or(usize::MAX);
            bytes
                .get(at..)
                .and_then(|b| b.get(..len))
                .ok_or(NtlmError::Challenge("target information cut short"))?
        };
        Ok(Self {
            flags,
            nonce: array(bytes, 24)?,
            info: info.to_vec(),
            time: timestamp(info),
        })
    }

    /// MS-NLMP 2.2.1.3 and 3.3.2, with our random bytes and the time unless the proxy gave one.
    fn authenticate(&self, credentials: &Credentials, nonce: [u8; 8], now: u64) -> Vec<u8> {
        let (domain, user) = match credentials.user.split_once('\\') {
            Some((domain, user)) => (domain, user),
            None => ("", &*credentials.user),
        };
        let key = key(&credentials.password, user, domain);
        let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
        blob.extend(self.time.unwrap_or(now).to_le_bytes());
        blob.extend(nonce);
        blob.extend([0; 4]);
        blob.extend(&self.info);
        blob.extend([0; 4]);
        let mut nt = hmac(&key, &[&self.nonce, &blob]).to_vec();
        nt.extend(&blob);
        // With target information the older response proves nothing and stays away.
        let mut lm = Vec::new();
        if self.info.is_empty() {
            lm.extend(hmac(&key, &[&self.nonce, &nonce]));
            lm.extend(nonce);
        }
        let parts = [lm, nt, utf16(domain), utf16(user), Vec::new(), Vec::new()];
        let mut message = SIGNATURE.to_vec();
        message.extend(3_u32.to_le_bytes());
        let mut offset = AUTHENTICATE;
        for part in &parts {
            let len = u16::try_from(part.len()).unwrap_or(u16::MAX);
            message.extend(field(len, offset));
            offset += u32::from(len);
        }
        message.extend((self.flags & !VERSION).to_le_bytes());
        for part in &parts {
            let len = part.len().min(usize::from(u16::MAX));
            message.extend(part.get(..len).unwrap_or_default());
        }
        message
    }
}

/// The server's time among the target information (MS-NLMP 2.2.2.1).
fn timestamp(mut info: &[u8]) -> Option<u64> {
    loop {
        let (&[id_a, id_b, len_a, len_b], rest) = info.split_first_chunk::<4>()?;
        let len = usize::from(u16::from_le_bytes([len_a, len_b]));
        let (value, rest) = rest.split_at_checked(len)?;
        match u16::from_le_bytes([id_a, id_b]) {
            0 => return None,
            AV_TIMESTAMP => return value.first_chunk::<8>().map(|t| u64::from_le_bytes(*t)),
            _ => info = rest,
        }
    }
}

/// NTOWFv2 (MS-NLMP 3.3.2).
fn key(password: &str, user: &str, domain: &str) -> [u8; 16] {
    let hash: [u8; 16] = Md4::digest(utf16(password)).into();
    let name = format!("{}{domain}", user.to_uppercase());
    hmac(&hash, &[&utf16(&name)])
}

fn hmac(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new(&block(key).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// A key as long as a block, as the hash would pad it.
fn block(key: &[u8; 16]) -> [u8; 64] {
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    block
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests;
