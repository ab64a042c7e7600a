//! The services behind a tunnel, on a thread of their own.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    thread,
};

use culvert_kit::{Error, Namespace, Result, Service, udp_echo, web};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Builder,
    sync::oneshot,
};

use crate::load::{ARRIVED, ECHO, SINK, SOURCE, Target};

/// One read or write, as at the users' end.
const CHUNK: usize = 256 * 1024;

/// The page of the web service; about what a small answer of an API has.
const PAGE: &str = "hello, tunnel. hello, tunnel. hello, tunnel. hello, tunnel. \
                    hello, tunnel. hello, tunnel. hello, tunnel. hello, tunnel. ";

/// Running services, which end when this is dropped.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) at: Target,
    _stop: oneshot::Sender<()>,
}

impl Services {
    /// Starts them on ports of their own, in the network `within` or in ours.
    ///
    /// # Errors
    /// When the system gives no ports or no thread.
    pub(crate) async fn start(within: Option<Arc<Namespace>>) -> Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let work = move || match within {
            Some(network) => {
                let served = network.inside(|| serve(tell, stopped));
                drop(served); // whoever waits for the addresses learns of it
            }
            None => drop(serve(tell, stopped)),
        };
        let thread = thread::Builder::new().name("services".to_owned());
        thread.spawn(work).map_err(Error::io("start a thread"))?;
        let at = told.await;
        let at = at.map_err(|_| Error::wrong("the services behind the tunnel do not start"))?;
        Ok(Self { at, _stop: stop })
    }
}

/// Tells the addresses and serves until `stopped`.
fn serve(tell: oneshot::Sender<Target>, stopped: oneshot::Receiver<()>) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let served: Result = runtime.block_on(async {
        let (tcp, udp) = (Service::tcp(answer).await?, udp_echo().await?);
        let http = web(PAGE).await?;
        let at = Target {
            tcp: tcp.addr(),
            udp: udp.addr(),
            http: http.addr(),
        };
        if tell.send(at).is_ok() {
            drop(stopped.await); // an error means that the other end is gone
        }
        Ok(())
    });
    served.map_err(io::Error::other)
}

/// Serves one connection as its first byte demands, until it ends.
async fn answer(mut socket: TcpStream) {
    let mut kind = [0];
    let ready = socket.set_nodelay(true).is_ok() && socket.read_exact(&mut kind).await.is_ok();
    if !ready {
        return;
    }
    match kind {
        [ECHO] => echo(socket).await,
        [SINK] => {
            let mut chunk = vec![0; CHUNK];
            while let Ok(got @ 1..) = socket.read(&mut chunk).await {
                ARRIVED.fetch_add(got as u64, Ordering::Relaxed);
            }
        }
        [SOURCE] => {
            let chunk = vec![0; CHUNK];
            while socket.write(&chunk).await.is_ok_and(|n| n > 0) {}
        }
        _ => {}
    }
}

async fn echo(mut socket: TcpStream) {
    let mut piece = vec![0; 4096];
    while let Ok(got @ 1..) = socket.read(&mut piece).await {
        let back = piece.get(..got).unwrap_or_default();
        if socket.write_all(back).await.is_err() {
            break;
        }
    }
}
