//! The two roles of a handshake behind one face.

use std::ops::Deref;

use rustls::{
    CommonState, ConnectionTrafficSecrets, Error, ExtractedSecrets, InvalidMessage,
    SupportedCipherSuite,
    client::{ClientConnectionData, UnbufferedClientConnection},
    kernel::KernelConnection,
    server::{ServerConnectionData, UnbufferedServerConnection},
    unbuffered::UnbufferedStatus,
};

/// A connection of rustls in either role.
pub(crate) trait Role:
    Deref<Target: Deref<Target = CommonState>> + Send + Sized + Unpin + 'static
{
    /// rustls' marker of the role.
    type Data: Tickets;

    /// Goes on with the bytes of `incoming`.
    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data>;

    /// Gives the keys away, so that somebody else does the records; what makes further ones is left.
    fn into_keys(self) -> Result<(ExtractedSecrets, KeysOf<Self>), Error>;
}

/// What makes the further keys of a connection in this role.
pub(crate) type KeysOf<R> = KernelConnection<<R as Role>::Data>;

/// What is left of a connection of rustls that does no records.
pub(crate) trait Keys: Send + Unpin + 'static {
    /// What was agreed on.
    fn suite(&self) -> SupportedCipherSuite;
    /// The next key to seal with.
    fn next_sealing(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error>;
    /// The next key to open with.
    fn next_opening(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error>;
    /// Whether the peer may send tickets.
    fn takes_tickets(&self) -> bool;
    /// Takes the body of a ticket that resumes a session.
    fn ticket(&mut self, body: &[u8]) -> Result<(), Error>;
}

impl Role for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }

    fn into_keys(self) -> Result<(ExtractedSecrets, KeysOf<Self>), Error> {
        self.dangerous_into_kernel_connection()
    }
}

impl Role for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }

    fn into_keys(self) -> Result<(ExtractedSecrets, KeysOf<Self>), Error> {
        self.dangerous_into_kernel_connection()
    }
}

impl<D: Tickets> Keys for KernelConnection<D> {
    fn suite(&self) -> SupportedCipherSuite {
        self.negotiated_cipher_suite()
    }

    fn next_sealing(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        self.update_tx_secret()
    }

    fn next_opening(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        self.update_rx_secret()
    }

    fn takes_tickets(&self) -> bool {
        D::COME
    }

    fn ticket(&mut self, body: &[u8]) -> Result<(), Error> {
        D::take(self, body)
    }
}

/// What a role does with tickets, in which alone the two differ after the handshake.
pub(crate) trait Tickets: Send + Sized + Unpin + 'static {
    /// Whether the peer may send any.
    const COME: bool;

    /// Takes the body of one that came on the connection of `keys`.
    fn take(keys: &mut KernelConnection<Self>, body: &[u8]) -> Result<(), Error>;
}

impl Tickets for ClientConnectionData {
    const COME: bool = true;

    fn take(keys: &mut KernelConnection<Self>, body: &[u8]) -> Result<(), Error> {
        keys.handle_new_session_ticket(body)
    }
}

impl Tickets for ServerConnectionData {
    /// Only servers send tickets.
    const COME: bool = false;

    fn take(_keys: &mut KernelConnection<Self>, _body: &[u8]) -> Result<(), Error> {
        Err(InvalidMessage::UnexpectedMessage("new_session_ticket from a client").into())
    }
}
