//! Which path the next stream goes over, and how many paths there should be. Functions of figures.

use std::time::Duration;

use culvert_conf::Sessions;

/// From this round trip on, loss and slow start hold one link far below what the line carries: at
/// 20 ms a single lost packet in a hundred costs TCP nine tenths of 100 Mbit/s (RFC 3649, 1).
const LONG: Duration = Duration::from_millis(20);

/// Small streams that one link may carry before another is worth its own. A mux takes 256 streams
/// that the peer has not yet accepted (protocol 2.3).
const CROWD: usize = 256;

/// What makes a path better or worse for the next stream; the least is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Burden {
    /// It is believed to be dead or bad.
    pub(super) suspect: bool,
    /// It is there for something else, such as the control connection.
    pub(super) fallback: bool,
    /// Streams on it that move much: whoever comes waits behind them.
    pub(super) bulk: usize,
    /// Streams on it.
    pub(super) streams: usize,
    /// How long the server takes to answer on it.
    pub(super) round_trip: Duration,
}

/// What all paths carry together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    /// Streams that move much.
    pub(super) bulk: usize,
    /// Streams.
    pub(super) streams: usize,
    /// The shortest round trip.
    pub(super) round_trip: Duration,
}

/// How many paths there should be for work connections.
///
/// With `auto`: one while there is only small traffic; one more as soon as something moves much, so
/// that the small need not wait behind it; on a long line one for each that moves much.
pub(super) fn wanted(sessions: Sessions, traffic: Traffic) -> usize {
    let most = usize::from(Sessions::MOST);
    match sessions {
        Sessions::Fixed(number) => usize::from(number).clamp(1, most),
        Sessions::Auto => {
            let crowded = traffic.streams / CROWD;
            let busy = match traffic.bulk {
                0 => 0,
                bulk if traffic.round_trip >= LONG => bulk,
                _ => 1,
            };
            (1 + crowded.max(busy)).min(most)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Burden = Burden {
        suspect: false,
        fallback: false,
        bulk: 0,
        streams: 0,
        round_trip: Duration::ZERO,
    };

    #[test]
    fn health_counts_before_purpose_before_bulk_before_number() {
        let burdens = [
            FREE,
            Burden {
                streams: 100,
                ..FREE
            },
            Burden { bulk: 1, ..FREE },
            Burden {
                fallback: true,
                ..FREE
            },
            Burden {
                suspect: true,
                ..FREE
            },
        ];
        assert!(burdens.is_sorted());
    }

    #[test]
    fn a_number_is_a_number() {
        for number in 1..=Sessions::MOST {
            let wanted = wanted(Sessions::Fixed(number), Traffic::default());
            assert_eq!(wanted, usize::from(number));
        }
    }

    #[test]
    fn auto_grows_with_what_is_asked_of_it() {
        let wanted = |bulk, streams, ms| {
            let traffic = Traffic {
                bulk,
                streams,
                round_trip: Duration::from_millis(ms),
            };
            wanted(Sessions::Auto, traffic)
        };
        assert_eq!(wanted(0, 3, 100), 1);
        assert_eq!(wanted(1, 3, 0), 2, "small traffic is kept apart");
        assert_eq!(wanted(5, 9, 1), 2, "a short line needs no more");
        assert_eq!(wanted(3, 9, 50), 4, "a long one does");
        assert_eq!(wanted(0, 1000, 0), 4);
        assert_eq!(wanted(100, 100_000, 50), usize::from(Sessions::MOST));
    }
}
