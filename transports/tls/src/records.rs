//! The records of a connection after its handshake of TLS 1.3, made by ourselves.
//!
//! rustls hands every record over in memory of its own, in both directions. Measured on the default
//! settings, these copies were a tenth of the CPU of a tunnel. Here a record is opened where it was
//! read, in the reader's own buffer if that is large, its plaintext next to that of the record in
//! front; and it is sealed where it waits to be sent. The handshake, and every key, is rustls'.

use std::{
    io::{self, IoSlice},
    ops::Range,
    pin::Pin,
    task::{Context, Poll, ready},
};

use culvert_io::{Buffer, Stream};
use rustls::{
    AlertDescription, ContentType, Error, ExtractedSecrets, InvalidMessage, PeerMisbehaved,
};
use tokio::io::{AsyncRead, ReadBuf};

use crate::{
    layer::{Layer, broken, ended},
    messages::{KEY_UPDATE, Message, Messages},
    output::Output,
    protection::{HEADER, Protection, TRAILER, whole_record},
    role::Keys,
    seal::{BATCH, RECORD, Slices},
};

/// A reader's buffer of this length is read into directly: room for a few of the longest records.
/// What is shorter gets its bytes copied from a lent buffer.
const DIRECT: usize = 4 * RECORD;

/// How much a peer may say without data in between: rustls allows as many key updates, Go half.
const MOST_WITHOUT_DATA: u32 = 32;

/// The most records that are ever sealed with one key, far from where their number would start anew
/// (RFC 8446, 5.3).
const MOST_RECORDS: u64 = u64::MAX >> 1;

/// Both directions of a connection.
pub(crate) struct Records<K> {
    keys: K,
    opening: Protection,
    sealing: Protection,
    /// How many records are sealed with one key (RFC 8446, 5.5).
    most: u64,
    output: Output,
    /// The beginning of a record.
    part: Vec<u8>,
    /// Plaintext that the reader had no room for.
    kept: Option<(Buffer, Range<usize>)>,
    messages: Messages,
    without_data: WithoutData,
    /// Whether the peer asked for a key update, which is due with the next data.
    owes_update: bool,
    end: Option<End>,
    /// Why the peer is to be told that we failed.
    alert: Option<AlertDescription>,
    closing: bool,
}

/// How much a peer has said since it sent data.
#[derive(Default)]
struct WithoutData(u32);

/// Why nothing more can be read.
enum End {
    /// The peer has finished its direction.
    Closed,
    Failed(Error),
}

impl<K: Keys> Records<K> {
    /// Goes on after a handshake.
    pub(crate) fn new(secrets: ExtractedSecrets, keys: K) -> Result<Self, Error> {
        let suite = keys.suite();
        let suite = suite.tls13().ok_or(Error::HandshakeNotComplete)?;
        Ok(Self {
            opening: Protection::new(secrets.rx)?,
            sealing: Protection::new(secrets.tx)?,
            most: suite.common.confidentiality_limit.min(MOST_RECORDS),
            output: Output::default(),
            part: Vec::new(),
            kept: None,
            messages: Messages::new(keys.takes_tickets()),
            keys,
            without_data: WithoutData::default(),
            owes_update: false,
            end: None,
            alert: None,
            closing: false,
        })
    }

    /// Opens the records in `bytes`; the plaintext is then at its front, and the answer is its
    /// length. The beginning of a record is kept.
    pub(crate) fn open(&mut self, bytes: &mut [u8]) -> usize {
        let (mut plain, mut at) = (0, 0);
        while self.end.is_none() {
            match self.open_one(bytes, plain, at) {
                Ok(Some((data, len))) => {
                    plain += data;
                    at += len;
                }
                Ok(None) => {
                    self.part = bytes.get(at..).unwrap_or_default().to_vec();
                    break;
                }
                Err(err) => {
                    self.alert = alert_of(&err);
                    self.end = Some(End::Failed(err));
                }
            }
        }
        plain
    }

