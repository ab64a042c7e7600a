//! The messages of SOCKS5 as bytes (RFC 1928, RFC 1929).

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// The version in every message but the login's.
pub const VERSION: u8 = 5;
/// The version of a login (RFC 1929 2).
pub const LOGIN_VERSION: u8 = 1;
/// The method that asks for nothing (RFC 1928 3).
pub const NOTHING: u8 = 0;
/// The method of RFC 1929.
pub const PASSWORD: u8 = 2;
/// The answer when no method will do.
pub const NO_METHOD: u8 = 0xff;
/// The longest message: a login with two texts of 255 bytes.
pub const LONGEST: usize = 513;

const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Not a message of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong;

/// A message and its length, `None` while it is not complete.
pub type Parsed<T> = Result<Option<(T, usize)>, Wrong>;

/// The methods that a user offers.
#[derive(Debug, PartialEq, Eq)]
pub struct Methods(
    /// Their numbers.
    pub Vec<u8>,
);

/// A user's login.
pub struct Login {
    /// The name.
    pub user: Vec<u8>,
    /// The password.
    pub password: Vec<u8>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login [hidden]")
    }
}

/// What a user asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Ask {
    /// A connection to a host and port.
    Connect(String, u16),
    /// Something that we answer so.
    Refused(Reply),
}

/// Answers to an ask (RFC 1928 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is connected.
    Succeeded,
    /// Our own rules say no.
    NotAllowed,
    /// There is no way to the network.
    NetworkUnreachable,
    /// There is no way to the host.
    HostUnreachable,
    /// The host says no.
    Refused,
    /// We only connect.
    NoCommand,
    /// The kind of address is unknown.
    NoAddressType,
}

impl Reply {
    /// The answer for a dial that failed.
    #[must_use]
    pub fn of(err: &io::Error) -> Self {
        match err.kind() {
            io::ErrorKind::PermissionDenied => Self::NotAllowed,
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::NetworkUnreachable => Self::NetworkUnreachable,
            _ => Self::HostUnreachable,
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Succeeded => 0,
            Self::NotAllowed => 2,
            Self::NetworkUnreachable => 3,
            Self::HostUnreachable => 4,
            Self::Refused => 5,
            Self::NoCommand => 7,
            Self::NoAddressType => 8,
        }
    }
}

/// Takes bytes off the front; `None` when there are too few.
struct Reader<'a> {
    rest: &'a [u8],
    taken: usize,
}

impl<'a> Reader<'a> {
    const fn new(rest: &'a [u8]) -> Self {
        Self { rest, taken: 0 }
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        self.taken += n;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// Bytes behind their number.
    fn text(&mut self) -> Option<&'a [u8]> {
        let len = self.byte()?;
        self.take(usize::from(len))
    }
}

fn version_is(bytes: &[u8], version: u8) -> Result<(), Wrong> {
    match bytes.first() {
        Some(first) if *first != version => Err(Wrong),
        _ => Ok(()),
    }
}

/// The first message.
///
/// # Errors
/// It is none.
pub fn methods(bytes: &[u8]) -> Parsed<Methods> {
    version_is(bytes, VERSION)?;
    let mut reader = Reader::new(bytes);
    let methods = reader.byte().and_then(|_version| reader.text());
    Ok(methods.map(|methods| (Methods(methods.to_vec()), reader.taken)))
}

/// The login.
///
/// # Errors
/// It is none.
pub fn login(bytes: &[u8]) -> Parsed<Login> {
    version_is(bytes, LOGIN_VERSION)?;
    let mut reader = Reader::new(bytes);
    let mut both = || {
        reader.byte()?;
        let (user, password) = (reader.text()?.to_vec(), reader.text()?.to_vec());
        Some((Login { user, password }, reader.taken))
    };
    Ok(both())
}

/// The ask.
///
/// # Errors
/// It is none, or asks for a name that may not be looked up.
pub fn ask(bytes: &[u8]) -> Parsed<Ask> {
    version_is(bytes, VERSION)?;
    let mut reader = Reader::new(bytes);
    let Some([_version, command, _reserved, kind]) = reader.array() else {
        return Ok(None);
    };
    let Some(host) = host(&mut reader, kind)? else {
        if [IPV4, NAME, IPV6].contains(&kind) {
            return Ok(None);
        }
        return Ok(Some((Ask::Refused(Reply::NoAddressType), reader.taken)));
    };
    let Some(port) = reader.array() else {
        return Ok(None);
    };
    let ask = if command == CONNECT {
        Ask::Connect(host, u16::from_be_bytes(port))
    } else {
        Ask::Refused(Reply::NoCommand)
    };
    Ok(Some((ask, reader.taken)))
}

