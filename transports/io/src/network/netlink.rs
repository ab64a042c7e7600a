//! Changes of addresses, links and routes as Linux tells them (rtnetlink(7)).

use std::{io, os::unix::net::UnixDatagram as Datagrams};

use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind, netlink::SocketAddrNetlink, socket_with,
};
use tokio::net::UnixDatagram;

/// Links, addresses and routes of both families: RTMGRP_LINK, RTMGRP_IPV4_IFADDR,
/// RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE (linux/rtnetlink.h).
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// Room for one message. What they say is not read, so the rest of a longer one is no loss.
const MESSAGE: usize = 512;

/// Messages that are taken away in one turn: a flood of them must not keep the thread.
const TURN: usize = 1024;

/// What the system tells of changes.
///
/// To those who only wait and receive, a netlink socket is a socket for datagrams like any other;
/// the type for local ones knows no address that it would mistake.
#[derive(Debug)]
pub(super) struct Notices(UnixDatagram);

impl Notices {
    /// Asks the system for them; must be called on a runtime.
    ///
    /// # Errors
    /// The system does not allow it.
    pub(super) fn subscribe() -> io::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        // Without a protocol, netlink is rtnetlink: its number is zero.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        Ok(Self(UnixDatagram::from_std(Datagrams::from(socket))?))
    }

    /// Waits for a notice.
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// The socket failed.
    pub(super) async fn next(&self) -> io::Result<()> {
        lost(self.0.recv(&mut [0; MESSAGE]).await)
    }

    /// Takes away what waits.
    pub(super) fn forget(&self) {
        for _ in 0..TURN {
            if lost(self.0.try_recv(&mut [0; MESSAGE])).is_err() {
                break;
            }
        }
    }
}

/// Where some notices were lost, there were some.
fn lost(received: io::Result<usize>) -> io::Result<()> {
    let overrun = rustix::io::Errno::NOBUFS.raw_os_error();
    match received {
        Err(err) if err.raw_os_error() != Some(overrun) => Err(err),
        _ => Ok(()),
    }
}
