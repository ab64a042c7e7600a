//! What leaves: cutting bytes into segments, the peer's window, and sending again what was lost.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::{Command, MSS, Packer, Resends, before, pace::Pace, rtt::Rtt, ts};

/// The peer's window before it has told one (kcp.go).
const FIRST_WINDOW: u16 = 32;
/// Later segments that must be acknowledged before one is sent again (protocol 2.4, `resend`).
const SKIPS: u32 = 2;
/// The first wait before asking for a closed window, and the longest, in milliseconds (kcp.go).
const PROBE: (u64, u64) = (7_000, 120_000);
/// Passes over the flight are at least this far apart, in milliseconds.
const PASS: u64 = 5;
/// The longest wait before sending again, in milliseconds: a link that comes back is noticed
/// within this time.
const LONGEST_WAIT: u64 = 2_000;
/// After this long a silence, in milliseconds, and two waits for an acknowledgement, only
/// [`FEELERS`] segments are sent again.
const QUIET: u64 = 200;
/// Segments that feel for a silent peer; the others wait until it answers.
const FEELERS: u32 = 8;
/// How often a segment is sent to a peer that has not shown itself. One loss in ten still lets
/// all but one of a million through.
const FEW: u32 = 6;

/// A segment on its way.
#[derive(Debug)]
struct Flight {
    sn: u32,
    /// Empty once acknowledged; segments always carry something.
    payload: Bytes,
    sent_ts: u32,
    again_at: u64,
    wait: u64,
    skips: u32,
    times: u32,
}

/// The acknowledgements of one packet.
#[derive(Debug, Default)]
pub(super) struct Acks {
    found: Option<Found>,
}

#[derive(Clone, Copy, Debug)]
struct Found {
    lowest: u32,
    highest: u32,
    latest: u32,
}

impl Acks {
    pub(super) fn note(&mut self, sn: u32, at: u32) {
        let found = self.found.get_or_insert(Found {
            lowest: sn,
            highest: sn,
            latest: at,
        });
        if before(sn, found.lowest) {
            found.lowest = sn;
        }
        if before(found.highest, sn) {
            found.highest = sn;
        }
        if before(found.latest, at) {
            found.latest = at;
        }
    }

    /// The newest time that was echoed.
    pub(super) fn latest(&self) -> Option<u32> {
        self.found.map(|f| f.latest)
    }
}

/// The sending half.
#[derive(Debug)]
pub(super) struct Sender {
    queue: BytesMut,
    flight: VecDeque<Flight>,
    next: u32,
    /// Payload bytes in flight that are not acknowledged.
    unacked: usize,
    window: u16,
    remote: u16,
    proven: bool,
    lost: bool,
    waiting_since: Option<u64>,
    again_at: Option<u64>,
    passed_at: u64,
    probe_at: Option<u64>,
    probe_wait: u64,
    pace: Pace,
}

impl Sender {
    pub(super) fn new(window: u16, now: u64) -> Self {
        Self {
            queue: BytesMut::new(),
            flight: VecDeque::new(),
            next: 0,
            unacked: 0,
            window,
            remote: FIRST_WINDOW,
            proven: false,
            lost: false,
            waiting_since: None,
            again_at: None,
            passed_at: 0,
            probe_at: None,
            probe_wait: 0,
            pace: Pace::new(now),
        }
    }

    pub(super) fn room(&self) -> usize {
        let window = (usize::from(self.window) * MSS).saturating_sub(self.held());
        let unsent = usize::try_from(self.pace.unsent()).unwrap_or(usize::MAX);
        window.min(unsent.saturating_sub(self.queue.len()))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.get(..self.room()).unwrap_or(bytes);
        self.queue.extend_from_slice(taken);
        taken.len()
    }

    pub(super) fn held(&self) -> usize {
        self.queue.len() + self.unacked
    }

    pub(super) fn is_drained(&self) -> bool {
        self.held() == 0
    }

    pub(super) const fn is_proven(&self) -> bool {
        self.proven
    }

    pub(super) const fn waiting_since(&self) -> Option<u64> {
        self.waiting_since
    }

    pub(super) const fn lost(&self) -> bool {
        self.lost
    }

    pub(super) fn remote_window(&mut self, window: u16) {
        self.remote = window;
        if window > 0 {
            self.probe_at = None;
            self.probe_wait = 0;
        }
    }

    /// The peer has everything before `una`.
    pub(super) fn all_before(&mut self, una: u32, now: u64) {
        // A number that we have not reached yet proves nothing and is a lie.
        if before(self.next, una) {
            return;
        }
        while self.flight.front().is_some_and(|f| before(f.sn, una)) {
            if let Some(gone) = self.flight.pop_front() {
                self.arrived(&gone, now);
            }
        }
        self.settle();
    }

    fn arrived(&mut self, segment: &Flight, now: u64) {
        self.proven = true;
        let len = segment.payload.len();
        if len == 0 {
            return;
        }
        self.unacked = self.unacked.saturating_sub(len);
        let ago = u64::from(ts(now).wrapping_sub(segment.sent_ts));
        let again = Some(ago).filter(|_| segment.times > 1);
        self.pace.arrived(now, count(len), again);
    }

    /// The newest segment that a packet acknowledged had left so many milliseconds ago.
    pub(super) fn acknowledged(&mut self, now: u64, ago: u32) {
        let Some(sent) = now.checked_sub(u64::from(ago)) else {
            return;
        };
        let most = count(usize::from(self.window.min(self.remote)) * MSS);
        self.pace.acknowledged(now, sent, count(self.unacked), most);
    }

