//! What received frames do.

use std::ops::Range;

use tokio::time::Instant;

use super::{
    Core, Received,
    entry::{Entry, Phase},
    parser::Piece,
};
use crate::{
    MuxError, ProtocolError,
    frame::{Flags, Header, Kind},
};

impl Core {
    /// Takes what the transport yielded. After an error the session has ended.
    ///
    /// # Errors
    /// The peer broke the protocol or went over a limit.
    pub fn receive(&mut self, input: Received<'_>, now: Instant) -> Result<(), MuxError> {
        self.received = self.received.wrapping_add(1);
        let mut at = 0;
        loop {
            match self.parser.next(input.bytes(), &mut at)? {
                None => return Ok(()),
                Some(Piece::Header(header)) => self.on_header(header, now)?,
                Some(Piece::Body(range, last)) => self.on_body(input, range, last)?,
            }
        }
    }

    fn on_header(&mut self, header: Header, now: Instant) -> Result<(), MuxError> {
        if !self.authenticated {
            self.prelogin_frames += 1;
            if self.prelogin_frames > self.config.prelogin_frames {
                return Err(MuxError::Prelogin);
            }
        }
        if self.out.is_flooded() {
            return Err(MuxError::Flood);
        }
        match header.kind {
            Kind::Data | Kind::WindowUpdate => self.on_stream_frame(header, now),
            Kind::Ping if header.flags.has(Flags::SYN) => {
                let pong = Header::new(Kind::Ping, Flags::ACK, 0, header.length);
                self.reply(pong)
            }
            Kind::Ping => {
                self.timers.on_pong(header.length, now);
                Ok(())
            }
            Kind::GoAway if header.length == 0 => {
                self.refusing = true;
                self.signals.slots += 1;
                Ok(())
            }
            Kind::GoAway => Err(MuxError::GoAway(header.length)),
        }
    }

    fn reply(&mut self, header: Header) -> Result<(), MuxError> {
        if !self.out.may_reply() {
            return Err(MuxError::Flood);
        }
        self.out.stage(header);
        Ok(())
    }

    fn on_stream_frame(&mut self, header: Header, now: Instant) -> Result<(), MuxError> {
        let id = header.stream;
        let data = header.kind == Kind::Data;
        if data {
            self.body = None;
            self.parser
                .expect_body(usize::try_from(header.length).unwrap_or(usize::MAX));
        }
        if header.flags.has(Flags::SYN) {
            self.on_syn(id, now)?;
        }
        let Some(entry) = self.streams.get(&id).filter(|e| e.phase.is_live()) else {
            return Ok(());
        };
        if header.flags.has(Flags::ACK) && !entry.acked {
            let closing = entry.phase == Phase::LocalDone;
            self.opened(id);
            if closing {
                self.await_close(id, now);
            }
        }
        if header.flags.has(Flags::RST) {
            self.on_reset(id);
            return Ok(());
        }
        let Some(entry) = self.streams.get_mut(&id) else {
            return Ok(());
        };
        let fin = header.flags.has(Flags::FIN);
        if fin && !entry.phase.may_receive() {
            return Err(ProtocolError::DoubleFin(id).into());
        }
        if data && header.length > 0 {
            if !entry.credit.receive(header.length) {
                return Err(ProtocolError::Window(id).into());
            }
            self.body = Some((id, fin));
            return Ok(());
        }
        if !data && header.length > 0 {
            entry.send_window = entry.send_window.saturating_add(header.length);
            if !entry.queued {
                self.wakes.extend(entry.writer.take());
            }
        }
        if fin {
            self.on_fin(id);
        }
        Ok(())
    }

    fn on_syn(&mut self, id: u32, now: Instant) -> Result<(), MuxError> {
        if !self.role.peer_may_open(id) {
            return Err(ProtocolError::Parity(id).into());
        }
        if self.streams.contains_key(&id) {
            return Err(ProtocolError::DuplicateStream(id).into());
        }
        if !self.authenticated && self.streams.len() >= self.config.accept_backlog {
            return Err(MuxError::Prelogin);
        }
        if self.backlog.len() >= self.config.accept_backlog
            || self.streams.len() >= self.config.max_streams
        {
            return self.reply(Header::new(Kind::WindowUpdate, Flags::RST, id, 0));
        }
        self.streams.insert(id, Entry::new(now, false));
        self.backlog.push_back(id);
        self.signals.incoming += 1;
        Ok(())
    }

    fn on_body(
        &mut self,
        input: Received<'_>,
        range: Range<usize>,
        last: bool,
    ) -> Result<(), MuxError> {
        let Some((id, fin)) = self.body else {
            return Ok(());
        };
        if last {
            self.body = None;
        }
        let Some(entry) = self.streams.get_mut(&id).filter(|e| e.phase.is_live()) else {
            return Ok(());
        };
        let len = range.len();
        // Data for a stream that nobody reads any more is thrown away and not credited: the
        // peer stops when its window is used up.
        if entry.held && entry.phase.may_receive() {
            entry.received = entry.received.saturating_add(len as u64);
            let least = self.config.share_from();
            entry.inbox.push(input, range, least, &mut self.pins);
            self.buffered += len;
            self.wakes.extend(entry.reader.take());
            if !self.authenticated && self.buffered > self.config.prelogin_bytes {
                return Err(MuxError::Prelogin);
            }
        }
        if last && fin {
            self.on_fin(id);
        }
        Ok(())
    }

    fn on_fin(&mut self, id: u32) {
        let Some(entry) = self.streams.get_mut(&id) else {
            return;
        };
        self.wakes.extend(entry.reader.take());
        entry.phase = match entry.phase {
            Phase::Open => Phase::RemoteDone,
            Phase::LocalDone => Phase::Done,
            other => other,
        };
        if entry.phase == Phase::Done {
            self.opened(id);
        }
        self.forget_if_over(id);
    }

    /// The peer reset a stream: what is unread is lost, as upstream does it.
    fn on_reset(&mut self, id: u32) {
        let Some(mut entry) = self.streams.remove(&id) else {
            return;
        };
        entry.phase = Phase::Reset;
        self.retire(id, &mut entry);
        self.wakes.extend(entry.reader.take());
        self.wakes.extend(entry.writer.take());
        if let Some(at) = self.backlog.iter().position(|b| *b == id) {
            self.backlog.remove(at);
            entry.held = false;
        }
        if entry.held {
            self.streams.insert(id, entry);
        }
    }

    /// Resets a stream from our side.
    pub(super) fn reset(&mut self, id: u32) {
        let entry = self.streams.get_mut(&id).filter(|e| e.phase.is_live());
        if let Some(entry) = entry {
            let header = Header::new(Kind::WindowUpdate, Flags::RST, id, 0);
            self.out.stage_of(&mut entry.place, header, &[]);
            self.on_reset(id);
        }
    }
}
