//! Did-you-mean: which key or word was probably meant.

use crate::decode::Key;
use crate::tree::{Step, same_key};

/// The candidate closest to `word`, if one is close enough to be a slip of the pen.
pub(crate) fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let plain_word = plain(word);
    // Quadratic work only on words that a person could have typed.
    if plain_word.len() > 64 {
        return None;
    }
    let most = (plain_word.len() / 3).max(1);
    candidates
        .iter()
        .map(|candidate| (distance(&plain_word, &plain(candidate)), *candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
        .or_else(|| {
            candidates
                .iter()
                .copied()
                .find(|candidate| is_short_for(&plain_word, candidate))
        })
}

/// Whether `word` is the beginning of `candidate`, and not too small a part of it.
fn is_short_for(word: &str, candidate: &str) -> bool {
    word.len() >= 3 && candidate.len() <= 2 * word.len() && plain(candidate).starts_with(word)
}

/// Where in the schema a key of this name exists, as a path such as `transport.poolCount`.
pub(crate) fn elsewhere(word: &str, schema: fn() -> Vec<Key>) -> Option<String> {
    let word = plain(word);
    search(&word, "", &schema())
}

/// Whether the schema has a key at this place, in an entry of some type.
pub(crate) fn exists(place: &[Step], mut keys: Vec<Key>) -> bool {
    let mut found = false;
    for step in place {
        let Step::Key(name) = step else { continue };
        let Some(key) = keys.iter().find(|key| same_key(key.name, name)) else {
            return false;
        };
        found = true;
        keys = key.inside.map(|inside| inside()).unwrap_or_default();
    }
    found
}

fn search(word: &str, prefix: &str, keys: &[Key]) -> Option<String> {
    let path = |key: &Key| {
        if prefix.is_empty() {
            key.name.to_owned()
        } else {
            format!("{prefix}.{}", key.name)
        }
    };
    keys.iter()
        .find(|key| plain(key.name) == word)
        .map(path)
        .or_else(|| {
            keys.iter()
                .find_map(|key| search(word, &path(key), &key.inside.map(|f| f())?))
        })
}

/// Lower case without `_` and `-`, so that the old `server_addr` is close to `serverAddr`.
fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// Levenshtein's distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            let cost = diagonal + usize::from(from != *to);
            left = cost.min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn nearest_finds_slips_and_old_names() {
        let keys = ["serverAddr", "serverPort", "user"];
        assert_eq!(nearest("server_addr", &keys), Some("serverAddr"));
        assert_eq!(nearest("servrPort", &keys), Some("serverPort"));
        assert_eq!(nearest("bananas", &keys), None);
        assert_eq!(nearest("user", &["type", "username"]), Some("username"));
        assert_eq!(nearest("user", &["userConnTimeout"]), None);
    }
}