    /// Opens the record at `at`, if it is whole, with its plaintext to `plain`; answers how much
    /// data that was, and how long the record.
    fn open_one(
        &mut self,
        bytes: &mut [u8],
        plain: usize,
        at: usize,
    ) -> Result<Option<(usize, usize)>, Error> {
        let Some(len) = whole_record(bytes.get(at..).unwrap_or_default())? else {
            return Ok(None);
        };
        let bytes = bytes.get_mut(plain..at + len).unwrap_or_default();
        let (kind, inner) = self.opening.open(bytes, at - plain)?;
        let bytes = bytes.get(..inner).unwrap_or_default();
        if kind != ContentType::Handshake && !self.messages.is_empty() {
            return Err(PeerMisbehaved::MessageInterleavedWithHandshakeMessage.into());
        }
        match kind {
            ContentType::ApplicationData if inner > 0 => {
                self.without_data = WithoutData::default();
                return Ok(Some((inner, len)));
            }
            ContentType::ApplicationData => self.without_data.more()?,
            // Only data may be empty (RFC 8446, 5.4).
            _ if inner == 0 => {
                return Err(InvalidMessage::UnexpectedMessage("empty record").into());
            }
            ContentType::Handshake => self.on_messages(bytes)?,
            ContentType::Alert => self.on_alert(bytes)?,
            _ => return Err(InvalidMessage::UnexpectedMessage("type of record").into()),
        }
        Ok(Some((0, len)))
    }

    fn on_messages(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.messages.take(bytes, |message| {
            self.without_data.more()?;
            match message {
                Message::Ticket(body) => self.keys.ticket(body),
                Message::KeyUpdate { asked } => {
                    self.owes_update |= asked;
                    self.opening = Protection::new(self.keys.next_opening()?)?;
                    Ok(())
                }
            }
        })
    }

    fn on_alert(&mut self, alert: &[u8]) -> Result<(), Error> {
        // The level says nothing (RFC 8446, 6).
        let [_level, code] = alert else {
            return Err(InvalidMessage::MessageTooShort.into());
        };
        match AlertDescription::from(*code) {
            AlertDescription::CloseNotify => self.end = Some(End::Closed),
            // It says only that an end will follow.
            AlertDescription::UserCanceled => self.without_data.more()?,
            other => return Err(Error::AlertReceived(other)),
        }
        Ok(())
    }

