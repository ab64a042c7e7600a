//! What an SSH client asks for, as russh hears it; whoever serves the tunnel is told.

use std::path::PathBuf;

use russh::{
    Channel, ChannelId, ChannelOpenFailure, Pty,
    keys::PublicKey,
    server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey},
};
use tokio::sync::mpsc;

use super::keys;

/// Sessions that a client may open on one connection; `ssh` opens one.
const SESSIONS: usize = 8;
/// The longest command: the flags of a message of 10 KiB.
const COMMAND: usize = 16 * 1024;
/// The key that asks to end (ETX), when a terminal passes it on instead of ending `ssh`.
const CTRL_C: u8 = 3;
/// What a client that leaves the port of its forward to us is told. The number only names the
/// forward; upstream names none, so that `ssh` breaks off.
const NAMELESS: u32 = 80;

/// What a client did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// It may come in; with a key, as the user of this name.
    Admitted(Option<String>),
    /// It forwards this address and port to itself.
    Forward(String, u32),
    /// Texts for people go here.
    Opened(ChannelId),
    /// It wants this run.
    Exec(String),
    /// It wants a shell, which there is not.
    Shell,
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

/// One SSH connection.
pub(super) struct Client {
    authorized_keys: Option<PathBuf>,
    user: Option<String>,
    sessions: Vec<ChannelId>,
    events: mpsc::Sender<Event>,
}

impl Client {
    pub(super) const fn new(authorized_keys: Option<PathBuf>, events: mpsc::Sender<Event>) -> Self {
        Self {
            authorized_keys,
            user: None,
            sessions: Vec::new(),
            events,
        }
    }

    /// What a flood of requests has too much is not heard.
    fn tell(&self, event: Event) {
        let _full = self.events.try_send(event);
    }

    async fn owner(&self, key: &PublicKey) -> Option<String> {
        keys::owner(self.authorized_keys.as_deref()?, key).await
    }
}

impl Handler for Client {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, Self::Error> {
        Ok(match self.authorized_keys {
            None => Auth::Accept,
            Some(_) => Auth::reject(),
        })
    }

    async fn auth_publickey_offered(
        &mut self,
        _user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        let known = self.owner(offer.public_key).await.is_some();
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(
        &mut self,
        _user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        self.user = self.owner(key.public_key).await;
        Ok(match self.user {
            Some(_) => Auth::Accept,
            None => Auth::reject(),
        })
    }

    async fn auth_succeeded(&mut self, _session: &mut Session) -> Result<(), Self::Error> {
        let user = self.user.take();
        self.tell(Event::Admitted(user));
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.sessions.len() >= SESSIONS {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        self.sessions.push(channel.id());
        self.tell(Event::Opened(channel.id()));
        reply.accept().await;
        Ok(())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        // The bytes of services come this way too.
        if self.sessions.contains(&channel) && data.contains(&CTRL_C) {
            self.tell(Event::Interrupted);
        }
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        _value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.tell(Event::Shell);
        session.channel_success(channel)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match std::str::from_utf8(data) {
            Ok(command) if data.len() <= COMMAND => {
                self.tell(Event::Exec(command.to_owned()));
                session.channel_success(channel)
            }
            _ => session.channel_failure(channel),
        }
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn tcpip_forward(
        &mut self,
        address: &str,
        port: &mut u32,
        _session: &mut Session,
    ) -> Result<bool, Self::Error> {
        if *port == 0 {
            *port = NAMELESS;
        }
        self.tell(Event::Forward(address.to_owned(), *port));
        Ok(true)
    }

    async fn cancel_tcpip_forward(
        &mut self,
        _address: &str,
        _port: u32,
        _session: &mut Session,
    ) -> Result<bool, Self::Error> {
        Ok(true)
    }
}
