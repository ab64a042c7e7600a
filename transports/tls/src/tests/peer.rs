//! rustls' buffered connection in memory as a peer, and what can be made of its keys.

use rustls::{Connection, ContentType};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::protection::{HEADER, Protection, TRAILER};

/// What `conn` has to say.
pub(crate) fn said(conn: &mut Connection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while conn.wants_write() {
        conn.write_tls(&mut bytes).unwrap();
    }
    bytes
}

/// Takes what has come from `far`, or waits for it.
pub(crate) async fn take(conn: &mut Connection, far: &mut DuplexStream) {
    let mut bytes = vec![0; 1 << 16];
    let n = far.read(&mut bytes).await.unwrap();
    let mut bytes = &bytes[..n];
    while !bytes.is_empty() {
        conn.read_tls(&mut bytes).unwrap();
        conn.process_new_packets().unwrap();
    }
}

/// Does the handshake up to the last flight of a client, which is the answer.
pub(crate) async fn shake(conn: &mut Connection, far: &mut DuplexStream) -> Vec<u8> {
    while conn.is_handshaking() {
        let bytes = said(conn);
        far.write_all(&bytes).await.unwrap();
        take(conn, far).await;
    }
    said(conn)
}

/// A peer that can send any record after a handshake.
pub(crate) struct Handmade {
    pub(crate) far: DuplexStream,
    sealing: Protection,
    opening: Protection,
}

impl Handmade {
    /// Goes on after the handshake of `conn`.
    pub(crate) fn new(conn: Connection, far: DuplexStream) -> Self {
        let secrets = conn.dangerous_extract_secrets().unwrap();
        Self {
            far,
            sealing: Protection::new(secrets.tx).unwrap(),
            opening: Protection::new(secrets.rx).unwrap(),
        }
    }

    /// A record with any type and any content.
    pub(crate) fn record(&mut self, kind: u8, plain: &[u8]) -> Vec<u8> {
        let mut record = [&[0; HEADER][..], plain, &[0; TRAILER]].concat();
        self.sealing.seal(kind.into(), &mut record).unwrap();
        record
    }

    pub(crate) async fn give(&mut self, kind: u8, plain: &[u8]) {
        let record = self.record(kind, plain);
        self.far.write_all(&record).await.unwrap();
    }

    /// The next record that comes, opened; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<(ContentType, Vec<u8>)> {
        let mut record = vec![0; HEADER];
        self.far.read_exact(&mut record).await.ok()?;
        let len = usize::from(u16::from_be_bytes([record[3], record[4]]));
        record.resize(HEADER + len, 0);
        self.far.read_exact(&mut record[HEADER..]).await.unwrap();
        let (kind, len) = self.opening.open(&mut record, 0).unwrap();
        record.truncate(len);
        Some((kind, record))
    }
}
