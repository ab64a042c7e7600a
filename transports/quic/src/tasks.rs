//! Owners for quinn's tasks: it spawns through us into a scope.

use std::{fmt, future::Future, io, net::UdpSocket, pin::Pin, sync::Arc};

use culvert_io::Scope;
use quinn::{AsyncTimer, AsyncUdpSocket, Runtime, TokioRuntime};
use tokio::runtime::Handle;
use tracing::Span;

/// The tasks of one endpoint and of its connections.
///
/// The endpoint's task runs where the endpoint was made; a connection's runs where its handshake
/// was begun, so that it shares a thread with those who use it.
#[derive(Clone)]
pub(crate) struct Tasks(Scope);

impl Tasks {
    /// Must be called on the runtime that will drive the endpoint. The tasks end by themselves,
    /// after the last connection and the last handle of the endpoint are gone.
    pub(crate) fn new() -> Self {
        Self(Scope::root(Handle::current()))
    }

    /// Runs `work` on the thread of the caller, or on the endpoint's if it has no runtime.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        match Handle::try_current() {
            Ok(here) if here.id() != self.0.lane().id() => {
                self.0.child_on(here, Span::none()).spawn(work);
            }
            Ok(_) | Err(_) => self.0.spawn(work),
        }
    }
}

impl Runtime for Tasks {
    #[expect(clippy::disallowed_types, reason = "the trait's signature")]
    fn new_timer(&self, at: std::time::Instant) -> Pin<Box<dyn AsyncTimer>> {
        TokioRuntime.new_timer(at)
    }

    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        Self::spawn(self, future);
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        TokioRuntime.wrap_udp_socket(socket)
    }

    #[expect(clippy::disallowed_types, reason = "the trait's signature")]
    fn now(&self) -> std::time::Instant {
        TokioRuntime.now()
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks")
            .field("running", &self.0.tasks())
            .finish_non_exhaustive()
    }
}
