use serde_json::{Value, json};

use super::*;
use crate::error::RecordError;

/// A hello of frpc 0.70.1.
const RECORDED: &[u8] = br#"{"bootstrap":{"transport":"tcp"},"capabilities":{"message":{"codecs":["json"]},"crypto":{"algorithms":["aes-256-gcm","xchacha20-poly1305"],"clientRandom":"zPN9ZwQ1LCmRaHEK5GuOoJMtmQsErlbntsc3GWZX+L4="}}}"#;

fn token() -> Token {
    Token::new("token")
}

fn offer() -> Offer {
    Offer::new(Bootstrap {
        transport: "tcp".to_owned(),
        tls: true,
        tcp_mux: true,
    })
    .unwrap()
}

/// The recorded hello with the value at `path` replaced.
fn changed(path: &str, value: Value) -> Vec<u8> {
    let mut hello: Value = serde_json::from_slice(RECORDED).unwrap();
    *hello.pointer_mut(path).unwrap() = value;
    serde_json::to_vec(&hello).unwrap()
}

#[test]
fn a_written_hello_has_the_recorded_shape() {
    let hello: ClientHello = json::read("ClientHello", RECORDED).unwrap();
    assert_eq!(written("ClientHello", &hello).unwrap(), RECORDED);
    let text = String::from_utf8(offer().payload().to_vec()).unwrap();
    let head = r#"{"bootstrap":{"transport":"tcp","tls":true,"tcpMux":true},"capabilities":{"message":{"codecs":["json"]},"crypto":{"algorithms":["#;
    assert!(text.starts_with(head), "{text}");
    assert_ne!(offer().payload(), offer().payload(), "random");
    let refused = refusal(&HelloError::Algorithm).unwrap();
    assert_eq!(
        refused,
        br#"{"selected":{"message":{"codec":"json"},"crypto":{}},"error":"no supported crypto algorithm"}"#[..]
    );
}

#[test]
fn both_sides_get_the_same_keys() {
    let offer = offer();
    let agreed = negotiate(offer.payload(), &token()).unwrap();
    let client = offer.accept(&agreed.payload, &token()).unwrap();
    assert_eq!(client.algorithm(), agreed.keys.algorithm());
    assert_eq!(client.algorithm(), Algorithm::by_speed()[0]);
    let mut record = *b"....plain................";
    let mut sealer = client.sealer().unwrap();
    let mut wire = sealer.take_nonce().unwrap().to_vec();
    sealer.seal(&mut record).unwrap();
    wire.extend_from_slice(&record);
    let mut opener = agreed.keys.opener();
    let taken = opener.open(&mut wire).unwrap().unwrap().taken;
    let opened = opener.open(&mut wire[taken..]).unwrap().unwrap();
    assert_eq!(wire[taken..][opened.plain], *b"plain");
    // Another token is noticed by the first record.
    let other = offer.accept(&agreed.payload, &Token::new("other")).unwrap();
    let (mut sealer, mut opener) = (other.sealer().unwrap(), agreed.keys.opener());
    let mut nonce = sealer.take_nonce().unwrap().to_vec();
    opener.open(&mut nonce).unwrap();
    let mut record = *b"....plain................";
    sealer.seal(&mut record).unwrap();
    let refused = opener.open(&mut record).unwrap_err();
    assert_eq!(refused, WireError::Record(RecordError::Tag));
}

#[test]
fn the_clients_first_known_algorithm_is_taken() {
    for (offered, expected) in [
        (
            json!(["xchacha20-poly1305", "aes-256-gcm"]),
            Algorithm::XChaCha20Poly1305,
        ),
        (json!(["aes-256-gcm"]), Algorithm::Aes256Gcm),
        (
            json!(["rot13", null, "", "xchacha20-poly1305"]),
            Algorithm::XChaCha20Poly1305,
        ),
    ] {
        let hello = changed("/capabilities/crypto/algorithms", offered);
        assert_eq!(
            negotiate(&hello, &token()).unwrap().keys.algorithm(),
            expected
        );
    }
}

#[test]
fn a_client_that_cannot_be_served_is_told_why() {
    let table = [
        (
            "/capabilities/message/codecs",
            json!(["cbor"]),
            HelloError::Codec,
        ),
        ("/capabilities/message", Value::Null, HelloError::Codec),
        ("/capabilities", json!({}), HelloError::Codec),
        (
            "/capabilities/crypto/algorithms",
            json!(["AES-256-GCM"]),
            HelloError::Algorithm,
        ),
        (
            "/capabilities/crypto/algorithms",
            json!([]),
            HelloError::Algorithm,
        ),
        (
            "/capabilities/crypto/clientRandom",
            json!(""),
            HelloError::ClientRandom(0),
        ),
        (
            "/capabilities/crypto/clientRandom",
            json!("AAAA"),
            HelloError::ClientRandom(3),
        ),
        (
            "/capabilities/crypto",
            Value::Null,
            HelloError::ClientRandom(0),
        ),
    ];
    for (path, value, error) in table {
        let refused = negotiate(&changed(path, value), &token()).unwrap_err();
        assert_eq!(refused, WireError::Hello(error), "{path}");
    }
    assert_eq!(
        HelloError::ClientRandom(3).to_string(),
        "invalid crypto client random length 3, want 32"
    );
    for garbage in [&b""[..], b"{", b"[]", b"\"x\"", b"{\"capabilities\":7}"] {
        let refused = negotiate(garbage, &token()).unwrap_err();
        assert!(matches!(refused, WireError::BadBody { .. }), "{garbage:?}");
    }
}

#[test]
fn a_server_that_selects_nonsense_is_refused() {
    let random = "OhVDo14j9rmV70w77rjkt/qJr1tBMTxt9OocNZiLJm0=";
    let answer = |codec: &str, algorithm: &str, random: &str, error: &str| {
        json!({
            "selected": {
                "message": {"codec": codec},
                "crypto": {"algorithm": algorithm, "serverRandom": random},
            },
            "error": error,
        })
        .to_string()
    };
    let gcm = "aes-256-gcm";
    let offer = offer();
    offer
        .accept(answer("json", gcm, random, "").as_bytes(), &token())
        .unwrap();
    let table = [
        (
            answer("json", gcm, random, "no"),
            HelloError::Refused("no".to_owned()),
        ),
        (answer("", gcm, random, ""), HelloError::Selected),
        (answer("json", "", random, ""), HelloError::NotOffered),
        (
            answer("json", "aes-128-gcm", random, ""),
            HelloError::NotOffered,
        ),
        (answer("json", gcm, "", ""), HelloError::ServerRandom(0)),
        ("{}".to_owned(), HelloError::Selected),
    ];
    for (payload, error) in table {
        let refused = offer.accept(payload.as_bytes(), &token()).unwrap_err();
        assert_eq!(refused, WireError::Hello(error), "{payload}");
    }
    assert!(matches!(
        offer.accept(b"x", &token()),
        Err(WireError::BadBody { .. })
    ));
}
