//! What the server counts of its own work, for `/metrics`. Upstream has none of it.
//!
//! Labels are words of ours, so that no peer can make them many.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

#[cfg(not(feature = "http"))]
use super::histogram::Histogram;
#[cfg(feature = "http")]
use culvert_http::web::Histogram;

/// Why a peer was sent away before it had a session, a work connection or a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Too many had not said who they are.
    Crowd,
    /// It said nothing in time.
    Silence,
    /// A layer's handshake failed.
    Handshake,
    /// What it said first was no message that begins a connection.
    Message,
    /// Its login.
    Login,
    /// Its work connection.
    WorkConn,
    /// Its visit.
    Visitor,
}

impl Refused {
    const ALL: [Self; 7] = [
        Self::Crowd,
        Self::Silence,
        Self::Handshake,
        Self::Message,
        Self::Login,
        Self::WorkConn,
        Self::Visitor,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Crowd => "crowd",
            Self::Silence => "silence",
            Self::Handshake => "handshake",
            Self::Message => "message",
            Self::Login => "login",
            Self::WorkConn => "work_conn",
            Self::Visitor => "visitor",
        }
    }
}

/// What shook hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// TLS on a socket.
    Tls,
    /// A websocket, with what is inside.
    Websocket,
    /// A transport with a listener of its own, such as QUIC or KCP, with what is inside.
    Transport,
}

/// How a user came by a work connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acquired {
    /// One was parked.
    Hit,
    /// It had to be waited for.
    Miss,
    /// None came.
    None,
}

/// Counters of the server. They order nothing, so every access is relaxed.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    refused: [AtomicU64; Refused::ALL.len()],
    tls: Histogram,
    websocket: Histogram,
    transport: Histogram,
    acquired: Histogram,
    hits: AtomicU64,
    misses: AtomicU64,
    none: AtomicU64,
}

impl Counts {
    pub(crate) fn refuse(&self, why: Refused) {
        let slot = Refused::ALL.iter().position(|known| *known == why);
        if let Some(count) = slot.and_then(|slot| self.refused.get(slot)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn shook(&self, layer: Layer, time: Duration) {
        match layer {
            Layer::Tls => &self.tls,
            Layer::Websocket => &self.websocket,
            Layer::Transport => &self.transport,
        }
        .observe(time);
    }

    pub(crate) fn acquire(&self, how: Acquired, time: Duration) {
        match how {
            Acquired::Hit => &self.hits,
            Acquired::Miss => &self.misses,
            Acquired::None => &self.none,
        }
        .fetch_add(1, Ordering::Relaxed);
        if how != Acquired::None {
            self.acquired.observe(time);
        }
    }

    /// Those sent away, by reason.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.refused.iter().map(|n| n.load(Ordering::Relaxed));
        Refused::ALL.iter().map(|why| why.as_str()).zip(counts)
    }

    /// How long handshakes took that succeeded.
    pub(crate) const fn handshakes(&self) -> [(&'static str, &Histogram); 3] {
        [
            ("tls", &self.tls),
            ("websocket", &self.websocket),
            ("transport", &self.transport),
        ]
    }

    /// How long users waited for their work connection.
    pub(crate) const fn acquired(&self) -> &Histogram {
        &self.acquired
    }

    /// How users came by their work connections.
    pub(crate) fn pool(&self) -> [(&'static str, u64); 3] {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            ("hit", get(&self.hits)),
            ("miss", get(&self.misses)),
            ("none", get(&self.none)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Acquired, Counts, Layer, Refused};

    #[test]
    fn each_event_has_its_counter() {
        let counts = Counts::default();
        counts.refuse(Refused::Login);
        counts.refuse(Refused::Login);
        counts.refuse(Refused::Visitor);
        let told: Vec<_> = counts.refused().filter(|(_, n)| *n > 0).collect();
        assert_eq!(told, [("login", 2), ("visitor", 1)]);
        let moment = Duration::from_millis(1);
        for how in [
            Acquired::Hit,
            Acquired::Miss,
            Acquired::Miss,
            Acquired::None,
        ] {
            counts.acquire(how, moment);
        }
        assert_eq!(counts.pool(), [("hit", 1), ("miss", 2), ("none", 1)]);
        assert_eq!(counts.acquired().count(), 3);
        counts.shook(Layer::Websocket, moment);
        let shaken = counts.handshakes().map(|(layer, all)| (layer, all.count()));
        assert_eq!(shaken, [("tls", 0), ("websocket", 1), ("transport", 0)]);
    }
}
