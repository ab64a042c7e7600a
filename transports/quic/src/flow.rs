//! Datagrams beside streams: whose a received one is, and how many may wait (RFC 9221).
//!
//! A datagram begins with the id of its stream, as those of HTTP/3 do (RFC 9297, section 2.1): both
//! ends know the stream by it, so nothing has to be agreed on.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    fmt,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::{BufMut, Bytes, BytesMut};
use culvert_io::Datagrams;
use parking_lot::Mutex;
use quinn::{Connection, VarInt};
use quinn_proto::coding::Codec;

/// Received datagrams that may wait for the reader of one stream: a burst of 64, as systems deliver
/// them together, four times over. Their bytes are at most those of as many packets.
const INBOX: usize = 256;

/// The streams of a session that have datagrams beside them, by their ids.
#[derive(Default)]
pub(crate) struct Flows(Mutex<State>);

#[derive(Default)]
struct State {
    open: HashMap<u64, Arc<Inbox>>,
    over: bool,
}

impl Flows {
    /// Hands out what `conn` receives, until it is closed. What is for no stream is dropped.
    pub(crate) async fn hand_out(self: Arc<Self>, conn: Connection) {
        while let Ok(mut datagram) = conn.read_datagram().await {
            if let Ok(id) = VarInt::decode(&mut datagram) {
                let inbox = self.0.lock().open.get(&id.into_inner()).cloned();
                if let Some(inbox) = inbox {
                    inbox.put(datagram);
                }
            }
            // A flood must not keep the thread.
            tokio::task::consume_budget().await;
        }
        let open = {
            let mut state = self.0.lock();
            state.over = true;
            std::mem::take(&mut state.open)
        };
        for inbox in open.into_values() {
            inbox.close();
        }
    }
}

impl fmt::Debug for Flows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.0.lock().open.len();
        f.debug_struct("Flows").field("open", &open).finish()
    }
}

/// What has arrived for one stream.
#[derive(Default)]
struct Inbox(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    datagrams: VecDeque<Bytes>,
    reader: Option<Waker>,
    over: bool,
}

impl Inbox {
    /// Adds the newest one, in place of the oldest if there are too many.
    fn put(&self, datagram: Bytes) {
        let reader = {
            let mut waiting = self.0.lock();
            if waiting.datagrams.len() >= INBOX {
                waiting.datagrams.pop_front();
            }
            waiting.datagrams.push_back(datagram);
            waiting.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn poll_take(&self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        let mut waiting = self.0.lock();
        if let Some(datagram) = waiting.datagrams.pop_front() {
            return Poll::Ready(Some(datagram));
        }
        if waiting.over {
            return Poll::Ready(None);
        }
        match &mut waiting.reader {
            Some(reader) => reader.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    fn close(&self) {
        let reader = {
            let mut waiting = self.0.lock();
            waiting.over = true;
            waiting.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

/// The datagrams of one stream.
pub(crate) struct Flow {
    id: u64,
    /// The id as it stands in front of each datagram.
    prefix: Bytes,
    conn: Connection,
    flows: Arc<Flows>,
    inbox: Arc<Inbox>,
}

impl Flow {
    /// The datagrams of the stream `id`, unless it has some already or the peer wants none.
    pub(crate) fn open(id: VarInt, conn: &Connection, flows: &Arc<Flows>) -> Option<Self> {
        // Nothing when either side has not said in the handshake that it takes them.
        conn.max_datagram_size()?;
        let mut prefix = BytesMut::with_capacity(size_of::<u64>());
        id.encode(&mut prefix);
        let id = id.into_inner();
        let inbox = Arc::<Inbox>::default();
        {
            let mut state = flows.0.lock();
            if state.over {
                return None;
            }
            match state.open.entry(id) {
                Entry::Occupied(_) => return None,
                Entry::Vacant(place) => place.insert(Arc::clone(&inbox)),
            };
        }
        Some(Self {
            id,
            prefix: prefix.freeze(),
            conn: conn.clone(),
            flows: Arc::clone(flows),
            inbox,
        })
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.flows.0.lock().open.remove(&self.id);
    }
}

impl Datagrams for Flow {
    fn max_size(&self) -> usize {
        let largest = self.conn.max_datagram_size().unwrap_or_default();
        largest.saturating_sub(self.prefix.len())
    }

    fn send(&self, head: &[u8], body: &[u8]) -> bool {
        let len = self.prefix.len() + head.len() + body.len();
        let mut datagram = BytesMut::with_capacity(len);
        datagram.put_slice(&self.prefix);
        datagram.put_slice(head);
        datagram.put_slice(body);
        self.conn.send_datagram(datagram.freeze()).is_ok()
    }

    fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.inbox.poll_take(cx)
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_reads_is_bounded_and_the_oldest_are_dropped() {
        let inbox = Inbox::default();
        for i in 0..1000_u16 {
            inbox.put(Bytes::copy_from_slice(&i.to_be_bytes()));
        }
        inbox.close();
        let cx = Context::from_waker(Waker::noop());
        let mut got = Vec::new();
        while let Poll::Ready(Some(number)) = inbox.poll_take(&cx) {
            got.push(u16::from_be_bytes(number.as_ref().try_into().unwrap()));
        }
        assert_eq!(got, (744..1000).collect::<Vec<_>>());
        assert_eq!(inbox.poll_take(&cx), Poll::Ready(None));
    }
}