    /// The peer has `sn`. Answers whether it was ever sent.
    pub(super) fn acknowledge(&mut self, sn: u32, now: u64) -> bool {
        if !before(sn, self.next) {
            return false;
        }
        let Some(first) = self.flight.front().filter(|f| !before(sn, f.sn)) else {
            // `una` was faster; the echoed time is good all the same.
            return true;
        };
        let ahead = usize::try_from(sn.wrapping_sub(first.sn)).unwrap_or(usize::MAX);
        let Some(segment) = self.flight.get_mut(ahead) else {
            return false;
        };
        let gone = Flight {
            payload: std::mem::take(&mut segment.payload),
            ..*segment
        };
        self.arrived(&gone, now);
        while self.flight.front().is_some_and(|f| f.payload.is_empty()) {
            self.flight.pop_front();
        }
        self.settle();
        true
    }

    fn settle(&mut self) {
        if self.is_drained() {
            self.waiting_since = None;
            self.again_at = None;
            self.queue = BytesMut::new();
        }
    }

    /// Counts for every segment how many later ones have overtaken it.
    pub(super) fn skipped(&mut self, acks: &Acks) {
        let Some(found) = acks.found else { return };
        for segment in &mut self.flight {
            if !before(segment.sn, found.highest) {
                break;
            }
            if segment.payload.is_empty() || before(found.latest, segment.sent_ts) {
                continue;
            }
            let several = found.lowest != found.highest && before(segment.sn, found.lowest);
            segment.skips += if several { 2 } else { 1 };
            self.lost |= segment.skips >= SKIPS;
        }
    }

    /// Sends what the windows take.
    pub(super) fn send_new(&mut self, packer: &mut Packer<'_>, rtt: &Rtt) {
        let window = usize::from(self.window.min(self.remote));
        while !self.queue.is_empty() && self.flight.len() < window {
            // A short segment can wait for more bytes when many are out already.
            if self.queue.len() < MSS && self.flight.len() > window / 2 {
                break;
            }
            let len = self.queue.len().min(MSS);
            let room = self.pace.has_room(count(self.unacked + len));
            if !room || !self.pace.take(packer.now, count(len)) {
                break;
            }
            let payload = self.queue.split_to(len).freeze();
            let wait = rtt.rto();
            let segment = Flight {
                sn: self.next,
                sent_ts: ts(packer.now),
                again_at: packer.now + wait,
                wait,
                skips: 0,
                times: 1,
                payload,
            };
            packer.put(Command::Push, segment.sn, segment.sent_ts, &segment.payload);
            self.next = self.next.wrapping_add(1);
            self.unacked += segment.payload.len();
            self.wake_by(segment.again_at);
            self.flight.push_back(segment);
        }
        if self.waiting_since.is_none() && !self.is_drained() {
            self.waiting_since = Some(packer.now);
        }
        if self.remote == 0 && !self.queue.is_empty() && self.probe_at.is_none() {
            self.probe_wait = PROBE.0;
            self.probe_at = Some(packer.now + PROBE.0);
        }
    }

    fn wake_by(&mut self, at: u64) {
        self.again_at = Some(self.again_at.map_or(at, |known| known.min(at)));
    }

    /// Asks for the window when it was closed for long.
    pub(super) fn probe(&mut self, packer: &mut Packer<'_>) {
        if self.probe_at.is_some_and(|at| at <= packer.now) {
            packer.put(Command::Ask, 0, 0, &[]);
            self.probe_wait = (self.probe_wait * 3 / 2).min(PROBE.1);
            self.probe_at = Some(packer.now + self.probe_wait);
        }
    }

    /// Sends again what was overtaken or not acknowledged in time. If there is nothing new, one
    /// that was overtaken once goes too (protocol 2.4).
    pub(super) fn resend(
        &mut self,
        packer: &mut Packer<'_>,
        rtt: &Rtt,
        silent: u64,
        limits: Resends,
    ) {
        let now = packer.now;
        let early = self.queue.is_empty();
        let mut feelers = if silent > QUIET + 2 * rtt.rto() {
            FEELERS
        } else {
            u32::MAX
        };
        let (mut next, mut flight) = (None, std::mem::take(&mut self.flight));
        self.lost = false;
        self.passed_at = now;
        for segment in flight.iter_mut().filter(|f| !f.payload.is_empty()) {
            if limits == Resends::Few && segment.times >= FEW {
                continue;
            }
            let overtaken = segment.skips >= SKIPS || (early && segment.skips > 0);
            let late = segment.again_at <= now;
            let due = (overtaken || late) && feelers > 0;
            let len = count(segment.payload.len());
            if due && !self.pace.take(now, len) {
                // Goes before anything new.
                self.lost = true;
            } else if due {
                feelers -= 1;
                self.pace.lost(len);
                segment.wait = if overtaken {
                    rtt.rto()
                } else {
                    (segment.wait * 3 / 2).min(LONGEST_WAIT.max(rtt.rto()))
                };
                segment.skips = 0;
                segment.times += 1;
                segment.sent_ts = ts(now);
                segment.again_at = now + segment.wait;
                packer.put(Command::Push, segment.sn, segment.sent_ts, &segment.payload);
            }
            next = Some(next.map_or(segment.again_at, |n: u64| n.min(segment.again_at)));
        }
        self.flight = flight;
        // Those that must wait for a sign of life look again when the feelers do.
        self.again_at = if feelers == 0 {
            Some(now + (silent / 4).clamp(QUIET, LONGEST_WAIT))
        } else {
            next
        };
    }

    pub(super) fn wake_at(&self) -> Option<u64> {
        let again = self.again_at.map(|at| at.max(self.passed_at + PASS));
        [again, self.pace.wake_at(), self.probe_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// Sending begins anew.
    pub(super) const fn begin(&mut self) {
        self.pace.begin();
    }
}

/// Bytes in memory, which 64 bits always count.
fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
