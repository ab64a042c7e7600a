//! `http2https`: HTTP users, an HTTPS service whose certificate is not verified.

use culvert_conf::HttpRewrite;
use culvert_http::Forwarding;
use culvert_proxy::ProxyError;

use crate::{bridge::Bridge, service::Service};

/// The plugin. Headers that tell of the user pass as they came (protocol 5.10).
///
/// # Errors
/// Refused when a header to set can be none.
pub(crate) fn new(config: &HttpRewrite) -> Result<Bridge, ProxyError> {
    let service = Service::tls(&config.local_addr, 443)?;
    Bridge::plain(config, Forwarding::Keep, service)
}
