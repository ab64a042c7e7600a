//! One TLS connection without I/O: records in, plaintext out, and the other way round.

use std::io::IoSlice;

use rustls::{
    Error, ProtocolVersion,
    unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus},
};
use tokio::io::ReadBuf;

use crate::{
    input::Input,
    output::Output,
    records::Records,
    role::{KeysOf, Role},
    seal::seal,
};

/// The state of a connection and the bytes that wait on either side of it.
pub(crate) struct Engine<R> {
    conn: R,
    pub(crate) input: Input,
    pub(crate) output: Output,
    plain: Plain,
    peer_closed: bool,
    closing: bool,
    failed: Option<Error>,
}

/// The rest of a decrypted record that the reader had no room for.
#[derive(Default)]
struct Plain {
    bytes: Vec<u8>,
    at: usize,
}

/// What the caller wants from a turn once nothing else is to be done.
enum Job<'j, 'b> {
    /// Plaintext into this buffer.
    Open(&'j mut ReadBuf<'b>),
    /// Nothing but the handshake: what comes behind it is not looked at.
    Shake,
    /// Records made of these slices.
    Seal(&'j [IoSlice<'j>]),
    /// The closing alert.
    Close,
}

/// What a turn has come to.
enum Turn {
    /// A step was made; go on.
    Again,
    /// Plaintext came.
    Plain,
    /// Nothing more to do with the bytes there are.
    Idle,
    /// The job of sealing or closing is done for so many plain bytes.
    Sealed(usize),
}

/// What reading has come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// Plaintext was delivered.
    Some,
    /// The peer has finished its direction.
    End,
    /// More ciphertext is needed.
    NeedInput,
}

/// What the handshake needs next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shaken {
    /// Both sides are done.
    Done,
    /// More ciphertext is needed, once the output has been sent.
    NeedInput,
}

impl<R: Role> Engine<R> {
    pub(crate) fn new(conn: R) -> Self {
        Self {
            conn,
            input: Input::default(),
            output: Output::default(),
            plain: Plain::default(),
            peer_closed: false,
            closing: false,
            failed: None,
        }
    }

    pub(crate) const fn is_closing(&self) -> bool {
        self.closing
    }

    pub(crate) const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Goes on with the handshake until it is done or needs bytes.
    pub(crate) fn shake(&mut self) -> Result<Shaken, Error> {
        loop {
            match self.turn(Job::Shake)? {
                Turn::Again | Turn::Plain | Turn::Sealed(_) => {}
                Turn::Idle if !self.conn.is_handshaking() => return Ok(Shaken::Done),
                Turn::Idle if self.input.show_record() => {}
                Turn::Idle => return Ok(Shaken::NeedInput),
            }
        }
    }

    /// Whether somebody else can make the records from here on: the handshake was one of TLS 1.3,
    /// and rustls keeps nothing that it has received or has to send. As [`shake`](Self::shake) shows
    /// it no record behind the handshake, it has no answer to a key update either, which it would
    /// neither tell of nor give away.
    pub(crate) fn gives_way(&mut self) -> bool {
        self.conn.protocol_version() == Some(ProtocolVersion::TLSv1_3)
            && !self.conn.wants_write()
            && !self.peer_closed
            && self.failed.is_none()
            && self.output.is_empty()
            && self.input.seen().is_empty()
    }

    /// Gives way; also answers the plaintext that has come already.
    pub(crate) fn into_records(mut self) -> Result<(Records<KeysOf<R>>, Vec<u8>), Error> {
        let (secrets, keys) = self.conn.into_keys()?;
        let mut records = Records::new(secrets, keys)?;
        let behind = self.input.all();
        let plain = records.open(behind);
        let early = behind.get(..plain).unwrap_or_default().to_vec();
        Ok((records, early))
    }

    /// Delivers as much plaintext to `buf` as there is; what came before an error goes first, and the
    /// next call gives the error.
    pub(crate) fn open(&mut self, buf: &mut ReadBuf<'_>) -> Result<Opened, Error> {
        let before = buf.filled().len();
        match self.open_all(buf) {
            Err(_) if buf.filled().len() > before => Ok(Opened::Some),
            opened => opened,
        }
    }

    fn open_all(&mut self, buf: &mut ReadBuf<'_>) -> Result<Opened, Error> {
        let mut some = self.plain.give(buf);
        loop {
            // Another record is opened only if it has room, so that it need not be kept.
            let fits = self
                .input
                .next_record()
                .is_none_or(|n| n <= buf.remaining());
            if some && (buf.remaining() == 0 || !fits) {
                return Ok(Opened::Some);
            }
            match self.turn(Job::Open(buf))? {
                Turn::Plain => some = true,
                Turn::Again | Turn::Sealed(_) => {}
                Turn::Idle if some => return Ok(Opened::Some),
                Turn::Idle if self.peer_closed => return Ok(Opened::End),
                Turn::Idle => return Ok(Opened::NeedInput),
            }
        }
    }

