//! Logins of users over HTTP: asked for, compared in constant time, and slow to guess.

use std::time::Duration;

use bytes::Bytes;
use culvert_conf::PluginLogin;
use culvert_http::{Basic, Credentials};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::answer::{Body, text};

/// How long the answer to a wrong login waits (upstream static_file.go, http_proxy.go).
const WRONG: Duration = Duration::from_millis(200);

/// The credentials of a plugin; `None` when it asks for none.
pub(crate) fn credentials(login: &PluginLogin) -> Option<Credentials> {
    Credentials::new(&login.user, login.password.expose())
}

/// Whether the header `name` has what is `asked`. A wrong answer comes late; none at all is no
/// guess, and is told at once.
///
/// *Cancel safety*: safe.
pub(crate) async fn admitted(
    asked: Option<&Credentials>,
    headers: &HeaderMap,
    name: &HeaderName,
) -> bool {
    let Some(asked) = asked else { return true };
    let given = headers.get(name);
    if asked.admit(given.and_then(Basic::parse).as_ref()) {
        return true;
    }
    if given.is_some() {
        tokio::time::sleep(WRONG).await;
    }
    false
}

/// The answer that asks for a login, in the header `name`.
pub(crate) fn ask(
    status: StatusCode,
    name: HeaderName,
    how: &'static str,
    words: &'static str,
) -> Response<Body> {
    let mut response = text(status, Bytes::from_static(words.as_bytes()));
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(how));
    response
}
