//! The server's half: a place in the table where visitors find the service.

use std::sync::Arc;

use culvert_io::Scope;
use culvert_proxy::{Opened, ProxyError, ServerCx, ServerKind};
use culvert_wire::msg::NewProxy;

use crate::visiting::{Carries, Visitors};

/// `type = "sudp"` at the server.
#[derive(Clone, Debug)]
pub struct SudpKind {
    visitors: Visitors,
}

impl SudpKind {
    /// The kind whose services stand in `visitors`.
    #[must_use]
    pub const fn new(visitors: Visitors) -> Self {
        Self { visitors }
    }
}

impl ServerKind for SudpKind {
    const NAME: &'static str = "sudp";

    async fn open(
        &self,
        ask: &NewProxy,
        cx: Arc<dyn ServerCx>,
        scope: &Scope,
    ) -> Result<Opened, ProxyError> {
        let what = (Self::NAME, Carries::Datagrams);
        Ok(self.visitors.open(what, ask, cx, scope))
    }
}
