//! Asking name servers ourselves: the one of `dnsServer` for addresses (protocol 2.7), that one or
//! the system's for services.

pub mod hosts;
pub mod message;
mod order;
mod reader;
pub mod system;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};

pub(crate) use message::Service;
use message::{Answer, Kind, Query, Record};
pub(crate) use order::in_order;

/// How long each try of a query over UDP waits; a lost datagram must not use up the dial timeout.
const TRIES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(3),
];
/// How long an answer over TCP may take.
const OVER_TCP: Duration = Duration::from_secs(5);
/// The most bytes of an answer over UDP without extensions (RFC 1035, section 2.3.4), with room
/// for servers that do not mind.
const DATAGRAM: usize = 4096;

/// The addresses of `name`, IPv4 first; none is no error. `server` is `host:port`, its host asked
/// from the system if it is a name.
///
/// *Cancel safety*: safe.
///
/// # Errors
/// The name is none, or the server does not answer or refuses.
pub(crate) async fn lookup(name: &str, server: &str) -> io::Result<Vec<IpAddr>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let known = hosts::lookup(&hosts::read(), name);
    if !known.is_empty() {
        return Ok(known);
    }
    // RFC 6761, section 6.3: never ask a server for it.
    if name.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let server = address(server).await?;
    let addresses = async |kind| {
        let found = ask(name, kind, server).await?;
        let address = |record| match record {
            Record::Address(address) => Some(address),
            Record::Service(_) => None,
        };
        Ok(found.into_iter().filter_map(address).collect::<Vec<_>>())
    };
    match tokio::join!(addresses(Kind::A), addresses(Kind::Aaaa)) {
        (Ok(v4), Ok(v6)) => Ok([v4, v6].concat()),
        (Ok(some), Err(err)) | (Err(err), Ok(some)) if some.is_empty() => Err(err),
        (Ok(some), Err(_)) | (Err(_), Ok(some)) => Ok(some),
        (Err(err), Err(_)) => Err(err),
    }
}

/// The services at `name`; none is no error. Without a `server`, those of the system are asked, one
/// after the other until one answers.
///
/// *Cancel safety*: safe.
///
/// # Errors
/// The name is none, no server is known, or none answers.
pub(crate) async fn services(name: &str, server: Option<&str>) -> io::Result<Vec<Service>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let servers = match server {
        Some(server) => vec![address(server).await?],
        None => system::servers()?,
    };
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    for server in servers {
        match ask(name, Kind::Srv, server).await {
            Ok(found) => {
                let service = |record| match record {
                    Record::Service(service) => Some(service),
                    Record::Address(_) => None,
                };
                return Ok(found.into_iter().filter_map(service).collect());
            }
            Err(err) => failed = err,
        }
    }
    Err(failed)
}

/// The address of a name server, `host:port`.
async fn address(server: &str) -> io::Result<SocketAddr> {
    match server.parse() {
        Ok(address) => Ok(address),
        Err(_) => Ok(tokio::net::lookup_host(server)
            .await?
            .next()
            .ok_or(io::ErrorKind::NotFound)?),
    }
}

async fn ask(name: &str, kind: Kind, server: SocketAddr) -> io::Result<Vec<Record>> {
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    let query = Query::new(u16::from_be_bytes(id), name, kind)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a host name"))?;
    let mut failed = io::Error::from(io::ErrorKind::TimedOut);
    for wait in TRIES {
        match tokio::time::timeout(wait, over_udp(&query, server)).await {
            Ok(Ok(Answer::Truncated)) => {
                return tokio::time::timeout(OVER_TCP, over_tcp(&query, server)).await?;
            }
            Ok(Ok(Answer::Found(found))) => return Ok(found),
            Ok(Ok(Answer::Refused(why))) => return Err(io::Error::other(why)),
            Ok(Err(err)) => {
                failed = err;
                break;
            }
            Err(_elapsed) => {}
        }
    }
    Err(failed)
}

/// One try. The system chooses a port at random, and only datagrams from the server get in; what
/// does not answer this query is not for us.
async fn over_udp(query: &Query, server: SocketAddr) -> io::Result<Answer> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(query.bytes()).await?;
    let mut room = vec![0; DATAGRAM];
    loop {
        let n = socket.recv(&mut room).await?;
        if let Some(answer) = query.answer(room.get(..n).unwrap_or_default()) {
            return Ok(answer);
        }
    }
}

/// For answers that are too long for UDP (RFC 1035, section 4.2.2).
async fn over_tcp(query: &Query, server: SocketAddr) -> io::Result<Vec<Record>> {
    let mut stream = TcpStream::connect(server).await?;
    let len = u16::try_from(query.bytes().len()).map_err(io::Error::other)?;
    stream
        .write_all(&[&len.to_be_bytes(), query.bytes()].concat())
        .await?;
    let len = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(len)];
    stream.read_exact(&mut answer).await?;
    match query.answer(&answer) {
        Some(Answer::Found(found)) => Ok(found),
        Some(Answer::Refused(why)) => Err(io::Error::other(why)),
        Some(Answer::Truncated) | None => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests;
