//! Ids of transactions and meetings.

use std::fmt::Write;

/// The system gives no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("generate random id error: {0}")]
pub struct IdError(#[source] getrandom::Error);

/// A new id, as upstream makes them: the time in decimal unix seconds, then 16 hex characters
/// (protocol 6.1). Nobody else can guess it.
///
/// # Errors
/// The system gives no random bytes.
pub fn new_id(unix_seconds: i64) -> Result<String, IdError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(IdError)?;
    let mut id = unix_seconds.to_string();
    for byte in random {
        // Writing to a string does not fail.
        let _ok = write!(id, "{byte:02x}");
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_time_and_16_hex_characters() {
        let (one, two) = (
            new_id(1_700_000_000).unwrap(),
            new_id(1_700_000_000).unwrap(),
        );
        assert_ne!(one, two);
        let random = one.strip_prefix("1700000000").unwrap();
        assert_eq!(random.len(), 16);
        assert!(random.bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
