//! Which thread a user of the http port is best served on.

use culvert_io::{FastPath, FastPaths};
use tokio::runtime::Handle;

use super::http::Routes;

/// Headers that are looked at; the host stands in front of most.
const HEADERS: usize = 32;

/// The thread of the session that is to serve a request that begins with `head`.
///
/// Only a guess, as later requests may be for others: a user on another thread than its session
/// costs three wakeups across threads for a request (measured with four users: 77 us of CPU).
pub(crate) fn home(routes: &Routes, head: &[u8]) -> Option<Handle> {
    let Routes::Vhost(router) = routes else {
        return None;
    };
    if !FastPaths::default().takes(FastPath::Home) {
        return None;
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let _complete = request.parse(head).ok()?;
    let path = request.path?;
    let mut headers = request.headers.iter();
    let host = headers.find(|h| h.name.eq_ignore_ascii_case("host"))?;
    let host = str::from_utf8(host.value).ok()?;
    let backends = router.lookup(host, path, "")?;
    Some(backends.only()?.lane().clone())
}