    /// Reads once into `bytes` and opens what came; `None` at the end of `stream`.
    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        bytes: &mut [u8],
    ) -> Poll<io::Result<Option<usize>>> {
        let (part, room) = bytes
            .split_at_mut_checked(self.part.len())
            .ok_or(io::ErrorKind::InvalidInput)?;
        let mut room = ReadBuf::new(room);
        ready!(Pin::new(stream).poll_read(cx, &mut room))?;
        let came = room.filled().len();
        if came == 0 {
            let between = part.is_empty() && self.messages.is_empty();
            return Poll::Ready(ended(between).map(|()| None));
        }
        part.copy_from_slice(&self.part);
        let all = part.len() + came;
        self.part = Vec::new();
        let plain = self.open(bytes.get_mut(..all).unwrap_or_default());
        Poll::Ready(Ok(Some(plain)))
    }

    /// Gives what is kept; answers whether that was anything.
    fn give(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let Some((bytes, left)) = &mut self.kept else {
            return false;
        };
        let n = left.len().min(buf.remaining());
        let given = left.start..left.start + n;
        buf.put_slice(bytes.payload().get(given).unwrap_or_default());
        left.start += n;
        if left.start == left.end {
            self.kept = None;
        }
        n > 0
    }

    /// Makes a record of `len` bytes, which `fill` puts in their place.
    fn put(
        &mut self,
        kind: ContentType,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<(), Error> {
        let whole = HEADER + len + TRAILER;
        let room = self.output.room(whole).get_mut(..whole);
        let room = room.ok_or(Error::EncryptError)?;
        if let Some(plain) = room.get_mut(HEADER..HEADER + len) {
            fill(plain);
        }
        self.sealing.seal(kind, room)?;
        self.output.fill(whole);
        Ok(())
    }

    fn put_alert(&mut self, level: u8, alert: AlertDescription) -> Result<(), Error> {
        let alert = [level, alert.into()];
        self.put(ContentType::Alert, alert.len(), |to| {
            to.copy_from_slice(&alert);
        })
    }

    /// Takes the next key for sealing if it is time.
    fn refresh(&mut self) -> Result<(), Error> {
        if !self.owes_update && self.sealing.records() < self.most {
            return Ok(());
        }
        self.put(ContentType::Handshake, KEY_UPDATE.len(), |to| {
            to.copy_from_slice(&KEY_UPDATE);
        })?;
        self.sealing = Protection::new(self.keys.next_sealing()?)?;
        self.owes_update = false;
        Ok(())
    }

    /// Makes the records of a write.
    fn seal_data(&mut self, bufs: &[IoSlice<'_>]) -> Result<usize, Error> {
        let mut slices = Slices::new(bufs);
        let all = bufs.iter().fold(0_usize, |n, s| n.saturating_add(s.len()));
        let all = all.min(BATCH);
        let mut sealed = 0;
        while sealed < all {
            self.refresh()?;
            let len = RECORD.min(all - sealed);
            self.put(ContentType::ApplicationData, len, |to| {
                slices.gather(to);
            })?;
            sealed += len;
        }
        Ok(all)
    }

    /// Why nothing can be read; the peer is told.
    fn report(&mut self) -> io::Result<()> {
        let Some(End::Failed(err)) = &self.end else {
            return Ok(());
        };
        let err = broken(err.clone());
        self.tell();
        Err(err)
    }

    /// Makes the alert that says why we failed, if that has not been said and anything may be.
    fn tell(&mut self) {
        if let Some(alert) = self.alert.take()
            && !self.closing
        {
            // Without room the peer is not told; the connection ends in any case.
            let _told = self.put_alert(FATAL, alert);
        }
    }
}

impl<K: Keys> Layer for Records<K> {
    fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.give(buf) {
            return Poll::Ready(Ok(()));
        }
        while self.end.is_none() {
            let plain = if buf.remaining() >= DIRECT {
                let plain = ready!(self.poll_take(cx, stream, buf.initialize_unfilled()))?;
                buf.advance(plain.unwrap_or(0));
                plain
            } else {
                let mut lent = Buffer::large();
                let plain = ready!(self.poll_take(cx, stream, lent.payload_mut()))?;
                self.kept = plain.map(|plain| (lent, 0..plain));
                self.give(buf);
                plain
            };
            if plain != Some(0) {
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Ready(self.report())
    }

    fn seal(&mut self, bufs: &[IoSlice<'_>]) -> Result<usize, Error> {
        let sealed = self.seal_data(bufs);
        if let Err(err) = &sealed {
            self.end = Some(End::Failed(err.clone()));
        }
        sealed
    }

    fn close(&mut self) -> Result<(), Error> {
        if matches!(self.end, Some(End::Failed(_))) {
            self.tell();
            return Ok(());
        }
        if std::mem::replace(&mut self.closing, true) {
            return Ok(());
        }
        self.put_alert(WARNING, AlertDescription::CloseNotify)
    }

    fn is_done(&self) -> bool {
        self.closing || matches!(self.end, Some(End::Failed(_)))
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}

impl WithoutData {
    /// The peer has said something else again.
    ///
    /// # Errors
    /// That is too much of it.
    const fn more(&mut self) -> Result<(), Error> {
        self.0 += 1;
        if self.0 > MOST_WITHOUT_DATA {
            return Err(Error::PeerMisbehaved(PeerMisbehaved::TooManyEmptyFragments));
        }
        Ok(())
    }
}

/// The levels of alerts (RFC 8446, 6).
const WARNING: u8 = 1;
const FATAL: u8 = 2;

/// What to tell a peer about an error; `None` if it told us.
fn alert_of(err: &Error) -> Option<AlertDescription> {
    Some(match err {
        Error::AlertReceived(_) => return None,
        Error::DecryptError => AlertDescription::BadRecordMac,
        Error::PeerSentOversizedRecord => AlertDescription::RecordOverflow,
        Error::PeerMisbehaved(_) | Error::InvalidMessage(InvalidMessage::UnexpectedMessage(_)) => {
            AlertDescription::UnexpectedMessage
        }
        // RFC 8446, 4.6.3.
        Error::InvalidMessage(InvalidMessage::InvalidKeyUpdate) => {
            AlertDescription::IllegalParameter
        }
        Error::InvalidMessage(err) => AlertDescription::from(*err),
        _ => AlertDescription::InternalError,
    })
}

#[cfg(test)]
mod tests;
