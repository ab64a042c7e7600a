use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

fn peer() -> Peer {
    let addr = "192.0.2.1:7000".parse().unwrap();
    let local = "192.0.2.2:40000".parse().unwrap();
    Peer::new(addr, local, "tcp")
}

/// Takes vectored writes and panics on any other.
struct OnlyVectored {
    written: Vec<u8>,
    vectored: bool,
}

impl AsyncRead for OnlyVectored {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for OnlyVectored {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        panic!("a vectored write was taken apart");
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let before = self.written.len();
        for buf in bufs {
            self.written.extend_from_slice(buf);
        }
        Poll::Ready(Ok(self.written.len() - before))
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl ChunkIo for OnlyVectored {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        Poll::Ready(Ok(None))
    }

    fn poll_room(&mut self, _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(1))
    }

    fn submit(&mut self, _: Buffer, _: usize) -> io::Result<()> {
        Ok(())
    }
}

fn mock(vectored: bool) -> OnlyVectored {
    OnlyVectored {
        written: Vec::new(),
        vectored,
    }
}

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(listener.accept(), TcpStream::connect(addr));
    (near.unwrap().0, far.unwrap())
}

#[tokio::test]
async fn bytes_put_back_are_read_first_and_in_order() {
    let (near, mut far) = tokio::io::duplex(64);
    far.write_all(b" four").await.unwrap();
    drop(far);
    let mut stream = Stream::new(near, peer())
        .rewind(Bytes::from_static(b"two three"))
        .rewind(Bytes::from_static(b"one "));
    let mut got = [0; 2];
    stream.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"on");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "e two three four");
}

#[tokio::test]
async fn putting_nothing_back_changes_nothing() {
    let (near, _far) = tokio::io::duplex(64);
    let stream = Stream::new(near, peer())
        .rewind(Bytes::from_static(b"x"))
        .rewind(Bytes::new());
    assert_eq!(stream.prefix, b"x"[..]);
}

#[tokio::test]
async fn vectored_writes_stay_vectored() {
    for vectored in [true, false] {
        let streams = [
            Stream::new(mock(vectored), peer()),
            Stream::chunks(mock(vectored), peer()),
            Stream::new(mock(vectored), peer()).map(|inner| inner),
        ];
        for mut stream in streams {
            assert_eq!(stream.is_write_vectored(), vectored);
            let bufs = [io::IoSlice::new(b"head"), io::IoSlice::new(b"payload")];
            assert_eq!(stream.write_vectored(&bufs).await.unwrap(), 11);
        }
    }
}

#[tokio::test]
async fn a_bare_socket_comes_back_out_with_what_was_read_ahead() {
    let (near, mut far) = tcp_pair().await;
    let stream = Stream::tcp(near, peer()).rewind(Bytes::from_static(b"seen"));
    let raw = stream.into_raw_tcp().unwrap();
    assert_eq!(raw.prefix, b"seen"[..]);
    assert_eq!(raw.peer, peer());
    far.write_all(b" new").await.unwrap();
    let mut got = [0; 8];
    Stream::from(raw).read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"seen new");
}

#[tokio::test]
async fn a_wrapped_stream_keeps_its_peer_and_gives_no_socket() {
    let (near, _far) = tcp_pair().await;
    let wrapped = Stream::tcp(near, peer())
        .rewind(Bytes::from_static(b"seen"))
        .map(|inner| inner);
    assert_eq!(wrapped.peer(), &peer());
    let mut wrapped = wrapped.into_raw_tcp().unwrap_err();
    let mut got = [0; 4];
    wrapped.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"seen");
}

#[test]
fn a_socket_moves_to_another_lane() {
    let lanes = crate::Lanes::start(2).unwrap();
    let [first, second] = lanes.handles() else {
        panic!("two lanes were asked for");
    };
    let (near, mut far) = first.block_on(tcp_pair());
    let stream = Stream::tcp(near, peer()).rewind(Bytes::from_static(b"a"));
    let mut stream = second.block_on(async { stream.adopt() }).unwrap();
    // The first lane, and its event queue, is busy: nothing can come through it.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    first.block_on(far.write_all(b"b")).unwrap();
    crate::Scope::root(first.clone()).spawn(async move {
        wait.recv().ok();
    });
    let mut got = [0; 2];
    second.block_on(stream.read_exact(&mut got)).unwrap();
    assert_eq!(&got, b"ab");
    drop(go);
    assert_eq!(lanes.shutdown(std::time::Duration::from_secs(10)), 0);
}

#[tokio::test]
async fn the_carrier_is_printed_and_no_bytes_are() {
    let (near, _far) = tokio::io::duplex(64);
    let stream = Stream::new(near, peer()).rewind(Bytes::from_static(b"secret"));
    let printed = format!("{stream:?}");
    assert!(printed.contains("other") && printed.contains("192.0.2.1:7000"));
    assert!(!printed.contains("secret"));
}
