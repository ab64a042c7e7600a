//! Names that travel: the id of a client's session and the name of a proxy.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use crate::error::WireError;
use crate::limits;

/// The id of one client's session, made by the server at the first login (protocol 3.3).
///
/// `Display` gives it in full, as operators grep for it. `Debug` shortens it: whoever knows a run
/// id can open work connections for it when no scope asks for a token.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(Arc<str>);

impl RunId {
    /// A new id: 16 lower-case hex characters (protocol 3.3).
    ///
    /// # Errors
    /// [`WireError::Random`] when the operating system gives no random bytes.
    pub fn random() -> Result<Self, WireError> {
        let mut bytes = [0; limits::RUN_ID / 2];
        getrandom::fill(&mut bytes).map_err(WireError::Random)?;
        Ok(Self(hex(&bytes).into()))
    }

    /// The id as text; empty for a client that logs in for the first time.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is no id.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.0.chars();
        let head: String = chars.by_ref().take(4).collect();
        let more = if chars.next().is_some() { "…" } else { "" };
        write!(f, "RunId({}{more})", head.escape_debug())
    }
}

/// The name of a proxy as it stands on the wire: with the user's prefix (protocol 3.3). Cheap to
/// clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProxyName(Arc<str>);

impl ProxyName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProxyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

macro_rules! text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<&$name> for String {
            fn from(name: &$name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                *self.0 == *other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                *self.0 == **other
            }
        }
    };
}

text!(RunId);
text!(ProxyName);

/// Lower-case hex of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_run_id_is_16_lower_hex_characters_and_new() {
        let (one, two) = (RunId::random().unwrap(), RunId::random().unwrap());
        assert_eq!(one.as_str().len(), limits::RUN_ID);
        assert!(
            one.as_str()
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        );
        assert_ne!(one, two);
    }

    #[test]
    fn debug_of_a_run_id_is_short_and_display_is_full() {
        let id = RunId::from("653b7e784395ee62");
        assert_eq!(format!("{id:?}"), "RunId(653b…)");
        assert_eq!(id.to_string(), "653b7e784395ee62");
        assert_eq!(format!("{:?}", RunId::from("a\n")), "RunId(a\\n)");
    }

    #[test]
    fn names_can_be_looked_up_by_text() {
        let map = std::collections::HashMap::from([(ProxyName::from("user.web"), 1)]);
        assert_eq!(map.get("user.web"), Some(&1));
        assert_eq!(String::from(ProxyName::from("p".to_owned())), "p");
        assert_eq!(ProxyName::from("p"), "p");
    }
}
