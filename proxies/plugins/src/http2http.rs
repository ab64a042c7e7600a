//! `http2http`: HTTP users, an HTTP service; headers and host can be changed on the way.

use culvert_conf::HttpRewrite;
use culvert_http::Forwarding;
use culvert_proxy::ProxyError;

use crate::{bridge::Bridge, service::Service};

/// The plugin. Headers that tell of the user do not pass (upstream http2http.go).
///
/// # Errors
/// Refused when a header to set can be none.
pub(crate) fn new(config: &HttpRewrite) -> Result<Bridge, ProxyError> {
    let service = Service::plain(&config.local_addr, 80);
    Bridge::plain(config, Forwarding::Remove, service)
}
