//! The cases, by subject. Each is one async function over a [`Pairing`](crate::Pairing).

pub mod admin;
pub mod auth;
#[cfg(target_os = "linux")]
pub mod auto;
pub mod datagrams;
pub mod ends;
pub mod groups;
pub mod hostile;
pub mod idle;
pub mod limits;
pub mod load;
pub mod login;
pub mod logs;
#[cfg(target_os = "linux")]
pub mod lossy;
pub mod matrix;
pub mod mux;
pub mod origin;
pub mod programs;
pub mod recovery;
pub mod reload;
#[cfg(target_os = "linux")]
pub mod roaming;
#[cfg(target_os = "linux")]
pub mod servers;
pub mod smuggling;
pub mod ssh;
pub mod tls;
pub mod tunnels;
pub mod virtual_net;
pub mod visitors;
pub mod wire;
#[cfg(target_os = "linux")]
pub mod xtcp;

/// Sets a [`Scene`](crate::Scene), or ends the case as skipped.
macro_rules! scene {
    ($pairing:expr) => {
        match $crate::Scene::new($pairing).await? {
            Some(scene) => scene,
            None => return Ok(()),
        }
    };
}
use scene;
