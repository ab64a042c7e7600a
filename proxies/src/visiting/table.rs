//! The server's half: which secret services there are, who may visit them, and the visit itself.

use std::{collections::HashMap, fmt, sync::Arc};

use culvert_io::{Meter, Relaying, Scope, Stream, relay};
use culvert_proxy::{LayerFlags, Lease, Opened, ProxyError, ServerCx, UserAddrs, layers};
use culvert_wire::{
    Codec, Key, ProxyName, Token,
    msg::{NewProxy, NewVisitorConn},
};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::sudp::bridge;

/// Visitors of one proxy that may wait for a work connection at a time: as many as users of a tcp
/// proxy. Each costs a stream and a small task for at most `userConnTimeout`.
const WAITING_VISITORS: usize = 4096;

/// What a visitor's connection has in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    /// Bytes.
    Bytes,
    /// Messages with datagrams, in the version of each side's session.
    Datagrams,
}

/// The secret services of a server that wait for visitors, by the proxy's name. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Visitors(Arc<Mutex<HashMap<ProxyName, Arc<Listener>>>>);

/// An open proxy as visitors find it.
struct Listener {
    secret: Token,
    key: Key,
    /// Users that may visit; `*` for any.
    allowed: Vec<String>,
    carries: Carries,
    cx: Arc<dyn ServerCx>,
    users: Scope,
    seats: Arc<Semaphore>,
}

impl Visitors {
    /// Opens a proxy of the kind called `kind` to visitors, until what is answered is dropped. The
    /// caller owns the proxy's name, so there is no other of that name.
    pub(crate) fn open(
        &self,
        (kind, carries): (&str, Carries),
        ask: &NewProxy,
        cx: Arc<dyn ServerCx>,
        scope: &Scope,
    ) -> Opened {
        let allowed = match &*ask.allow_users {
            // Only the owner's own (protocol 3.8).
            [] => vec![cx.user().to_owned()],
            some => some.to_vec(),
        };
        let secret = Token::new(&*ask.sk);
        let name = cx.name().clone();
        let listener = Listener {
            key: secret.key(),
            secret,
            allowed,
            carries,
            users: cx.users().child(scope.span().clone()),
            cx,
            seats: Arc::new(Semaphore::new(WAITING_VISITORS)),
        };
        self.0.lock().insert(name.clone(), Arc::new(listener));
        scope
            .span()
            .in_scope(|| tracing::info!("{kind} proxy custom listen success"));
        let table = Arc::clone(&self.0);
        let lease = Lease::new(move || {
            let closed = table.lock().remove(&name);
            // What it holds may have a table of its own to leave: not under the lock.
            drop(closed);
        });
        Opened {
            remote_addr: String::new(),
            leases: vec![lease],
        }
    }

    /// Checks a visitor whose session belongs to `user`. What is answered is to be started once
    /// the visitor was told that it is welcome.
    ///
    /// # Errors
    /// Refused with upstream's texts: there is no such proxy, the visitor does not know its key, or
    /// its user is not allowed.
    pub fn admit(&self, ask: &NewVisitorConn, user: &str) -> Result<Visit, ProxyError> {
        let name = &*ask.proxy_name;
        let refused = |text| Err(ProxyError::Refused(text));
        let Some(listener) = self.0.lock().get(name).cloned() else {
            return refused(format!("custom listener for [{name}] doesn't exist"));
        };
        if !listener.secret.verify(ask.timestamp, &ask.sign_key) {
            return refused(format!("visitor connection of [{name}] auth failed"));
        }
        if !listener.allowed.iter().any(|one| one == "*" || one == user) {
            return refused(format!(
                "visitor connection of [{name}] user [{user}] not allowed"
            ));
        }
        let Ok(seat) = Arc::clone(&listener.seats).try_acquire_owned() else {
            return refused(format!(
                "visitor connection of [{name}] refused: {WAITING_VISITORS} others wait for a \
                 work connection"
            ));
        };
        let flags = LayerFlags {
            encryption: ask.use_encryption.then(|| listener.key.clone()),
            compression: ask.use_compression,
            limit: None,
        };
        Ok(Visit {
            listener,
            flags,
            seat,
        })
    }
}

/// A visitor that may come in.
#[derive(Debug)]
pub struct Visit {
    listener: Arc<Listener>,
    /// The layers of the visitor's leg; those of the other leg are the proxy's own (trap M11).
    flags: LayerFlags,
    seat: OwnedSemaphorePermit,
}

impl Visit {
    /// Whether packets may travel as datagrams beside the visitor's stream, if its transport has
    /// them: no layer stands in between that does not apply to them.
    #[must_use]
    pub fn takes_datagrams(&self) -> bool {
        self.listener.carries == Carries::Datagrams && self.flags.is_plain()
    }

    /// Brings the visitor on `stream`, whose messages are written by `codec`, to the service.
    /// Returns at once; the visit belongs to the user connections of the proxy's session.
    pub fn start(self, stream: Stream, codec: Codec) {
        let users = self.listener.users.clone();
        users.spawn_graceful(|stop| self.serve(stream, codec, stop));
    }

    /// Told to stop, a waiting visitor is sent away; a served one goes on.
    async fn serve(self, stream: Stream, codec: Codec, stop: CancellationToken) {
        let Self {
            listener,
            flags,
            seat,
        } = self;
        let (addr, addrs) = (stream.peer().addr, UserAddrs::of(stream.peer()));
        // It was accepted on the thread of its own session; from now on it is served here.
        let stream = match stream.adopt() {
            Ok(stream) => stream,
            Err(error) => return tracing::debug!("visitor [{addr}] is gone already: {error}"),
        };
        tracing::info!("get a user connection [{addr}]");
        let visitor = match layers::server(stream, &flags) {
            Ok(visitor) => visitor,
            Err(error) => return tracing::warn!("{error}"),
        };
        let work = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            work = listener.cx.work_conn(addrs) => work,
        };
        let (carries, inner) = (listener.carries, listener.cx.codec());
        let meter = listener.cx.meter().cloned();
        drop(seat);
        drop(listener);
        let work = match work {
            Ok(work) => work,
            Err(error) => {
                return tracing::warn!("no work connection for visitor [{addr}]: {error}");
            }
        };
        let _open = meter.as_ref().map(Meter::connected);
        let differ = codec != inner || visitor.datagrams().is_some() || work.datagrams().is_some();
        if carries == Carries::Datagrams && differ {
            let done = bridge((visitor, codec), (work, inner), meter.as_ref()).await;
            return match done {
                Ok(()) => tracing::debug!("visitor [{addr}] done"),
                Err(error) => tracing::debug!("visitor [{addr}] done: {error}"),
            };
        }
        let how = Relaying {
            meter,
            ..Relaying::default()
        };
        let done = relay(visitor, work, &how).await;
        tracing::debug!("visitor [{addr}] done: {done}");
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("allowed", &self.allowed)
            .field("carries", &self.carries)
            .field("cx", &self.cx)
            .finish_non_exhaustive()
    }
}
