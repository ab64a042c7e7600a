//! What was seen on the way to a server, before anybody says what it means.

use std::{net::IpAddr, time::Duration};

use culvert_transports::Certificate;

use super::{greeting::Greeting, way::Way};
use crate::Cause;

/// Everything that was seen of one server.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Its name or address, and its port, as configured.
    pub(super) host: String,
    pub(super) port: u16,
    /// Whether its certificate is compared with an authority.
    pub(super) verified: bool,
    /// Our clock, in seconds since 1970.
    pub(super) now: i64,
    /// The addresses of the name, and how long they took.
    pub(super) lookup: Result<(Vec<IpAddr>, Duration), Cause>,
    /// How long a bare connection took, on the way that the file wants.
    pub(super) connect: Result<Duration, Cause>,
    /// The handshake of TLS on it.
    pub(super) handshake: Option<Handshake>,
    /// What the port says to somebody who does not speak frp; not asked where all is well.
    pub(super) greeting: Option<Greeting>,
    /// The time that a web server told, in seconds since 1970.
    pub(super) date: Option<i64>,
    /// Whether a handshake that stalls gets through in small packets.
    pub(super) small_passes: Option<bool>,
    /// What the UDP port says to a datagram that means nothing.
    pub(super) udp: Udp,
    /// The ways that were tried.
    pub(super) trials: Vec<Trial>,
}

/// A handshake of TLS, done to look at it.
#[derive(Clone, Debug)]
pub(super) struct Handshake {
    /// How long it took.
    pub(super) outcome: Result<Duration, Cause>,
    /// How many bytes came.
    pub(super) received: u64,
    /// What the server showed.
    pub(super) certificate: Option<Certificate>,
}

/// What came back for a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Udp {
    /// The machine says that nobody listens.
    Refused,
    /// Nothing, which says nothing.
    Silent,
}

/// One way that was tried to its end: a login, and its end.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    pub(super) way: Way,
    pub(super) outcome: Result<Passed, Cause>,
    /// From the beginning to the end or the failure.
    pub(super) took: Duration,
}

/// A login that the server has accepted.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    /// Until the link stood, handshakes included.
    pub(super) connected: Duration,
    /// Until the login was answered.
    pub(super) logged_in: Duration,
    /// How long the server takes to answer a heartbeat.
    pub(super) round_trip: Option<Duration>,
    /// How packets of full size fare.
    pub(super) bulk: Bulk,
    /// The largest datagram that passes, where the transport finds out.
    pub(super) mtu: Option<u16>,
}

/// What became of more heartbeats at once than one packet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bulk {
    /// All were answered.
    Passed(Duration),
    /// Only so many were.
    Stalled(usize),
    /// The server answers no heartbeats.
    Unknown,
}
