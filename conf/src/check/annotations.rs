//! The rule for annotations, which is Kubernetes' (upstream: pkg/config/v1/validation/proxy.go;
//! k8s.io/apimachinery `IsQualifiedName`).

use std::collections::BTreeMap;

use super::Checker;

/// The most bytes of all keys and values together (upstream's `TotalAnnotationSizeLimitB`).
const SIZE_LIMIT: usize = 256 * 1024;

/// Checks the annotations of one proxy; `at` is the path of the table.
pub(super) fn check(checker: &mut Checker<'_>, at: &str, annotations: &BTreeMap<String, String>) {
    for key in annotations.keys() {
        if let Some(rule) = broken_rule(&key.to_lowercase()) {
            let gist = format!("annotation key {key} is invalid: {rule}");
            checker.bad(at, key, gist, "write it as name or domain/name");
        }
    }
    let size: usize = annotations
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if size > SIZE_LIMIT {
        let gist = format!("annotations size {size} is larger than limit {SIZE_LIMIT}");
        checker.conflict(at, gist, "shorten them");
    }
}

/// What is wrong with a lower-cased key.
fn broken_rule(key: &str) -> Option<&'static str> {
    let (domain, name) = match key.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, key),
    };
    if name.contains('/') {
        return Some("there is more than one /");
    }
    if domain.is_some_and(|d| d.is_empty() || d.len() > 253 || !d.split('.').all(is_label)) {
        return Some("the part before / is not a domain name");
    }
    if name.is_empty() || name.len() > 63 {
        return Some("the name must have 1 to 63 characters");
    }
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (!framed(name, inner))
        .then_some("the name may hold letters, digits, -, _ and . and must begin and end with a letter or digit")
}

fn is_label(label: &str) -> bool {
    framed(label, |b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether `text` begins and ends with a letter or digit and holds only `inner` between.
fn framed(text: &str, inner: impl Fn(u8) -> bool) -> bool {
    let ends = [text.bytes().next(), text.bytes().last()];
    ends.iter()
        .all(|b| b.is_some_and(|b| b.is_ascii_alphanumeric()))
        && text.bytes().all(inner)
}

#[cfg(test)]
mod tests {
    use super::broken_rule;

    #[test]
    fn qualified_names() {
        for good in ["a", "a-b_c.d", "example.com/key", "1"] {
            assert_eq!(broken_rule(good), None, "{good}");
        }
        for bad in ["", "-a", "a/b/c", "/a", "exa_mple.com/a", "a b", "ü"] {
            assert!(broken_rule(bad).is_some(), "{bad}");
        }
    }
}
