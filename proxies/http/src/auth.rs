//! Basic authentication (RFC 7617): reading what a user gave and comparing it in constant time.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use subtle::ConstantTimeEq;

/// What a user gave in `Authorization` or `Proxy-Authorization`.
pub struct Basic {
    plain: Vec<u8>,
    colon: usize,
}

impl Basic {
    /// Reads a header's value; `None` unless it is well-formed Basic authentication.
    #[must_use]
    pub fn parse(value: &HeaderValue) -> Option<Self> {
        let (scheme, rest) = value.as_bytes().split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case(b"Basic ") {
            return None;
        }
        let plain = STANDARD.decode(rest).ok()?;
        let colon = plain.iter().position(|b| *b == b':')?;
        Some(Self { plain, colon })
    }

    /// The user's name; `""` when it is not UTF-8, so that it matches no route.
    #[must_use]
    pub fn user(&self) -> &str {
        std::str::from_utf8(self.user_bytes()).unwrap_or_default()
    }

    fn user_bytes(&self) -> &[u8] {
        self.plain.get(..self.colon).unwrap_or_default()
    }

    fn password(&self) -> &[u8] {
        self.plain.get(self.colon + 1..).unwrap_or_default()
    }
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Basic [hidden]")
    }
}

/// The user name and password that a proxy asks for.
#[derive(Clone)]
pub struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    /// What a proxy asks for; `None` when both are empty, which asks for nothing.
    #[must_use]
    pub fn new(user: &str, password: &str) -> Option<Self> {
        let asks = !user.is_empty() || !password.is_empty();
        asks.then(|| Self {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }

    /// Whether the user gave just these, compared in time that does not depend on the contents.
    #[must_use]
    pub fn admit(&self, given: Option<&Basic>) -> bool {
        let Some(given) = given else {
            return false;
        };
        let user = given.user_bytes().ct_eq(self.user.as_bytes());
        let password = given.password().ct_eq(self.password.as_bytes());
        (user & password).into()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials [hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::{Basic, Credentials};
    use http::HeaderValue;

    fn given(text: &'static str) -> Option<Basic> {
        Basic::parse(&HeaderValue::from_static(text))
    }

    #[test]
    fn admits_only_the_right_pair() {
        let asked = Credentials::new("alice", "secret").unwrap();
        assert!(asked.admit(given("Basic YWxpY2U6c2VjcmV0").as_ref()));
        assert!(asked.admit(given("bASIC YWxpY2U6c2VjcmV0").as_ref()));
        assert!(!asked.admit(given("Basic YWxpY2U6c2VjcmV1").as_ref()));
        assert!(!asked.admit(given("Basic YWxpY2U=").as_ref()));
        assert!(!asked.admit(given("Bearer YWxpY2U6c2VjcmV0").as_ref()));
        assert!(!asked.admit(None));
    }

    #[test]
    fn asks_for_nothing_when_both_are_empty() {
        assert!(Credentials::new("", "").is_none());
        assert!(Credentials::new("", "x").is_some());
    }

    #[test]
    fn the_first_colon_parts_user_and_password() {
        let basic = given("Basic YTpiOmM=").unwrap(); // a:b:c
        assert_eq!((basic.user(), basic.password()), ("a", &b"b:c"[..]));
    }

    #[test]
    fn secrets_are_not_printed() {
        let basic = given("Basic YWxpY2U6c2VjcmV0").unwrap();
        assert!(!format!("{basic:?}").contains("alice"));
        let asked = Credentials::new("alice", "secret").unwrap();
        assert!(!format!("{asked:?}").contains("secret"));
    }
}
