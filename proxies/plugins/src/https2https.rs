//! `https2https`: HTTPS users, an HTTPS service that is told who they are.

use culvert_conf::HttpsFront;
use culvert_proxy::ProxyError;

use crate::{bridge::Bridge, service::Service};

/// The plugin. The service's certificate is not verified (protocol 5.10).
///
/// # Errors
/// Refused when the certificate cannot be used or a header to set can be none.
pub(crate) fn new(config: &HttpsFront) -> Result<Bridge, ProxyError> {
    Bridge::tls(config, Service::tls(&config.rewrite.local_addr, 443)?)
}
