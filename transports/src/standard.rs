//! The transports that the stock programs have.

use culvert_transport::Transports;

/// One line for each transport of this build.
#[must_use]
pub fn standard() -> Transports {
    Transports::new().with(culvert_tcp::Tcp)
}
