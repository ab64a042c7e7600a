//! Sending datagrams to where the other peer may be until some get through (protocol 6.4).

use std::{
    collections::BTreeSet,
    future::poll_fn,
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket as StdSocket},
    task::{Context, Poll},
    time::Duration,
};

use culvert_nathole::{Role, hello, new_id};
use culvert_wire::{Key, WireError, msg::NatHoleSid};
use tokio::{
    io::ReadBuf,
    net::UdpSocket,
    time::{sleep, timeout},
};

use super::orders::Orders;
use crate::visiting::unix_now;

/// Between packets to the ports of a range (protocol 6.4).
const RANGE_PAUSE: Duration = Duration::from_millis(2);
/// Between packets to random ports (protocol 6.4).
const RANDOM_PAUSE: Duration = Duration::from_millis(15);
/// When addresses that are known are sent to again, in case a packet was lost. upstream:
/// pkg/nathole/nathole.go sends once.
const AGAIN: Duration = Duration::from_millis(700);
/// Copies of an answer: the peer stops sending when it has one, and we stop listening after it.
const ANSWERS: usize = 3;
/// Random ports are above those of the system (protocol 6.4).
const RANDOM: std::ops::RangeInclusive<u16> = 1024..=65_534;
/// Longer datagrams are no such messages; the rest of one is cut off.
const LONGEST: usize = 1500;
/// Errors of a socket in a row, after which it is of no use; some systems report there that earlier
/// datagrams found nobody.
const ERRORS: usize = 10_000;

/// The two did not meet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PunchError {
    #[error("wait detect message timeout")]
    Timeout,
    #[error("encode sid message error: {0}")]
    Encode(#[from] WireError),
    #[error("wait detect message error: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Id(#[from] culvert_nathole::IdError),
}

/// Meets the other peer: the socket on which that worked, and where the peer is.
///
/// *Cancel safety*: the sockets are closed.
///
/// # Errors
/// Nothing came through in time.
pub(crate) async fn punch(
    socket: UdpSocket,
    orders: &Orders,
    key: &Key,
) -> Result<(StdSocket, SocketAddr), PunchError> {
    let mut sockets = vec![socket];
    for _ in 0..orders.listen_ports {
        sockets.push(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?);
    }
    let id = new_id(unix_now())?;
    let punching = Punching {
        sockets: &sockets,
        orders,
        key,
        id: &id,
    };
    sleep(orders.delay).await;
    let met = async {
        tokio::select! {
            met = punching.listen() => met,
            failed = punching.send() => failed.map(|never| match never {}),
        }
    };
    let met = timeout(orders.wait, met).await;
    let (index, peer) = met.map_err(|_elapsed| PunchError::Timeout)??;
    Ok((sockets.swap_remove(index).into_std()?, peer))
}

struct Punching<'a> {
    sockets: &'a [UdpSocket],
    orders: &'a Orders,
    key: &'a Key,
    id: &'a str,
}

