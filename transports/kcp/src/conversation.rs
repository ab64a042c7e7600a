//! KCP and FEC joined: datagrams in, datagrams out.

use bytes::Bytes;

use crate::{
    Outbox, Parameters,
    core::{Header, Input, Kcp, Resends},
    fec::{Decoder, Encoder, Frame},
};

/// Segments that a stranger may have waiting with us: some 43 KiB. A real client sends no more
/// than this before it has heard from us (kcp.go assumes it of every peer at first).
const STRANGERS_WINDOW: u16 = 32;

/// One end of a conversation, from bytes to datagrams. Times are milliseconds since any fixed
/// moment.
#[derive(Debug)]
pub struct Conversation {
    kcp: Kcp,
    decoder: Decoder,
    out: Outbox,
    stranger: bool,
    full_window: u16,
}

impl Conversation {
    /// A conversation of that number. A `stranger` gets a small window and few retransmissions
    /// until [`trust`](Self::trust).
    #[must_use]
    pub fn new(conv: u32, parameters: &Parameters, stranger: bool, now: u64) -> Self {
        let full = parameters.receive_window;
        let window = if stranger {
            full.min(STRANGERS_WINDOW)
        } else {
            full
        };
        let encoder = parameters.fec.then(|| Encoder::new(parameters.parity));
        Self {
            kcp: Kcp::new(conv, &parameters.with_receive_window(window), now),
            decoder: Decoder::new(),
            out: Outbox::new(encoder),
            stranger,
            full_window: full,
        }
    }

    /// The conversation that a datagram from nowhere may begin: it must carry its first bytes.
    /// What is retransmitted to an end that is gone never looks like this.
    #[must_use]
    pub fn begun_by(datagram: &[u8]) -> Option<u32> {
        let (Frame::Raw(mut rest)
        | Frame::Data {
            packet: mut rest, ..
        }) = Frame::parse(datagram)?
        else {
            return None;
        };
        let mut begun = None;
        while let Some((header, after)) = Header::parse(rest) {
            rest = after.get(usize::try_from(header.len).ok()?..)?;
            if header.is_first() {
                begun = Some(header.conv);
            }
        }
        begun
    }

    /// The conversation that a datagram belongs to, unless it is parity and does not say.
    #[must_use]
    pub fn named_by(datagram: &[u8]) -> Option<u32> {
        let (Frame::Raw(packet) | Frame::Data { packet, .. }) = Frame::parse(datagram)? else {
            return None;
        };
        Header::parse(packet).map(|(header, _)| header.conv)
    }

    /// Takes a datagram. Answers whether it meant anything. Nothing is sent before
    /// [`flush`](Self::flush) or [`on_time`](Self::on_time).
    pub fn input(&mut self, datagram: &[u8], now: u64) -> bool {
        let Some(frame) = Frame::parse(datagram) else {
            return false;
        };
        let conv = self.kcp.conv();
        let whole = Bytes::copy_from_slice(datagram);
        let valid = |packet: &[u8]| Header::all_of(conv, packet);
        let recovered = match frame {
            Frame::Raw(_) => return self.kcp.input(&whole, Input::Regular, now),
            Frame::Data { id, packet } => {
                let from = datagram.len() - packet.len();
                if !self.kcp.input(&whole.slice(from..), Input::Regular, now) {
                    return false;
                }
                if self.stranger {
                    return true;
                }
                self.decoder.data(id, &whole, valid)
            }
            Frame::Parity { .. } if self.stranger => return false,
            Frame::Parity { id } => self.decoder.parity(id, &whole, valid),
        };
        for packet in recovered {
            self.kcp.input(&packet, Input::Recovered, now);
        }
        true
    }

    /// Queues bytes for the peer; answers how many fitted.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        self.kcp.write(bytes)
    }

    /// How many bytes [`write`](Self::write) would take.
    #[must_use]
    pub fn room(&self) -> usize {
        self.kcp.room()
    }

    /// The next bytes from the peer, at most `max` of them.
    pub fn read(&mut self, max: usize) -> Option<Bytes> {
        self.kcp.read(max)
    }

    /// Whether there is something to read.
    #[must_use]
    pub fn readable(&self) -> bool {
        self.kcp.readable()
    }

    /// Gives the peer everything that its end deserves.
    pub fn trust(&mut self) {
        if std::mem::take(&mut self.stranger) {
            self.kcp.set_receive_window(self.full_window);
        }
    }

    /// Whether acknowledgements or a window wait to be sent.
    #[must_use]
    pub fn urgent(&self) -> bool {
        self.kcp.urgent()
    }

    /// Sends what is new. With a loss noticed, also what is lost.
    pub fn flush(&mut self, now: u64) {
        // What is still on its way to the socket holds back what comes after it.
        if !self.out.is_empty() {
            return;
        }
        if self.kcp.lost() {
            return self.on_time(now);
        }
        self.kcp.flush(now, &mut self.out);
    }

    /// Sends what is new and what is due again.
    pub fn on_time(&mut self, now: u64) {
        if !self.out.is_empty() {
            return;
        }
        let resends = if self.stranger && !self.kcp.is_proven() {
            Resends::Few
        } else {
            Resends::Free
        };
        self.kcp.on_time(now, resends, &mut self.out);
    }

    /// When [`on_time`](Self::on_time) wants to be called, if nothing else happens.
    #[must_use]
    pub fn wake_at(&self) -> Option<u64> {
        self.kcp.wake_at()
    }

    /// Datagrams to send.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.out
    }

    /// The peer acknowledged something: it is where it says it is.
    #[must_use]
    pub const fn is_proven(&self) -> bool {
        self.kcp.is_proven()
    }

    /// Nothing is queued and everything sent was acknowledged.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.kcp.is_drained()
    }

    /// The peer owes us something and has been silent for too long.
    #[must_use]
    pub fn is_dead(&self, now: u64) -> bool {
        self.kcp.is_dead(now)
    }

    /// When [`is_dead`](Self::is_dead) becomes true if the peer stays silent.
    #[must_use]
    pub fn dead_at(&self) -> Option<u64> {
        self.kcp.dead_at()
    }

    /// Bytes held in all queues.
    #[must_use]
    pub fn held(&self) -> usize {
        self.kcp.held() + self.decoder.held()
    }
}
