//! KCP as a state machine: bytes, datagrams and time come in, bytes and datagrams come out.
//!
//! Written for this crate rather than taken from crates.io: packets that FEC recovered must be fed
//! without touching the remote window and the round-trip time, new data must leave at any moment
//! instead of on a 20 ms tick, and what a stranger can make us hold must be bounded. Facts are from
//! protocol 2.4.

mod pace;
mod receive;
mod rtt;
mod segment;
mod send;

use bytes::Bytes;

pub use self::segment::{Command, HEADER, Header, MSS, MTU};
use self::{receive::Receiver, rtt::Rtt, send::Sender};
use crate::{Outbox, Parameters};

/// How long the peer may be silent while it owes us acknowledgements, in milliseconds. As long as
/// frp's heartbeat timeout, so that nothing dies earlier than it would over another transport.
pub const SILENCE: u64 = 90_000;

/// How a packet came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// From the wire.
    Regular,
    /// From parity: it is older than it looks, so its window and times mean nothing.
    Recovered,
}

/// One end of a conversation. All times are milliseconds since any fixed moment.
#[derive(Debug)]
pub struct Kcp {
    conv: u32,
    sender: Sender,
    receiver: Receiver,
    rtt: Rtt,
    heard_at: u64,
}

/// `a` is before `b` on the circle of 32-bit numbers.
pub(crate) const fn before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) > u32::MAX / 2
}

/// The wire's clock: the low 32 bits.
fn ts(now: u64) -> u32 {
    u32::try_from(now & u64::from(u32::MAX)).unwrap_or_default()
}

impl Kcp {
    /// A conversation of that number with these windows.
    #[must_use]
    pub fn new(conv: u32, parameters: &Parameters, now: u64) -> Self {
        Self {
            conv,
            sender: Sender::new(parameters.send_window, now),
            receiver: Receiver::new(parameters.receive_window),
            rtt: Rtt::default(),
            heard_at: now,
        }
    }

    /// The conversation's number.
    #[must_use]
    pub const fn conv(&self) -> u32 {
        self.conv
    }

    /// Takes the segments of one packet; stops at the first that is malformed or not ours.
    /// Answers whether there was any.
    pub fn input(&mut self, packet: &Bytes, how: Input, now: u64) -> bool {
        let mut rest = packet.clone();
        let mut any = false;
        let mut acks = send::Acks::default();
        while let Some((header, after)) = Header::parse(&rest) {
            let len = usize::try_from(header.len).unwrap_or(usize::MAX);
            if header.conv != self.conv || len > after.len() {
                break;
            }
            any = true;
            let mut payload = rest.split_off(HEADER);
            rest = payload.split_off(len);
            if how == Input::Regular {
                self.sender.remote_window(header.window);
            }
            self.sender.all_before(header.una, now);
            match header.command {
                Command::Ack => {
                    if self.sender.acknowledge(header.sn, now) {
                        acks.note(header.sn, header.ts);
                    }
                }
                Command::Push => self.receiver.push(header.sn, header.ts, payload),
                Command::Ask => self.receiver.tell(),
                Command::Tell => {}
            }
        }
        if let Some(latest) = acks.latest() {
            self.sender.skipped(&acks);
            if how == Input::Regular {
                let ago = ts(now).wrapping_sub(latest);
                self.rtt.sample(ago);
                self.sender.acknowledged(now, ago);
            }
        }
        if any {
            self.heard_at = now;
        }
        any
    }

    /// Queues bytes for the peer; answers how many fitted.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        self.sender.write(bytes)
    }

    /// How many bytes [`write`](Self::write) would take.
    #[must_use]
    pub fn room(&self) -> usize {
        self.sender.room()
    }

    /// The next bytes from the peer, at most `max` of them.
    pub fn read(&mut self, max: usize) -> Option<Bytes> {
        self.receiver.read(max)
    }

    /// Whether there is something to read.
    #[must_use]
    pub fn readable(&self) -> bool {
        self.receiver.readable()
    }

    /// Allows the peer this many segments from now on.
    pub fn set_receive_window(&mut self, segments: u16) {
        self.receiver.set_window(segments);
    }

    /// Whether something waits that need not wait: acknowledgements, a window that opened.
    #[must_use]
    pub fn urgent(&self) -> bool {
        self.receiver.urgent()
    }

    /// Sends acknowledgements and as much new data as the window takes.
    pub fn flush(&mut self, now: u64, out: &mut Outbox) {
        let mut packer = Packer::new(self.conv, &mut self.receiver, now, out);
        self.sender.begin();
        self.sender.send_new(&mut packer, &self.rtt);
        packer.finish();
    }

    /// Like [`flush`](Self::flush), and sends again what is due for it.
    pub fn on_time(&mut self, now: u64, limits: Resends, out: &mut Outbox) {
        let silent = now.saturating_sub(self.heard_at);
        let mut packer = Packer::new(self.conv, &mut self.receiver, now, out);
        self.sender.begin();
        self.sender.probe(&mut packer);
        self.sender.resend(&mut packer, &self.rtt, silent, limits);
        self.sender.send_new(&mut packer, &self.rtt);
        packer.finish();
    }

    /// When [`on_time`](Self::on_time) wants to be called, if nothing else happens.
    #[must_use]
    pub fn wake_at(&self) -> Option<u64> {
        self.sender.wake_at()
    }

    /// Whether segments should be sent again before their time is up.
    #[must_use]
    pub fn lost(&self) -> bool {
        self.sender.lost()
    }

    /// Nothing is queued and everything sent was acknowledged.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.sender.is_drained()
    }

    /// The peer acknowledged something: it is where it says it is.
    #[must_use]
    pub const fn is_proven(&self) -> bool {
        self.sender.is_proven()
    }

    /// The peer owes us something and has been silent for [`SILENCE`].
    #[must_use]
    pub fn is_dead(&self, now: u64) -> bool {
        self.dead_at().is_some_and(|at| at <= now)
    }

    /// When [`is_dead`](Self::is_dead) becomes true if the peer stays silent.
    #[must_use]
    pub fn dead_at(&self) -> Option<u64> {
        let since = self.sender.waiting_since()?;
        Some(since.max(self.heard_at) + SILENCE)
    }

    /// Bytes held for the reader and the peer together.
    #[must_use]
    pub fn held(&self) -> usize {
        self.sender.held() + self.receiver.held()
    }
}

/// How often a segment may be sent in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resends {
    /// As often as it takes.
    Free,
    /// A few times: the peer has not shown yet that it is where it says it is.
    Few,
}

/// Packs segments into datagrams.
#[derive(Debug)]
pub(crate) struct Packer<'a> {
    conv: u32,
    window: u16,
    una: u32,
    now: u64,
    out: &'a mut Outbox,
}

impl<'a> Packer<'a> {
    fn new(conv: u32, receiver: &mut Receiver, now: u64, out: &'a mut Outbox) -> Self {
        let (window, una) = receiver.state();
        let mut packer = Self {
            conv,
            window,
            una,
            now,
            out,
        };
        receiver.flush(&mut packer);
        packer
    }

    fn put(&mut self, command: Command, sn: u32, ts: u32, payload: &[u8]) {
        let header = Header {
            conv: self.conv,
            command,
            window: self.window,
            ts,
            sn,
            una: self.una,
            len: u32::try_from(payload.len()).unwrap_or_default(),
        };
        self.out.segment(&header.encode(), payload, self.now);
    }

    fn finish(self) {
        self.out.close(self.now);
    }
}
