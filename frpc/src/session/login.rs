//! Connecting and logging in.

use std::sync::Arc;

use culvert_io::Scope;
use culvert_transport::{BoxFuture, Framed, TransportError, report};
use culvert_wire::msg::Login;

use super::{Client, Session, Who};
use crate::{
    auth::ProofError,
    paths::{Evidence, Path, Rung, Ways},
};

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The server cannot be reached, or does not speak with us.
    #[error("{}", report(.0))]
    Transport(#[from] TransportError),
    /// No way leads to the server; what became of each.
    #[error("no way to the server: {0}")]
    NoWay(String),
    /// There is nothing to log in with.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The server refused; its own words.
    #[error("{0}")]
    Refused(String),
    /// There was no answer to a hello of wire version 2; what there was instead.
    #[error(
        "no answer in wire protocol v2 ({0}): the server may be older than frp 0.69; set \
         transport.wireProtocol = \"v1\", which every server speaks, or update the server"
    )]
    NoV2(String),
}

/// Connects and logs in. `run_id` is that of the last session, or empty; `avoid` is the way that
/// went bad, which is tried last.
///
/// *Cancel safety*: the connection is closed.
pub(crate) async fn login(
    client: &Arc<Client>,
    ways: &Ways,
    run_id: &str,
    avoid: Option<&Rung>,
    scope: &Scope,
) -> Result<LoggedIn, LoginError> {
    // First, because the server does not wait for long once there is a connection.
    let ask = Who::of(client).ask(run_id).await?;
    let prove = |path: Path| -> BoxFuture<'_, Result<(Framed, String), LoginError>> {
        let ask = ask.clone();
        Box::pin(async move { speak(client, &path, ask).await })
    };
    let ladder = &ways.control;
    let (path, proof) = ladder.reach(client.bundle.scope(), avoid, prove).await?;
    Ok(begin(client, ways, path, proof, scope))
}

/// Logs in over a path that is there.
///
/// *Cancel safety*: the connection is closed.
pub(crate) async fn login_on(
    client: &Arc<Client>,
    ways: &Ways,
    run_id: &str,
    (path, why): (Path, String),
    scope: &Scope,
) -> Result<LoggedIn, LoginError> {
    let ask = Who::of(client).ask(run_id).await?;
    match speak(client, &path, ask).await {
        Ok(proof) => {
            ways.control.stands_on(&path, why, client.bundle.scope());
            Ok(begin(client, ways, path, proof, scope))
        }
        Err(err) => {
            ways.control.report(&path.rung, Evidence::Failed);
            path.close("login failed").await;
            Err(err)
        }
    }
}

async fn speak(client: &Client, path: &Path, ask: Login) -> Result<(Framed, String), LoginError> {
    let who = Who::of(client);
    who.speak(&path.session, &path.rung.transport, ask).await
}

/// A session on this path.
fn begin(
    client: &Arc<Client>,
    ways: &Ways,
    path: Path,
    (control, run_id): (Framed, String),
    scope: &Scope,
) -> LoggedIn {
    tracing::debug!("logged in over {}, dialled in {:?}", path.rung, path.took);
    let session = Session {
        client: Arc::clone(client),
        scope: scope.child(tracing::error_span!("session", prefix = %run_id)),
        run_id,
        ways: ways.clone(),
        path: path.clone(),
    };
    let bundle = &client.bundle;
    bundle.lead(path, control.stream().peer(), ways.further());
    LoggedIn { session, control }
}

/// A login that succeeded.
#[derive(Debug)]
pub(crate) struct LoggedIn {
    pub(crate) session: Session,
    pub(crate) control: Framed,
}
