//! The TLS end that users of the https plugins and of tls2raw meet.

use std::{sync::Arc, time::Duration};

use culvert_conf::IdentityFiles;
use culvert_http::read_hello;
use culvert_io::Stream;
use culvert_proxy::ProxyError;
use culvert_tls::{ServerConfig, server_config};
use tokio::time::timeout;

/// How long a user may take from the first byte to the end of the handshake (upstream
/// http_common.go: `ReadHeaderTimeout` bounds the handshake too).
const HANDSHAKE: Duration = Duration::from_secs(60);

/// Settings with a certificate of the operator's, or one made now.
///
/// # Errors
/// Refused when a file cannot be used; the text says which and what to do.
pub(crate) fn settings(identity: Option<&IdentityFiles>) -> Result<Arc<ServerConfig>, ProxyError> {
    let files = identity.map(|files| culvert_tls::IdentityFiles {
        cert: files.cert.clone(),
        key: files.key.clone(),
    });
    server_config(files.as_ref(), None).map_err(|err| ProxyError::refused(err.to_string()))
}

/// Shakes hands with a user: the stream inside, and the name in the ClientHello if it has one.
/// `None`, with a line in the log, when the user is no TLS client or takes too long.
///
/// *Cancel safety*: the user is closed.
pub(crate) async fn shake(
    mut user: Stream,
    config: &Arc<ServerConfig>,
) -> Option<(Stream, Option<String>)> {
    let shake = async {
        let Some((name, seen)) = read_hello(&mut user).await.map_err(|e| e.to_string())? else {
            return Err("no ClientHello".to_owned());
        };
        let stream = culvert_tls::accept(user.rewind(seen), config)
            .await
            .map_err(|err| err.to_string())?;
        Ok((stream, Some(name).filter(|name| !name.is_empty())))
    };
    let late = |_| Err("took too long".to_owned());
    let shaken = timeout(HANDSHAKE, Box::pin(shake)).await;
    shaken
        .unwrap_or_else(late)
        .inspect_err(|err| tracing::warn!("tls handshake error: {err}"))
        .ok()
}
