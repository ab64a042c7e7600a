//! Visitors: who may come to a secret service of another client (protocol 3.8).

use std::sync::Arc;

use culvert_proxies::visiting::Visit;
use culvert_proxy::ProxyError;
use culvert_transport::Framed;
use culvert_wire::{
    RunId,
    datagram::FORMAT,
    msg::{NewVisitorConn, NewVisitorConnResp},
};

use crate::{figures::Refused, greet::REPLY_TIMEOUT, server::Server};

/// Takes in a connection whose first message was `NewVisitorConn`. Answers whether the peer proved
/// that it may be here.
pub(crate) async fn accept_visitor(
    server: &Arc<Server>,
    visitor: Framed,
    ask: NewVisitorConn,
) -> bool {
    let (visit, error) = match admit(server, &ask) {
        Ok(visit) => (Some(visit), String::new()),
        Err(error) => {
            server.figures.counts.refuse(Refused::Visitor);
            tracing::warn!("register visitor conn error: {error}");
            let error = if server.config().detailed_errors_to_client {
                error.to_string()
            } else {
                "register visitor conn error".to_owned()
            };
            (None, error)
        }
    };
    let welcome = visit.is_some();
    let codec = visitor.codec();
    let mut stream = visitor.into_stream();
    // Before the visitor hears that it may send some.
    let datagrams = ask.datagrams == FORMAT
        && visit.as_ref().is_some_and(Visit::takes_datagrams)
        && stream.open_datagrams();
    let mut visitor = Framed::new(stream, codec);
    let answer = NewVisitorConnResp {
        proxy_name: ask.proxy_name,
        error,
        datagrams: if datagrams { FORMAT } else { 0 },
    };
    // Before the service can say anything (trap M18).
    match tokio::time::timeout(REPLY_TIMEOUT, visitor.send(&answer.into())).await {
        Ok(Ok(())) => {
            if let Some(visit) = visit {
                visit.start(visitor.into_stream(), codec);
            }
        }
        // The peer is gone already; then there is nobody to tell.
        Ok(Err(_)) | Err(_) => tracing::debug!("a visitor left before it was answered"),
    }
    welcome
}

fn admit(server: &Server, ask: &NewVisitorConn) -> Result<Visit, ProxyError> {
    if ask.run_id.is_empty() {
        // An old client, which does not say who it is.
        return server.visitors.admit(ask, "");
    }
    let run_id = RunId::from(ask.run_id.as_str());
    let Some(session) = server.registry.get(&run_id) else {
        return Err(ProxyError::Refused(format!(
            "no client control found for run id [{run_id}]"
        )));
    };
    server.visitors.admit(ask, session.user())
}
