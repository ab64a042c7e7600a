//! Dial and accept: what carries bytes between two peers.

use std::{fmt, future::Future, io, net::SocketAddr};

use culvert_io::Stream;

use crate::{BoxSession, Options, Result};

/// What a transport yields: one pipe, or a session that is already split into streams.
#[derive(Debug)]
#[non_exhaustive]
pub enum Link {
    /// One byte stream, to be wrapped and split by the layers above (tcp, websocket, kcp).
    Pipe(Stream),
    /// Many streams from the start (quic).
    Session(BoxSession),
}

/// What the layers above need to know about a transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traits {
    /// Its links are [`Link::Session`]; no mux is put on top.
    pub multiplexed: bool,
    /// It encrypts by itself; no TLS is put on top.
    pub encrypted: bool,
}

impl Traits {
    /// A plain pipe: TLS and mux go on top.
    pub const PIPE: Self = Self {
        multiplexed: false,
        encrypted: false,
    };
    /// A pipe that is encrypted already: only the mux goes on top (wss).
    pub const ENCRYPTED_PIPE: Self = Self {
        multiplexed: false,
        encrypted: true,
    };
    /// A transport with its own encryption and its own streams.
    pub const COMPLETE: Self = Self {
        multiplexed: true,
        encrypted: true,
    };
}

/// Where to dial: a host name or literal address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// A name, an IPv4 literal, or an IPv6 literal without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Target {
    /// A target from a host, with or without the brackets of an IPv6 literal, and a port.
    #[must_use]
    pub fn new(host: &str, port: u16) -> Self {
        let host = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host)
            .to_owned();
        Self { host, port }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A way to carry bytes, known by the name that `transport.protocol` gives it.
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// What dials.
    type Connector: Connector;
    /// What accepts.
    type Listener: Listener;
    /// The value of `transport.protocol`.
    const NAME: &'static str;
    /// What its links are like.
    const TRAITS: Traits;

    /// A connector with these options. Does no I/O.
    ///
    /// # Errors
    /// The options do not fit.
    fn connector(&self, opts: &Options) -> Result<Self::Connector>;

    /// Listens at `at`.
    ///
    /// *Cancel safety*: nothing is bound when the future is dropped.
    ///
    /// # Errors
    /// The options do not fit or the address cannot be bound.
    fn bind(
        &self,
        at: SocketAddr,
        opts: &Options,
    ) -> impl Future<Output = Result<Self::Listener>> + Send;
}

/// The dialling side of a transport.
pub trait Connector: fmt::Debug + Send + Sync + 'static {
    /// Dials `to`, within the dial timeout of the options.
    ///
    /// *Cancel safety*: safe; the attempt is given up.
    ///
    /// # Errors
    /// The target cannot be resolved or reached, or does not answer in time.
    fn connect(&self, to: &Target) -> impl Future<Output = Result<Link>> + Send;

    /// Ends what the connector keeps running between dials, such as a program; called once, when
    /// nothing will be dialled any more. Most keep nothing.
    ///
    /// *Cancel safety*: what was to end, ends when the connector is dropped.
    fn close(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// The accepting side of a transport.
pub trait Listener: fmt::Debug + Send + 'static {
    /// What is left to do for an accepted peer; run by the caller in its own task with a deadline.
    type Handshake: Future<Output = Result<Link>> + Send + 'static;

    /// Takes the next peer. Cheap; never waits for what a peer sends.
    ///
    /// *Cancel safety*: must be safe; a peer is not lost when the future is dropped.
    ///
    /// # Errors
    /// The system refuses for now (no descriptors left, say); the caller waits and tries again.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Handshake, SocketAddr)>> + Send;

    /// The bound address, with the port that the system chose for port 0.
    ///
    /// # Errors
    /// The system does not tell.
    fn local_addr(&self) -> io::Result<SocketAddr>;

    /// Ends what the listener keeps running besides its socket; called once, when nothing will be
    /// accepted any more. Most keep nothing.
    ///
    /// *Cancel safety*: what was to end, ends when the listener is dropped.
    fn close(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_print_as_they_are_dialled() {
        assert_eq!(Target::new("example.com", 7).to_string(), "example.com:7");
        assert_eq!(Target::new("::1", 7).to_string(), "[::1]:7");
        assert_eq!(Target::new("[::1]", 7).to_string(), "[::1]:7");
    }
}