/// The host, `None` when it is not complete or of no kind that we know.
fn host(reader: &mut Reader<'_>, kind: u8) -> Result<Option<String>, Wrong> {
    Ok(match kind {
        IPV4 => reader.array::<4>().map(|ip| Ipv4Addr::from(ip).to_string()),
        IPV6 => reader
            .array::<16>()
            .map(|ip| Ipv6Addr::from(ip).to_string()),
        NAME => match reader.text() {
            Some(name) => Some(name_of(name).ok_or(Wrong)?),
            None => None,
        },
        _ => None,
    })
}

/// A name that may be looked up: printable ASCII without blanks.
fn name_of(name: &[u8]) -> Option<String> {
    let fine = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    let name = std::str::from_utf8(name).ok()?;
    fine.then(|| name.to_owned())
}

/// The answer to an ask.
#[must_use]
pub fn reply(reply: Reply, bound: SocketAddr) -> Vec<u8> {
    let mut out = vec![VERSION, reply.code(), 0];
    match bound.ip() {
        IpAddr::V4(ip) => {
            out.push(IPV4);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(IPV6);
            out.extend_from_slice(&ip.octets());
        }
    }
    out.extend_from_slice(&bound.port().to_be_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every beginning of a message asks for more, the whole is taken and no byte behind it.
    fn whole<T: PartialEq + fmt::Debug>(bytes: &[u8], parse: fn(&[u8]) -> Parsed<T>) -> T {
        for len in 0..bytes.len() {
            assert!(parse(&bytes[..len]).unwrap().is_none(), "{len}");
        }
        let mut more = bytes.to_vec();
        more.extend_from_slice(b"behind");
        let (message, len) = parse(&more).unwrap().unwrap();
        assert_eq!(len, bytes.len());
        message
    }

    #[test]
    fn messages() {
        assert_eq!(whole(b"\x05\x02\x00\x02", methods), Methods(vec![0, 2]));
        let login = |bytes: &[u8]| {
            let parsed = login(bytes)?;
            Ok(parsed.map(|(login, len)| ((login.user, login.password), len)))
        };
        let given = whole(b"\x01\x01a\x02bc", login);
        assert_eq!(given, (b"a".to_vec(), b"bc".to_vec()));
        let to = |host: &str| Ask::Connect(host.to_owned(), 80);
        assert_eq!(
            whole(b"\x05\x01\x00\x01\x7f\0\0\x01\0\x50", ask),
            to("127.0.0.1")
        );
        assert_eq!(whole(b"\x05\x01\x00\x03\x03web\0\x50", ask), to("web"));
        let six = b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x50";
        assert_eq!(whole(six, ask), to("::1"));
        let bind = whole(b"\x05\x02\x00\x01\x7f\0\0\x01\0\x50", ask);
        assert_eq!(bind, Ask::Refused(Reply::NoCommand));
        let odd = whole(b"\x05\x01\x00\x09", ask);
        assert_eq!(odd, Ask::Refused(Reply::NoAddressType));
    }

    #[test]
    fn what_is_none_is_refused() {
        assert_eq!(methods(b"\x04\x01").err(), Some(Wrong));
        assert_eq!(methods(b"GET / HTTP/1.1").err(), Some(Wrong));
        assert!(login(b"\x05\x01a").is_err());
        assert_eq!(ask(b"\x04").err(), Some(Wrong));
        for name in [
            &b"\x05\x01\0\x03\0\0\x50"[..],
            b"\x05\x01\0\x03\x02a\0\0\x50",
        ] {
            assert_eq!(ask(name).err(), Some(Wrong));
        }
    }

    #[test]
    fn replies() {
        let bound = "127.0.0.1:258".parse().unwrap();
        let bytes = reply(Reply::Succeeded, bound);
        assert_eq!(bytes, b"\x05\0\0\x01\x7f\0\0\x01\x01\x02");
        let bytes = reply(Reply::Refused, "[::1]:0".parse().unwrap());
        assert_eq!(bytes.len(), 22);
    }
}
