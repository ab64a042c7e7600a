use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Demands, TokenFault, Unverified};
use crate::auth::keys::Algorithm;

const ES256: &[Algorithm] = &[Algorithm::Es256];

fn token(header: &str, claims: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.c2ln", encode(header), encode(claims))
}

fn demands() -> Demands {
    Demands {
        issuer: Some("https://issuer.test".to_owned()),
        audience: Some("frps".to_owned()),
        expiry: true,
    }
}

fn subject(claims: &str, demands: &Demands) -> Result<String, TokenFault> {
    let token = token(r#"{"alg":"ES256","kid":"k"}"#, claims);
    let token = Unverified::parse(&token, ES256).unwrap();
    token.demand(demands, 1000.0).map(str::to_owned)
}

#[test]
fn a_token_that_says_what_it_must_has_its_subject() {
    for audience in [r#""frps""#, r#"["other","frps"]"#] {
        let claims = format!(
            r#"{{"iss":"https://issuer.test","sub":"me","aud":{audience},"exp":1001.5,"nbf":1299}}"#
        );
        assert_eq!(subject(&claims, &demands()).unwrap(), "me");
    }
}

#[test]
fn each_claim_that_is_wrong_is_named() {
    let fault = |claims: &str| subject(claims, &demands()).unwrap_err().to_string();
    assert_eq!(
        fault(r#"{"iss":"https://evil.test"}"#),
        "oidc: id token issued by a different provider, expected \"https://issuer.test\" got \
         \"https://evil.test\""
    );
    assert_eq!(
        fault(r#"{"iss":"https://issuer.test","aud":["a","b"]}"#),
        "oidc: expected audience \"frps\" got [\"a\", \"b\"]"
    );
    let good = r#""iss":"https://issuer.test","aud":"frps""#;
    for old in ["", r#","exp":999"#, r#","exp":null"#] {
        assert_eq!(fault(&format!("{{{good}{old}}}")), "oidc: token is expired");
    }
    assert_eq!(
        fault(&format!(r#"{{{good},"exp":9999,"nbf":1301}}"#)),
        "oidc: the token is not valid yet"
    );
}

#[test]
fn demands_can_be_left_out() {
    let nothing = Demands {
        issuer: None,
        audience: None,
        expiry: false,
    };
    assert_eq!(subject("{}", &nothing).unwrap(), "");
}

#[test]
fn what_is_no_token_is_refused() {
    let good = r#"{"alg":"ES256"}"#;
    let cases = [
        ("".to_owned(), "three parts"),
        ("a.b".to_owned(), "three parts"),
        ("a.b.c.d".to_owned(), "three parts"),
        ("!.e30.e30".to_owned(), "header is no base64"),
        (token("[]", "{}"), "header is no JSON object"),
        (token(r#"{"alg":1}"#, "{}"), "header is no JSON object"),
        (token(good, "7"), "claims are no JSON object"),
        (
            token(good, r#"{"exp":"soon"}"#),
            "claims are no JSON object",
        ),
        (token(r#"{"alg":"ES256","crit":["x"]}"#, "{}"), "crit"),
        (
            token(r#"{"alg":"none"}"#, "{}"),
            "unsupported algorithm \"none\"",
        ),
        (
            token(r#"{"alg":"HS256"}"#, "{}"),
            "unsupported algorithm \"HS256\"",
        ),
        (
            token(r#"{"alg":"RS256"}"#, "{}"),
            "unsupported algorithm \"RS256\"",
        ),
        ("a".repeat(20_000), "too long"),
    ];
    for (text, expected) in cases {
        let fault = Unverified::parse(&text, ES256).unwrap_err().to_string();
        assert!(fault.contains(expected), "{text}: {fault}");
    }
}
