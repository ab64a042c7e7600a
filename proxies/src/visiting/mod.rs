//! What secret services have in common: at the server the table of those that wait for visitors,
//! at the client how a visitor gets through (protocol 3.8).

mod dial;
#[cfg(test)]
pub(crate) mod door;
mod entrance;
mod table;

pub(crate) use dial::{SecretService, listen, unix_now};
pub(crate) use entrance::Entrance;
pub(crate) use table::Carries;
pub use table::{Visit, Visitors};
