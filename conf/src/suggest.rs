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
        keys = key.inside().unwrap_or_default();
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
                .find_map(|key| search(word, &path(key), &key.inside()?))
        })
}

/// Lower case without `_` and `-`, so that the old `server_addr` is close to `serverAddr`.
fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// How many characters must be changed, added, left out or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut above_that: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut before = None;
    for (i, from) in a.chars().enumerate() {
        let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX);
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let changed = at(&above, j) + usize::from(from != *to);
            let one_more = at(&above, j + 1).min(at(&row, j)) + 1;
            let before_to = j.checked_sub(1).and_then(|j| b.get(j));
            let swapped = if before == Some(*to) && before_to == Some(&from) {
                at(&above_that, j - 1) + 1
            } else {
                usize::MAX
            };
            row.push(changed.min(one_more).min(swapped));
        }
        above_that = std::mem::replace(&mut above, row);
        before = Some(from);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
        assert_eq!(distance("tpc", "tcp"), 1);
        assert_eq!(distance("ca", "abc"), 3);
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
