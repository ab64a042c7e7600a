//! A provider of OIDC tokens, as small as tests need: who it is, its keys, and the client
//! credentials grant.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Error, Result, Service};

/// The longest request that is read.
const MAX_REQUEST: usize = 64 * 1024;

/// A running provider.
#[derive(Debug)]
pub struct Issuer {
    service: Service,
    state: Arc<State>,
}

/// How often each document was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Who the provider is.
    pub discovery: u32,
    /// Its keys.
    pub keys: u32,
    /// Tokens, given or refused.
    pub tokens: u32,
}

#[derive(Debug, Default)]
struct State {
    url: std::sync::OnceLock<String>,
    key: parking_lot::RwLock<Option<Arc<Key>>>,
    secret: String,
    /// Whether tokens come with the time that they last.
    tells_lifetime: AtomicBool,
    in_form: AtomicBool,
    lasts: AtomicU32,
    generation: AtomicU32,
    discovery: AtomicU32,
    keys: AtomicU32,
    tokens: AtomicU32,
}

struct Key {
    id: String,
    pair: EcdsaKeyPair,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl Issuer {
    /// Starts a provider on a port of its own. It gives tokens, for the audience `frps`, to any
    /// client whose secret is `secret`; the client's id is their subject. They last an hour.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(secret: &str) -> Result<Self> {
        let state = Arc::new(State {
            secret: secret.to_owned(),
            tells_lifetime: AtomicBool::new(true),
            lasts: AtomicU32::new(3600),
            ..State::default()
        });
        let served = Arc::clone(&state);
        let service = Service::tcp(move |socket| {
            let state = Arc::clone(&served);
            async move {
                // A client that breaks off is no concern of the provider's.
                let _gone = serve(socket, &state).await;
            }
        })
        .await?;
        let url = format!("http://{}", service.addr());
        let _first = state.url.set(url);
        let issuer = Self { service, state };
        issuer.replace_key()?;
        Ok(issuer)
    }

    /// Its address, which is its name.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.service.addr())
    }

    /// Gives tokens without the time that they last from now on.
    pub fn hide_lifetime(&self) {
        self.state.tells_lifetime.store(false, Ordering::Relaxed);
    }

    /// Wants the client's secret in the form, not in the header, from now on.
    pub fn want_form(&self) {
        self.state.in_form.store(true, Ordering::Relaxed);
    }

    /// Gives tokens that last so many seconds from now on.
    pub fn lasting(&self, seconds: u32) {
        self.state.lasts.store(seconds, Ordering::Relaxed);
    }

    /// Signs with a new key from now on; the old one is withdrawn.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn replace_key(&self) -> Result {
        let next = self.state.generation.fetch_add(1, Ordering::Relaxed);
        *self.state.key.write() = Some(Arc::new(Key::new(next)?));
        Ok(())
    }

    /// A signed token for the client `subject` as the token endpoint gives it.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, subject: &str) -> Result<String> {
        self.state.token(subject)
    }

    /// How often it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Asked {
        let read = |count: &AtomicU32| count.load(Ordering::Relaxed);
        Asked {
            discovery: read(&self.state.discovery),
            keys: read(&self.state.keys),
            tokens: read(&self.state.tokens),
        }
    }
}

impl Key {
    fn new(generation: u32) -> Result<Self> {
        let random = SystemRandom::new();
        let wrong = |_| Error::wrong("no key can be made");
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(wrong)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random);
        Ok(Self {
            id: format!("key-{generation}"),
            pair: pair.map_err(|_| Error::wrong("no key can be made"))?,
        })
    }

    /// The key as the provider publishes it (RFC 7518, section 6.2).
    fn public(&self) -> String {
        let point = self.pair.public_key().as_ref();
        let coordinate = |from: usize| {
            let bytes = point.get(from..from + 32).unwrap_or_default();
            URL_SAFE_NO_PAD.encode(bytes)
        };
        format!(
            r#"{{"kty":"EC","crv":"P-256","use":"sig","kid":"{}","x":"{}","y":"{}"}}"#,
            self.id,
            coordinate(1),
            coordinate(33)
        )
    }
}

