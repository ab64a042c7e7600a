//! Round-trip time and what follows from it: when to send again (RFC 6298, KCP's constants).

/// The shortest time before sending again, in "nodelay" mode, in milliseconds (protocol 2.4).
const SHORTEST: u32 = 30;
/// The longest (kcp.go).
const LONGEST: u32 = 60_000;
/// Before anything was measured (kcp.go).
const UNKNOWN: u32 = 200;
/// The peer may keep an acknowledgement for one tick of this length (protocol 2.4).
const INTERVAL: u32 = 20;

// upstream: kcp.go adds no more than that and the variance. Looking for more bandwidth makes a round
// trip a quarter longer, which would send all that is on its way again.

/// The measured round trip, in milliseconds.
#[derive(Debug)]
pub(super) struct Rtt {
    smooth: u32,
    variance: u32,
    rto: u32,
}

impl Default for Rtt {
    fn default() -> Self {
        Self {
            smooth: 0,
            variance: 0,
            rto: UNKNOWN,
        }
    }
}

impl Rtt {
    /// Takes a sample; one that cannot be is ignored, since the peer echoes what it likes.
    pub(super) fn sample(&mut self, rtt: u32) {
        if rtt > LONGEST {
            return;
        }
        if self.smooth == 0 {
            self.smooth = rtt;
            self.variance = rtt / 2;
        } else {
            let off = rtt.abs_diff(self.smooth);
            self.smooth = (self.smooth * 7 + rtt) / 8;
            self.variance = (self.variance * 3 + off) / 4;
        }
        let margin = INTERVAL.max(self.variance * 4).max(self.smooth / 8 * 3);
        let rto = self.smooth + margin;
        self.rto = rto.clamp(SHORTEST, LONGEST);
    }

    /// How long to wait for an acknowledgement.
    pub(super) fn rto(&self) -> u64 {
        u64::from(self.rto)
    }
}