    /// Seals as much of `bufs` as fits one batch; answers how much plaintext that was.
    pub(crate) fn seal(&mut self, bufs: &[IoSlice<'_>]) -> Result<usize, Error> {
        loop {
            match self.turn(Job::Seal(bufs))? {
                Turn::Sealed(n) => return Ok(n),
                Turn::Again | Turn::Plain => {}
                Turn::Idle => return Err(Error::General("write after end".into())),
            }
        }
    }

    /// Seals the closing alert, once; nothing can be written afterwards. After a failure rustls has
    /// said why.
    pub(crate) fn close(&mut self) -> Result<(), Error> {
        if self.failed.is_some() || std::mem::replace(&mut self.closing, true) {
            return Ok(());
        }
        loop {
            match self.turn(Job::Close)? {
                Turn::Sealed(_) | Turn::Plain | Turn::Idle => return Ok(()),
                Turn::Again => {}
            }
        }
    }

    /// One state of rustls. After an error all turns give that error.
    fn turn(&mut self, job: Job<'_, '_>) -> Result<Turn, Error> {
        if let Some(err) = &self.failed {
            return Err(err.clone());
        }
        let result = self.step(job);
        if let Err(err) = &result {
            self.failed = Some(err.clone());
            self.collect_alert();
        }
        result
    }

    fn step(&mut self, job: Job<'_, '_>) -> Result<Turn, Error> {
        let opening = matches!(job, Job::Open(_));
        let incoming = match job {
            Job::Open(_) => self.input.all(),
            Job::Shake if self.conn.is_handshaking() => self.input.shown(),
            Job::Shake | Job::Seal(_) | Job::Close => self.input.seen(),
        };
        let UnbufferedStatus { mut discard, state } = self.conn.process(incoming);
        let turn = match state {
            Ok(ConnectionState::ReadTraffic(mut records)) => {
                let mut job = job;
                let mut result = Ok(Turn::Plain);
                while let Some(record) = records.next_record() {
                    match record {
                        Ok(record) => {
                            discard += record.discard;
                            self.plain.take(record.payload, &mut job);
                        }
                        Err(err) => result = Err(err),
                    }
                }
                result
            }
            Ok(ConnectionState::EncodeTlsData(mut message)) => {
                encode(&mut self.output, |room| message.encode(room))
            }
            Ok(ConnectionState::TransmitTlsData(message)) => {
                message.done();
                Ok(Turn::Again)
            }
            Ok(ConnectionState::WriteTraffic(mut traffic)) => match job {
                Job::Open(_) | Job::Shake => Ok(Turn::Idle),
                Job::Seal(bufs) => seal(&mut traffic, bufs, &mut self.output)
                    .map(Turn::Sealed)
                    .map_err(refused),
                Job::Close => {
                    // One alert and what rustls has queued in front of it.
                    let room = self.output.room(1024);
                    let closed = traffic.queue_close_notify(room).map_err(refused);
                    closed.map(|n| {
                        self.output.fill(n);
                        Turn::Sealed(0)
                    })
                }
            },
            Ok(ConnectionState::PeerClosed) => {
                self.peer_closed = true;
                Ok(Turn::Again)
            }
            Ok(ConnectionState::Closed) => {
                self.peer_closed = true;
                Ok(Turn::Idle)
            }
            Ok(ConnectionState::BlockedHandshake) => Ok(Turn::Idle),
            Ok(_) => Err(Error::General("unexpected early data".into())),
            Err(err) => Err(err),
        };
        self.input.consume(discard);
        if opening && matches!(turn, Ok(Turn::Idle)) {
            self.input.mark_seen();
        }
        turn
    }

    /// After a failure: takes the alert that tells the peer why, so that it can be sent.
    fn collect_alert(&mut self) {
        if !self.conn.wants_write() {
            return;
        }
        let status = self.conn.process(self.input.seen());
        if let Ok(ConnectionState::EncodeTlsData(mut message)) = status.state {
            // Without room the peer is not told; the connection ends in any case.
            let _told = encode(&mut self.output, |room| message.encode(room));
        }
    }
}

impl Plain {
    /// Gives what is kept; answers whether that was anything.
    fn give(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let n = rest.len().min(buf.remaining());
        buf.put_slice(rest.get(..n).unwrap_or_default());
        self.at += n;
        if self.at == self.bytes.len() {
            *self = Self::default();
        }
        n > 0
    }

    /// Takes a record: into the reader's buffer as far as it goes, the rest is kept.
    fn take(&mut self, payload: &[u8], job: &mut Job<'_, '_>) {
        let mut rest = payload;
        if let Job::Open(buf) = job
            && self.bytes.is_empty()
        {
            let n = rest.len().min(buf.remaining());
            buf.put_slice(rest.get(..n).unwrap_or_default());
            rest = rest.get(n..).unwrap_or_default();
        }
        self.bytes.extend_from_slice(rest);
    }
}

/// Puts a message of rustls into the output, making room if it has to.
fn encode(
    output: &mut Output,
    mut message: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>,
) -> Result<Turn, Error> {
    // Alerts and key updates are shorter; a handshake message says how long it is.
    let mut want = 256;
    loop {
        match message(output.room(want)) {
            Ok(n) => {
                output.fill(n);
                return Ok(Turn::Again);
            }
            Err(EncodeError::InsufficientSize(size)) if want < size.required_size => {
                want = size.required_size;
            }
            Err(err) => return Err(Error::General(err.to_string())),
        }
    }
}

fn refused(err: EncryptError) -> Error {
    Error::General(err.to_string())
}
