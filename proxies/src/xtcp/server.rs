//! The server's half: a place in the table where visitors ask for the way.

use std::sync::Arc;

use culvert_io::Scope;
use culvert_proxy::{Opened, ProxyError, ServerCx, ServerKind};
use culvert_wire::msg::NewProxy;

use super::Meetings;

/// `type = "xtcp"` at the server.
#[derive(Clone, Debug)]
pub struct XtcpKind {
    meetings: Meetings,
}

impl XtcpKind {
    /// The kind whose services stand in `meetings`.
    #[must_use]
    pub const fn new(meetings: Meetings) -> Self {
        Self { meetings }
    }
}

impl ServerKind for XtcpKind {
    const NAME: &'static str = "xtcp";

    async fn open(
        &self,
        ask: &NewProxy,
        cx: Arc<dyn ServerCx>,
        scope: &Scope,
    ) -> Result<Opened, ProxyError> {
        Ok(self.meetings.open(ask, cx, scope))
    }
}
