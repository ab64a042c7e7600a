//! What two clients arrange through the server, before they speak with each other.

use std::fmt;

use culvert_wire::{
    Message,
    msg::{NatHoleClient, NatHoleReport, NatHoleResp, NatHoleVisitor},
};

use crate::{BoxFuture, ProxyError};

/// The control stream of the session of now, for messages about meetings (protocol 6.1). It
/// outlives sessions.
pub trait Control: fmt::Debug + Send + Sync + 'static {
    /// Sends a message; nobody answers it.
    ///
    /// # Errors
    /// There is no session, or too many messages wait.
    fn tell(&self, report: NatHoleReport) -> Result<(), ProxyError>;

    /// Asks, and waits for the answer with the same transaction id. There may never be one: give it
    /// a deadline.
    ///
    /// *Cancel safety*: a late answer is ignored.
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<NatHoleResp, ProxyError>>;
}

/// What can be asked.
#[derive(Clone, Debug)]
pub enum Question {
    /// A visitor asks for the way to a proxy.
    Visitor(NatHoleVisitor),
    /// A proxy's client asks for the way to a visitor.
    Client(NatHoleClient),
}

impl Question {
    /// What the answer will have, too.
    #[must_use]
    pub fn transaction_id(&self) -> &str {
        match self {
            Self::Visitor(ask) => &ask.transaction_id,
            Self::Client(ask) => &ask.transaction_id,
        }
    }
}

impl From<Question> for Message {
    fn from(question: Question) -> Self {
        match question {
            Question::Visitor(ask) => ask.into(),
            Question::Client(ask) => ask.into(),
        }
    }
}
