//! In which order to try the places of a service (RFC 2782, "Usage rules"). Chance comes in as an
//! argument.

use super::Service;

/// The most places that are tried: an answer may be as long as a peer likes.
const MOST: usize = 16;

/// The places to try, the first first: by priority, and by lot among those of one priority, where
/// the weight says how many lots one has. `chance` gives numbers from 0 to 1. A place that says
/// that there is no service is none.
pub(crate) fn in_order(mut found: Vec<Service>, mut chance: impl FnMut() -> f64) -> Vec<Service> {
    found.retain(|service| !service.target.is_empty() && service.port != 0);
    // Those without weight come first, so that a lot of 0 can be theirs.
    found.sort_by_cached_key(|service| {
        u64::from(service.priority) << 16 | u64::from(service.weight)
    });
    let mut order = Vec::new();
    while let (Some(first), true) = (found.first(), order.len() < MOST) {
        let priority = first.priority;
        let same = found.iter().take_while(|s| s.priority == priority);
        let sum: u32 = same.clone().map(|s| u32::from(s.weight)).sum();
        let lot = chance() * f64::from(sum);
        let mut reached = 0;
        let at = same.clone().position(|service| {
            reached += u32::from(service.weight);
            f64::from(reached) >= lot
        });
        order.push(found.remove(at.unwrap_or(0)));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(priority: u16, weight: u16, target: &str) -> Service {
        Service {
            priority,
            weight,
            port: 7000,
            target: target.to_owned(),
        }
    }

    fn names(found: &[Service], chance: f64) -> Vec<String> {
        let order = in_order(found.to_vec(), || chance);
        order.into_iter().map(|s| s.target).collect()
    }

    #[test]
    fn priority_comes_before_weight() {
        let found = [
            service(2, 9, "late"),
            service(1, 0, "early"),
            service(9, 0, ""),
        ];
        for chance in [0.0, 0.5, 1.0] {
            assert_eq!(names(&found, chance), ["early", "late"]);
        }
    }

    #[test]
    fn weight_decides_by_lot() {
        let found = [
            service(1, 3, "three"),
            service(1, 1, "one"),
            service(1, 0, "zero"),
        ];
        assert_eq!(names(&found, 0.0), ["zero", "one", "three"]);
        assert_eq!(names(&found, 0.2), ["one", "three", "zero"]);
        assert_eq!(names(&found, 0.3), ["three", "one", "zero"]);
        assert_eq!(names(&found, 1.0), ["three", "one", "zero"]);
    }

    #[test]
    fn a_long_answer_is_cut() {
        let found: Vec<_> = (0..500).map(|n| service(n, u16::MAX, "a")).collect();
        let order = in_order(found, || 1.0);
        let last = order.last().map(|s| s.priority);
        assert_eq!((order.len(), last), (16, Some(15)));
    }
}
