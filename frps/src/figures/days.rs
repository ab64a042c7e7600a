//! Bytes per day of the server's clock, for a week (api 2.3).

use chrono::NaiveDate;

/// Days that are kept, today among them.
pub(crate) const DAYS: usize = 7;

/// Bytes of one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// From users.
    pub(crate) inward: u64,
    /// To users.
    pub(crate) outward: u64,
}

impl Traffic {
    /// Both sums.
    pub(crate) const fn plus(self, more: Self) -> Self {
        Self {
            inward: self.inward.saturating_add(more.inward),
            outward: self.outward.saturating_add(more.outward),
        }
    }
}

/// The last days, the newest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Days {
    newest: Option<NaiveDate>,
    bytes: [Traffic; DAYS],
}

impl Days {
    /// Counts `moved` for `today`.
    pub(crate) fn add(&mut self, today: NaiveDate, moved: Traffic) {
        self.turn(today);
        if let Some(day) = self.bytes.first_mut() {
            *day = day.plus(moved);
        }
    }

    /// The days as they stand on `today`, which comes first.
    pub(crate) fn on(&self, today: NaiveDate) -> [Traffic; DAYS] {
        let mut days = self.clone();
        days.turn(today);
        days.bytes
    }

    /// Makes room for the days that began since. A clock that was set back counts for the newest.
    fn turn(&mut self, today: NaiveDate) {
        let newest = *self.newest.get_or_insert(today);
        let passed = usize::try_from((today - newest).num_days()).unwrap_or(0);
        if passed > 0 {
            let passed = passed.min(DAYS);
            self.bytes.rotate_right(passed);
            self.bytes.iter_mut().take(passed).for_each(|day| {
                *day = Traffic::default();
            });
            self.newest = Some(today);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2024, 2, n).unwrap()
    }

    fn inward(days: &Days, today: NaiveDate) -> [u64; DAYS] {
        days.on(today).map(|t| t.inward)
    }

    #[test]
    fn a_week_passes() {
        let mut days = Days::default();
        let moved = |inward| Traffic { inward, outward: 1 };
        days.add(day(1), moved(10));
        days.add(day(1), moved(5));
        days.add(day(3), moved(7));
        assert_eq!(inward(&days, day(3)), [7, 0, 15, 0, 0, 0, 0]);
        assert_eq!(inward(&days, day(7)), [0, 0, 0, 0, 7, 0, 15]);
        assert_eq!(inward(&days, day(8)), [0, 0, 0, 0, 0, 7, 0]);
        assert_eq!(inward(&days, day(25)), [0; DAYS]);
        // Asking changes nothing, and a clock set back loses nothing.
        days.add(day(2), moved(1));
        assert_eq!(inward(&days, day(3)), [8, 0, 15, 0, 0, 0, 0]);
    }
}
