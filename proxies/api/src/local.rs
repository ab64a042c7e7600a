//! Dialling services of the client's network.

use std::{future::Future, io, time::Duration};

use tokio::time::timeout;

use crate::ProxyError;

/// How long a service may take to accept, and for TLS, to shake hands (protocol 5.1).
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// What `dial` comes to, which dials the service called `target`, if it does in time.
///
/// *Cancel safety*: that of `dial`.
///
/// # Errors
/// The service does not accept, or not in time.
pub async fn dial_local<T>(
    target: impl FnOnce() -> String + Send,
    dial: impl Future<Output = io::Result<T>> + Send,
) -> Result<T, ProxyError> {
    let late = |_| {
        let text = format!("no answer within {} s", DIAL_TIMEOUT.as_secs());
        io::Error::new(io::ErrorKind::TimedOut, text)
    };
    let dialled = timeout(DIAL_TIMEOUT, dial).await.map_err(late).flatten();
    dialled.map_err(|source| ProxyError::Local {
        target: target(),
        source,
    })
}
