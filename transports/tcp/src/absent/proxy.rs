//! In place of proxies on the way to a server, in builds without `proxy-url`: there are none.

use std::{fmt, future::Ready};

use culvert_io::Stream;
use culvert_transport::{ProxyUrl, Result, Target, TransportError};

use crate::ProxyError;

/// Never.
#[derive(Debug, thiserror::Error)]
pub enum NtlmError {}

/// Never.
#[derive(Debug)]
pub enum Proxy {}

impl Proxy {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn new(_: &ProxyUrl) -> Result<Self> {
        Err(TransportError::Refused(
            "transport.proxyURL (or the environment variable http_proxy) is not supported by this \
             build; it has no proxy-url"
                .to_owned(),
        ))
    }

    pub(crate) const fn target(&self) -> &Target {
        match *self {}
    }

    pub(crate) fn failed(&self, _: ProxyError) -> TransportError {
        match *self {}
    }

    /// Never.
    ///
    /// # Errors
    /// Never.
    pub const fn open(
        &self,
        _: Stream,
        _: &Target,
    ) -> Ready<std::result::Result<Stream, ProxyError>> {
        match *self {}
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}