impl Punching<'_> {
    /// Sends from every socket, to known addresses again and again.
    async fn send(&self) -> Result<std::convert::Infallible, PunchError> {
        self.to_known().await?;
        self.to_ranges().await?;
        tokio::select! {
            done = self.to_random() => done?,
            failed = self.repeat() => return failed,
        }
        self.repeat().await
    }

    async fn repeat(&self) -> Result<std::convert::Infallible, PunchError> {
        loop {
            sleep(AGAIN).await;
            self.to_known().await?;
        }
    }

    /// A receiver only opens its NAT, which its own network does not lie behind.
    async fn to_known(&self) -> Result<(), PunchError> {
        let Orders {
            role,
            candidates,
            assisted,
            ports,
            ..
        } = self.orders;
        let (candidates, assisted) = match role {
            Role::Sender => (candidates.as_slice(), assisted.as_slice()),
            Role::Receiver if ports.is_empty() => (candidates.as_slice(), [].as_slice()),
            Role::Receiver => ([].as_slice(), [].as_slice()),
        };
        for to in assisted.iter().chain(candidates) {
            self.question(*to).await?;
        }
        Ok(())
    }

    async fn to_ranges(&self) -> Result<(), PunchError> {
        for ip in self.hosts() {
            for port in self.orders.ports.iter().cloned().flatten() {
                self.question(SocketAddrV4::new(ip, port)).await?;
                sleep(RANGE_PAUSE).await;
            }
        }
        Ok(())
    }

    async fn to_random(&self) -> Result<(), PunchError> {
        let count = usize::from(self.orders.send_ports);
        for ip in self.hosts() {
            let mut tried = BTreeSet::new();
            while tried.len() < count {
                let port = u16::from_le_bytes(random()?);
                if !RANDOM.contains(&port) || !tried.insert(port) {
                    continue;
                }
                self.question(SocketAddrV4::new(ip, port)).await?;
                sleep(RANDOM_PAUSE).await;
            }
        }
        Ok(())
    }

    fn hosts(&self) -> BTreeSet<Ipv4Addr> {
        self.orders.candidates.iter().map(|one| *one.ip()).collect()
    }

    /// Sends a question from every socket.
    async fn question(&self, to: SocketAddrV4) -> Result<(), PunchError> {
        let [length] = random()?;
        let question = hello::question(&self.orders.sid, self.id, length);
        let datagram = hello::seal(question, self.key)?;
        for socket in self.sockets {
            send(socket, &datagram, to.into(), self.orders.ttl).await;
        }
        Ok(())
    }

    /// Waits for the other peer, on every socket.
    async fn listen(&self) -> Result<(usize, SocketAddr), PunchError> {
        let mut buffer = [0; LONGEST];
        let mut errors = 0;
        loop {
            let received = poll_fn(|cx| receive(self.sockets, &mut buffer, cx)).await;
            let (index, length, from) = match received {
                Ok(received) => received,
                Err(error) if errors >= ERRORS => return Err(error.into()),
                Err(_) => {
                    errors += 1;
                    continue;
                }
            };
            tokio::task::consume_budget().await;
            let datagram = buffer.get(..length).unwrap_or_default();
            let said = hello::open(datagram, self.key).filter(|one| one.sid == self.orders.sid);
            match (self.orders.role, said) {
                (Role::Receiver, Some(said)) if !said.response => {
                    self.answer(index, said, from).await?;
                    return Ok((index, from));
                }
                (Role::Sender, Some(said)) if said.response => return Ok((index, from)),
                _ => {}
            }
        }
    }

    async fn answer(
        &self,
        index: usize,
        question: NatHoleSid,
        to: SocketAddr,
    ) -> Result<(), PunchError> {
        let answer = NatHoleSid {
            response: true,
            ..question
        };
        let datagram = hello::seal(answer, self.key)?;
        if let Some(socket) = self.sockets.get(index) {
            for _ in 0..ANSWERS {
                send(socket, &datagram, to, None).await;
            }
        }
        Ok(())
    }
}

/// Sends one datagram; one that the system refuses is lost like one on the way.
async fn send(socket: &UdpSocket, datagram: &[u8], to: SocketAddr, ttl: Option<u8>) {
    if socket.writable().await.is_err() {
        return;
    }
    let usual = ttl.and_then(|ttl| {
        let usual = socket.ttl().ok()?;
        socket.set_ttl(ttl.into()).ok().map(|()| usual)
    });
    if let Err(error) = socket.try_send_to(datagram, to) {
        tracing::debug!("send sid message to {to} error: {error}");
    }
    // Answers of ours must arrive.
    if let Some(usual) = usual
        && let Err(error) = socket.set_ttl(usual)
    {
        tracing::warn!("set ttl error {error}");
    }
}

/// The next datagram of any socket.
fn receive(
    sockets: &[UdpSocket],
    buffer: &mut [u8],
    cx: &mut Context<'_>,
) -> Poll<io::Result<(usize, usize, SocketAddr)>> {
    for (index, socket) in sockets.iter().enumerate() {
        let mut datagram = ReadBuf::new(buffer);
        match socket.poll_recv_from(cx, &mut datagram) {
            Poll::Ready(Ok(from)) => {
                return Poll::Ready(Ok((index, datagram.filled().len(), from)));
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => {}
        }
    }
    Poll::Pending
}

fn random<const N: usize>() -> Result<[u8; N], PunchError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(WireError::Random)?;
    Ok(bytes)
}
