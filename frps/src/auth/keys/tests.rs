use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};

use super::{Algorithm, Keys};
use crate::auth::claims::Unverified;

/// Made with OpenSSL, and the private key thrown away.
const RSA: &str = r#"{"kty":"RSA","n":"sKALqyo7ggl7dgMHPNqhK9Smta6H_A4jKHB0QUf4w3wYAYQAUSJoqnI0DYAKhFDsi3YmZphQkKVqsQC9gQIigqQMRsxtu3bF9M0dOcHzRMZ2m9dfgkCXuVKqpsd324nG_mVSnJDHZ2JsO6e2eWEnaV_0IfsRqleXrMfAbaMycopBfAcnIjiwC6OZnAwSDbAJCd4DdEsm-b_odlI3oT-zpUhBU3qRmfc51VDqcTQrNIKnbIV8HrcwhEASBxd3kKtPcJV3_EFlh0-Bsv6WI0P8yo409u6VGjcZFlek-TzHYIO4lMpMKnZRokyJz0yTS4CJeW-P9yfxZ8r3_ymFp2kM5w","e":"AQAB"}"#;
const RS256: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UifQ.QTz0JfD90239-He63LzRdURMGOOJ3I0nb2YKjbUkDmtzl4wkYTZ5wQyVMShMChJX3RUxRQG0O_01vSEKYan1NqlQJhc05LJviaUvvzBsSgOrocqL_mG5pOLc5eZBE_mYJgr8Sn2AX2zUkXDVWNRy6Ee-rwx1R3X5q0P5uJuZBuR8rZNciseLmFWNQzy5J2nESPeNuJnSjUONcp2xzUtqiVTvDZagjszqfvTKb2o7307zvripdJFU1j2W76f8TeA2lSYfVUcVaskT6Sfu4XM9hs-JKx-erGlj0gX2g52zGctuMPVweqDCGlYboeSPSaLXDJSW3e3SuB_kxnInqBBqSg";
/// RFC 7515, appendix A.3.
const EC: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

const ALL: &[Algorithm] = &[
    Algorithm::Rs256,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::EdDsa,
];

fn signed(keys: &str, token: &str) -> bool {
    let document = format!(r#"{{"keys":[{keys}]}}"#);
    let keys = Keys::read(document.as_bytes()).unwrap();
    keys.signed(&Unverified::parse(token, ALL).unwrap())
}

/// The same key with one more field.
fn with(key: &str, field: &str) -> String {
    format!("{},{field}}}", key.trim_end_matches('}'))
}

#[test]
fn good_signatures_verify() {
    assert!(signed(RSA, RS256));
    assert!(signed(EC, ES256));
    assert!(signed(
        &format!("{EC},{{\"kty\":\"oct\",\"k\":\"AA\"}},{RSA}"),
        RS256
    ));
}

#[test]
fn a_signature_of_other_bytes_does_not_verify() {
    let (rest, signature) = RS256.rsplit_once('.').unwrap();
    let (header, _claims) = rest.split_once('.').unwrap();
    let claims = URL_SAFE_NO_PAD.encode(r#"{"iss":"eve"}"#);
    assert!(!signed(RSA, &format!("{header}.{claims}.{signature}")));
    assert!(!signed(RSA, &format!("{rest}.AAAA")));
    assert!(!signed(RSA, &format!("{rest}.")));
}

#[test]
fn a_key_for_something_else_does_not_count() {
    assert!(signed(&with(RSA, r#""use":"sig","alg":"RS256""#), RS256));
    assert!(!signed(&with(RSA, r#""use":"enc""#), RS256));
    assert!(!signed(&with(RSA, r#""alg":"PS256""#), RS256));
    assert!(!signed(EC, RS256));
    assert!(!signed(RSA, ES256));
}

#[test]
fn a_token_that_names_its_key_is_checked_with_that_one() {
    let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(pair.as_ref()).unwrap();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    let jwk = |kid: &str| format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}"#);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"one"}"#);
    let claims = URL_SAFE_NO_PAD.encode("{}");
    let text = format!("{header}.{claims}");
    let token = format!(
        "{text}.{}",
        URL_SAFE_NO_PAD.encode(pair.sign(text.as_bytes()))
    );
    assert!(signed(&jwk("one"), &token));
    assert!(!signed(&jwk("two"), &token));
}

#[test]
fn keys_that_cannot_be_used_are_no_danger() {
    for key in [
        r#"{"kty":"RSA"}"#,
        r#"{"kty":"RSA","n":"AAAA","e":"AA"}"#,
        r#"{"kty":"RSA","n":"!","e":"AQAB"}"#,
        r#"{"kty":"RSA","n":7}"#,
        "null",
    ] {
        assert!(!signed(key, RS256), "{key}");
    }
    let short = r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#;
    assert!(!signed(short, ES256));
    assert!(Keys::read(b"[]").is_none());
    assert!(Keys::read(b"").is_none());
}
