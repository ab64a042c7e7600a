//! What worked for which pair of NATs, so that the next meeting tries it first.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use crate::{Nat, Plan, plans};

/// Pairs that are remembered, some 600 bytes each; upstream has no bound.
const PAIRS: usize = 4096;
/// The best score (protocol 6.3).
const BEST: i32 = 10;
/// What a success is worth; an attempt costs one.
const SUCCESS: i32 = 2;

/// Two peers as far as their addresses and NATs tell them from others: client and visitor.
pub type Pair = ((IpAddr, Nat), (IpAddr, Nat));

/// Scores of plans by pair. Time is a duration since any fixed moment.
#[derive(Debug)]
pub struct Memory {
    reserve: Duration,
    pairs: HashMap<Pair, Scores>,
}

#[derive(Debug)]
struct Scores {
    plans: Vec<Plan>,
    used: Duration,
}

impl Memory {
    /// An empty memory that keeps pairs for `reserve` after they last met
    /// (`natholeAnalysisDataReserveHours`).
    #[must_use]
    pub fn new(reserve: Duration) -> Self {
        Self {
            reserve,
            pairs: HashMap::new(),
        }
    }

    /// The plan to try now: the first of those with the most points, which costs it one.
    pub fn recommend(&mut self, pair: Pair, now: Duration) -> Option<Plan> {
        self.forget(now);
        let ((_, client), (_, visitor)) = &pair;
        let scores = self.pairs.entry(pair).or_insert_with(|| Scores {
            plans: plans(client, visitor),
            used: now,
        });
        scores.used = now;
        let best = scores.plans.iter().map(|plan| plan.score).max()?;
        let plan = scores.plans.iter_mut().find(|plan| plan.score == best)?;
        let chosen = *plan;
        plan.score = plan.score.saturating_sub(1);
        Some(chosen)
    }

    /// Notes that a plan has worked.
    pub fn succeeded(&mut self, pair: &Pair, plan: &Plan, now: Duration) {
        let Some(scores) = self.pairs.get_mut(pair) else {
            return;
        };
        scores.used = now;
        let same = |one: &&mut Plan| (one.mode, one.index) == (plan.mode, plan.index);
        if let Some(known) = scores.plans.iter_mut().find(same) {
            known.score = known.score.saturating_add(SUCCESS).min(BEST);
        }
    }

    /// Drops what was not used for as long as it is kept, and makes room for one more: the pair that
    /// met longest ago goes.
    fn forget(&mut self, now: Duration) {
        let reserve = self.reserve;
        self.pairs
            .retain(|_, scores| now.saturating_sub(scores.used) < reserve);
        if self.pairs.len() >= PAIRS {
            let oldest = self.pairs.iter().min_by_key(|(_, scores)| scores.used);
            if let Some(pair) = oldest.map(|(pair, _)| *pair) {
                self.pairs.remove(&pair);
            }
        }
    }

    /// How many pairs are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::Change;

    const HOUR: Duration = Duration::from_secs(3600);

    fn pair(n: u32) -> Pair {
        let nat = Nat {
            change: Change::Nothing,
            difference: 0,
            public: false,
        };
        let at = |bits| (Ipv4Addr::from_bits(bits).into(), nat);
        (at(n), at(0x0101_0101))
    }

    #[test]
    fn a_failure_moves_on_and_a_success_is_kept() {
        let mut memory = Memory::new(HOUR);
        let next = |memory: &mut Memory| memory.recommend(pair(1), Duration::ZERO).unwrap();
        assert_eq!(next(&mut memory).index, 0);
        let second = next(&mut memory);
        assert_eq!(second.index, 1);
        memory.succeeded(&pair(1), &second, Duration::ZERO);
        // One point more than the others, then as many.
        assert_eq!(next(&mut memory).index, 1);
        assert_eq!(next(&mut memory).index, 1);
        assert_eq!(next(&mut memory).index, 2);
        // Another pair knows nothing of that.
        assert_eq!(memory.recommend(pair(2), Duration::ZERO).unwrap().index, 0);
    }

    #[test]
    fn points_have_a_top() {
        let mut memory = Memory::new(HOUR);
        let plan = memory.recommend(pair(1), Duration::ZERO).unwrap();
        for _ in 0..20 {
            memory.succeeded(&pair(1), &plan, Duration::ZERO);
        }
        assert_eq!(
            memory.recommend(pair(1), Duration::ZERO).unwrap().score,
            BEST
        );
    }

    #[test]
    fn memory_is_bounded_and_old_pairs_go() {
        let mut memory = Memory::new(24 * HOUR);
        for n in 0..u32::try_from(PAIRS).unwrap() + 10 {
            memory.recommend(pair(n), Duration::from_secs(n.into()));
        }
        assert_eq!(memory.len(), PAIRS);
        memory.recommend(pair(1), Duration::from_secs(200_000));
        assert_eq!(memory.len(), 1);
    }
}
