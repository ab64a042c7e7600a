//! The same traits as objects, so that programs can hold transports that they do not know.
//!
//! Implementers write the plain traits; these are derived. One box per dial, accept and open.

use std::{fmt, future::Future, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use culvert_io::{Scope, Stream};

use crate::{
    Connector, Link, Listener, Mux, Options, Result, Session, Target, Traffic, Traits, Transport,
};

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// Any connector.
pub type BoxConnector = Box<dyn DynConnector>;
/// Any listener.
pub type BoxListener = Box<dyn DynListener>;
/// Any session, shared by those who open and accept streams.
pub type BoxSession = Arc<dyn DynSession>;
/// The handshake of any listener.
pub type BoxHandshake = BoxFuture<'static, Result<Link>>;

/// What both sides of a [`Transport`] know of it.
pub trait DynKind: fmt::Debug + Send + Sync + 'static {
    /// See [`Transport::NAME`].
    fn name(&self) -> &'static str;
    /// See [`Transport::TRAITS`].
    fn traits(&self) -> Traits;
}

impl<T: Transport> DynKind for T {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn traits(&self) -> Traits {
        T::TRAITS
    }
}

/// The dialling side of a [`Transport`] as an object: a program that only dials is without what
/// listening takes, which an object of both sides would bring in.
pub trait DynDialling: DynKind {
    /// See [`Transport::connector`].
    ///
    /// # Errors
    /// As there.
    fn connector(&self, opts: &Options) -> Result<BoxConnector>;
}

impl<T: Transport> DynDialling for T {
    fn connector(&self, opts: &Options) -> Result<BoxConnector> {
        Ok(Box::new(Transport::connector(self, opts)?))
    }
}

/// The listening side of a [`Transport`] as an object.
pub trait DynListening: DynKind {
    /// See [`Transport::bind`].
    fn bind<'a>(&'a self, at: SocketAddr, opts: &'a Options) -> BoxFuture<'a, Result<BoxListener>>;
}

impl<T: Transport> DynListening for T {
    fn bind<'a>(&'a self, at: SocketAddr, opts: &'a Options) -> BoxFuture<'a, Result<BoxListener>> {
        Box::pin(async move {
            let listener = Transport::bind(self, at, opts).await?;
            let boxed: BoxListener = Box::new(listener);
            Ok(boxed)
        })
    }
}

/// [`Transport`] as an object.
pub trait DynTransport: DynDialling + DynListening {}

impl<T: Transport> DynTransport for T {}

/// A side of transports, or both.
pub trait Side: DynKind {
    /// That side of `transport`.
    fn of<T: Transport>(transport: T) -> Arc<Self>;
}

impl Side for dyn DynDialling {
    fn of<T: Transport>(transport: T) -> Arc<Self> {
        Arc::new(transport)
    }
}

impl Side for dyn DynListening {
    fn of<T: Transport>(transport: T) -> Arc<Self> {
        Arc::new(transport)
    }
}

/// [`Connector`] as an object.
pub trait DynConnector: fmt::Debug + Send + Sync + 'static {
    /// See [`Connector::connect`].
    fn connect<'a>(&'a self, to: &'a Target) -> BoxFuture<'a, Result<Link>>;
    /// See [`Connector::close`].
    fn close(&self) -> BoxFuture<'_, ()>;
}

impl<T: Connector> DynConnector for T {
    fn connect<'a>(&'a self, to: &'a Target) -> BoxFuture<'a, Result<Link>> {
        Box::pin(Connector::connect(self, to))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(Connector::close(self))
    }
}

/// [`Listener`] as an object.
pub trait DynListener: fmt::Debug + Send + 'static {
    /// See [`Listener::accept`].
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxHandshake, SocketAddr)>>;
    /// See [`Listener::local_addr`].
    ///
    /// # Errors
    /// As there.
    fn local_addr(&self) -> io::Result<SocketAddr>;
    /// See [`Listener::close`].
    fn close(&mut self) -> BoxFuture<'_, ()>;
}

impl<T: Listener> DynListener for T {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxHandshake, SocketAddr)>> {
        Box::pin(async move {
            let (handshake, addr) = Listener::accept(self).await?;
            let boxed: BoxHandshake = Box::pin(handshake);
            Ok((boxed, addr))
        })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Listener::local_addr(self)
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(Listener::close(self))
    }
}

/// [`Session`] as an object.
pub trait DynSession: fmt::Debug + Send + Sync + 'static {
    /// See [`Session::open`].
    fn open(&self) -> BoxFuture<'_, Result<Stream>>;
    /// See [`Session::accept`].
    fn accept(&self) -> BoxFuture<'_, Result<Stream>>;
    /// See [`Session::close`].
    fn close<'a>(&'a self, why: &'a str) -> BoxFuture<'a, ()>;
    /// See [`Session::closed`].
    fn closed(&self) -> BoxFuture<'_, String>;
    /// See [`Session::authenticate`].
    fn authenticate(&self);
    /// See [`Session::round_trip`].
    fn round_trip(&self) -> Option<Duration>;
    /// See [`Session::path_mtu`].
    fn path_mtu(&self) -> Option<u16>;
    /// See [`Session::traffic`].
    fn traffic(&self) -> Option<Traffic>;
    /// See [`Session::streams`].
    fn streams(&self) -> Option<usize>;
    /// See [`Session::migrate`].
    fn migrate(&self) -> BoxFuture<'_, Result<()>>;
}

impl<T: Session> DynSession for T {
    fn open(&self) -> BoxFuture<'_, Result<Stream>> {
        Box::pin(Session::open(self))
    }

    fn accept(&self) -> BoxFuture<'_, Result<Stream>> {
        Box::pin(Session::accept(self))
    }

    fn close<'a>(&'a self, why: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(Session::close(self, why))
    }

    fn closed(&self) -> BoxFuture<'_, String> {
        Box::pin(Session::closed(self))
    }

    fn authenticate(&self) {
        Session::authenticate(self);
    }

    fn round_trip(&self) -> Option<Duration> {
        Session::round_trip(self)
    }

    fn path_mtu(&self) -> Option<u16> {
        Session::path_mtu(self)
    }

    fn traffic(&self) -> Option<Traffic> {
        Session::traffic(self)
    }

    fn streams(&self) -> Option<usize> {
        Session::streams(self)
    }

    fn migrate(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(Session::migrate(self))
    }
}

/// [`Mux`] as an object.
pub trait DynMux: fmt::Debug + Send + Sync + 'static {
    /// See [`Mux::client`].
    ///
    /// # Errors
    /// As there.
    fn client(&self, io: Stream, scope: &Scope) -> Result<BoxSession>;
    /// See [`Mux::server`].
    ///
    /// # Errors
    /// As there.
    fn server(&self, io: Stream, scope: &Scope) -> Result<BoxSession>;
}

impl<T: Mux> DynMux for T {
    fn client(&self, io: Stream, scope: &Scope) -> Result<BoxSession> {
        Ok(Arc::new(Mux::client(self, io, scope)?))
    }

    fn server(&self, io: Stream, scope: &Scope) -> Result<BoxSession> {
        Ok(Arc::new(Mux::server(self, io, scope)?))
    }
}
