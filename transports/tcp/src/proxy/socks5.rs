//! SOCKS5 (RFC 1928) with a user and a password (RFC 1929).

use std::net::IpAddr;

use culvert_io::Stream;
use culvert_transport::Target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Credentials;
use crate::ProxyError;

/// RFC 1928, section 3.
const VERSION: u8 = 5;
const NO_AUTH: u8 = 0;
const PASSWORD: u8 = 2;
/// RFC 1929, section 2.
const AUTH_VERSION: u8 = 1;
/// RFC 1928, sections 4 and 5.
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Asks for a connection to `to`; a name is passed on as a name.
pub(super) async fn connect(
    mut stream: Stream,
    to: &Target,
    credentials: Option<&Credentials>,
) -> Result<Stream, ProxyError> {
    let request = request(to)?;
    let login = credentials.map(login).transpose()?;
    let methods: &[u8] = match login {
        Some(_) => &[VERSION, 2, NO_AUTH, PASSWORD],
        None => &[VERSION, 1, NO_AUTH],
    };
    send(&mut stream, methods).await?;
    let [version, method] = receive(&mut stream).await?;
    if version != VERSION {
        return Err(ProxyError::Malformed("socks5"));
    }
    match (method, login) {
        (NO_AUTH, _) => {}
        (PASSWORD, Some(login)) => {
            send(&mut stream, &login).await?;
            let [_version, status] = receive(&mut stream).await?;
            if status != 0 {
                return Err(ProxyError::Credentials);
            }
        }
        _ => return Err(ProxyError::Credentials),
    }
    send(&mut stream, &request).await?;
    let [version, reply, _reserved, kind] = receive(&mut stream).await?;
    if version != VERSION {
        return Err(ProxyError::Malformed("socks5"));
    }
    if reply != 0 {
        return Err(ProxyError::Reply(meaning(reply)));
    }
    // Where the proxy dials from; nobody needs it.
    match kind {
        IPV4 => drop(receive::<6>(&mut stream).await?),
        IPV6 => drop(receive::<18>(&mut stream).await?),
        NAME => {
            let [len] = receive(&mut stream).await?;
            let mut rest = vec![0; usize::from(len) + 2];
            stream.read_exact(&mut rest).await?;
        }
        _ => return Err(ProxyError::Malformed("socks5")),
    }
    Ok(stream)
}

async fn send(stream: &mut Stream, bytes: &[u8]) -> Result<(), ProxyError> {
    stream.write_all(bytes).await?;
    Ok(stream.flush().await?)
}

async fn receive<const N: usize>(stream: &mut Stream) -> Result<[u8; N], ProxyError> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

fn request(to: &Target) -> Result<Vec<u8>, ProxyError> {
    let mut bytes = vec![VERSION, CONNECT, 0];
    match to.host.parse() {
        Ok(IpAddr::V4(ip)) => {
            bytes.push(IPV4);
            bytes.extend(ip.octets());
        }
        Ok(IpAddr::V6(ip)) => {
            bytes.push(IPV6);
            bytes.extend(ip.octets());
        }
        Err(_) => {
            let len = u8::try_from(to.host.len()).map_err(|_long| ProxyError::Name)?;
            bytes.extend([NAME, len]);
            bytes.extend(to.host.as_bytes());
        }
    }
    bytes.extend(to.port.to_be_bytes());
    Ok(bytes)
}

fn login(credentials: &Credentials) -> Result<Vec<u8>, ProxyError> {
    let mut bytes = vec![AUTH_VERSION];
    for text in [&credentials.user, &credentials.password] {
        bytes.push(u8::try_from(text.len()).map_err(|_long| ProxyError::TooLong)?);
        bytes.extend(text.as_bytes());
    }
    Ok(bytes)
}

/// RFC 1928, section 6.
const fn meaning(reply: u8) -> &'static str {
    match reply {
        1 => "general failure",
        2 => "its rules do not allow it",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "it does not know CONNECT",
        8 => "it does not know this kind of address",
        _ => "unknown reason",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names() {
        let bytes = |host: &str| request(&Target::new(host, 0x1b58)).unwrap();
        assert_eq!(bytes("1.2.3.4"), [5, 1, 0, 1, 1, 2, 3, 4, 0x1b, 0x58]);
        assert_eq!(bytes("ab.c"), *b"\x05\x01\x00\x03\x04ab.c\x1b\x58");
        let v6 = bytes("::1");
        assert_eq!((v6[3], v6.len(), v6[19]), (4, 22, 1));
        let long = Target::new(&"a".repeat(256), 1);
        assert!(matches!(request(&long), Err(ProxyError::Name)));
    }
}