impl State {
    fn url(&self) -> &str {
        self.url.get().map_or("", String::as_str)
    }

    fn token(&self, subject: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_secs());
        let end = now + u64::from(self.lasts.load(Ordering::Relaxed));
        let claims = format!(
            r#"{{"iss":"{}","sub":"{subject}","aud":"frps","iat":{now},"exp":{end}}}"#,
            self.url()
        );
        let key = self.key.read().clone();
        let key = key.ok_or_else(|| Error::wrong("there is no key"))?;
        let header = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, key.id);
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let text = format!("{}.{}", encode(&header), encode(&claims));
        let signature = key.pair.sign(&SystemRandom::new(), text.as_bytes());
        let signature = signature.map_err(|_| Error::wrong("the token cannot be signed"))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The status and the JSON for one request.
    fn answer(&self, head: &str, body: &str) -> Result<(&'static str, String)> {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let count = |count: &AtomicU32| count.fetch_add(1, Ordering::Relaxed);
        Ok(match path {
            "/.well-known/openid-configuration" => {
                count(&self.discovery);
                let url = self.url();
                let document = format!(
                    r#"{{"issuer":"{url}","jwks_uri":"{url}/keys","token_endpoint":"{url}/token",
                    "id_token_signing_alg_values_supported":["ES256"]}}"#
                );
                ("200 OK", document)
            }
            "/keys" => {
                count(&self.keys);
                let key = self.key.read().as_ref().map(|key| key.public());
                (
                    "200 OK",
                    format!(r#"{{"keys":[{}]}}"#, key.unwrap_or_default()),
                )
            }
            "/token" => {
                count(&self.tokens);
                match self.client(head, body) {
                    Some(client) => ("200 OK", self.grant(&client)?),
                    None => (
                        "401 Unauthorized",
                        r#"{"error":"invalid_client","error_description":"who are you"}"#
                            .to_owned(),
                    ),
                }
            }
            _ => ("404 Not Found", "{}".to_owned()),
        })
    }

    fn grant(&self, client: &str) -> Result<String> {
        let lifetime = if self.tells_lifetime.load(Ordering::Relaxed) {
            format!(r#","expires_in":{}"#, self.lasts.load(Ordering::Relaxed))
        } else {
            String::new()
        };
        let token = self.token(client)?;
        Ok(format!(
            r#"{{"access_token":"{token}","token_type":"Bearer"{lifetime}}}"#
        ))
    }

    /// The client that asks, if it knows the secret.
    fn client(&self, head: &str, body: &str) -> Option<String> {
        let field = |name: &str| {
            let mut pairs = body.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
        };
        let (client, secret) = if self.in_form.load(Ordering::Relaxed) {
            (field("client_id")?, field("client_secret")?)
        } else {
            let mut lines = head.lines();
            let value = lines.find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                let value = value.strip_prefix("Basic ")?;
                name.eq_ignore_ascii_case("authorization").then_some(value)
            })?;
            let pair = base64::engine::general_purpose::STANDARD
                .decode(value)
                .ok()?;
            let pair = String::from_utf8(pair).ok()?;
            let (client, secret) = pair.split_once(':')?;
            (client.to_owned(), secret.to_owned())
        };
        let right = field("grant_type")? == "client_credentials" && secret == self.secret;
        right.then_some(client)
    }
}

async fn serve(mut socket: TcpStream, state: &State) -> std::io::Result<()> {
    let mut seen = Vec::new();
    while socket.read_buf(&mut seen).await? > 0 && seen.len() <= MAX_REQUEST {
        let text = String::from_utf8_lossy(&seen).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let lower = head.to_ascii_lowercase();
        let length = lower
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() < length.and_then(|n| n.parse().ok()).unwrap_or(0) {
            continue;
        }
        let (status, json) = state.answer(head, body).map_err(std::io::Error::other)?;
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
            json.len()
        );
        socket.write_all(answer.as_bytes()).await?;
        seen.clear();
    }
    Ok(())
}
