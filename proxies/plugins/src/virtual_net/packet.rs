//! Packets as bytes: how they stand in a stream, and whom they come from and go to.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest packet in a stream (protocol 8.3).
const LONGEST: usize = 1024 * 1024;

/// A packet behind its length.
#[must_use]
pub fn framed(packet: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(4 + packet.len());
    let len = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(packet);
    out.freeze()
}

/// Reads the next packet into `packet`; `false` at the end of the stream.
///
/// *Cancel safety*: bytes read so far are lost.
///
/// # Errors
/// The stream failed or ended inside a packet, or a length is 0 or above 1 MiB.
pub async fn read(stream: &mut (impl AsyncRead + Unpin), packet: &mut Vec<u8>) -> io::Result<bool> {
    let mut head = [0; 4];
    let mut first = stream.take(1);
    packet.clear();
    if first.read_to_end(packet).await? == 0 {
        return Ok(false);
    }
    let [first, rest @ ..] = &mut head;
    *first = packet.first().copied().unwrap_or_default();
    stream.read_exact(rest).await?;
    let len = usize::try_from(u32::from_le_bytes(head)).unwrap_or(usize::MAX);
    if len == 0 || len > LONGEST {
        let text = format!("a packet of {len} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    packet.clear();
    // Grows with what comes, not with what was announced.
    let mut body = stream.take(u64::try_from(len).unwrap_or_default());
    if body.read_to_end(packet).await? < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(true)
}

/// Whom an IP packet comes from and goes to (RFC 791 3.1, RFC 8200 3); `None` when it is none.
#[must_use]
pub fn addresses(packet: &[u8]) -> Option<(IpAddr, IpAddr)> {
    match packet.first()? >> 4 {
        4 => {
            let at = |start: usize| {
                let bytes: [u8; 4] = packet.get(start..start + 4)?.try_into().ok()?;
                Some(IpAddr::V4(Ipv4Addr::from(bytes)))
            };
            packet.get(..20)?;
            Some((at(12)?, at(16)?))
        }
        6 => {
            let at = |start: usize| {
                let bytes: [u8; 16] = packet.get(start..start + 16)?.try_into().ok()?;
                Some(IpAddr::V6(Ipv6Addr::from(bytes)))
            };
            Some((at(8)?, at(24)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(mut bytes: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        let (mut packets, mut packet) = (Vec::new(), Vec::new());
        while read(&mut bytes, &mut packet).await? {
            packets.push(packet.clone());
        }
        Ok(packets)
    }

    #[tokio::test]
    async fn packets_stand_behind_their_lengths() {
        assert_eq!(framed(b"abc"), &b"\x03\0\0\0abc"[..]);
        let bytes = [framed(b"a"), framed(&[7; 3000])].concat();
        assert_eq!(all(&bytes).await.unwrap(), [vec![b'a'], vec![7; 3000]]);
        assert!(all(b"").await.unwrap().is_empty());
        for bad in [
            &b"\0\0\0\0"[..],
            b"\x01\0\x10\0",
            b"\x03\0\0\0ab",
            b"\x03\0",
        ] {
            assert!(all(bad).await.is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses_of_both_versions() {
        let mut four = vec![0; 20];
        four[0] = 0x45;
        four[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        let (from, to) = addresses(&four).unwrap();
        assert_eq!(
            (from.to_string(), to.to_string()),
            ("10.0.0.1".into(), "10.0.0.2".into())
        );
        let mut six = vec![0; 40];
        six[0] = 0x60;
        six[23] = 1;
        six[39] = 2;
        let (from, to) = addresses(&six).unwrap();
        assert_eq!(
            (from.to_string(), to.to_string()),
            ("::1".into(), "::2".into())
        );
        for bad in [&four[..19], &six[..39], b"", &[0x50; 40]] {
            assert_eq!(addresses(bad), None);
        }
    }
}
