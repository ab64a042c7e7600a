//! What secret services have in common: at the server the table of those that wait for visitors,
//! at the client how a visitor gets through (protocol 3.8).

mod dial;
#[cfg(test)]
pub(crate) mod door;
mod entrance;
mod table;

#[cfg(feature = "xtcp")]
pub(crate) use dial::unix_now;
pub(crate) use dial::{SecretService, listen};
pub(crate) use entrance::Entrance;
pub(crate) use table::Carries;
pub use table::{Visit, Visitors};
