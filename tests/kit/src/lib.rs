//! What tests share: mock services, a runner for any `frps` or `frpc`, certificates, payloads.
//!
//! Nothing here knows which implementation it drives: a test names a [`Peer`] for each role, and
//! the same test runs against our programs and against real frp.

#[cfg(feature = "browser")]
mod browser;
mod dir;
mod echo;
mod error;
#[cfg(feature = "oidc")]
mod issuer;
mod payload;
mod peer;
mod port;
mod process;
mod service;
mod smuggling;
mod smuggling;
#[cfg(feature = "tls")]
mod tls;
mod tool;
mod usage;
mod wait;
mod web;
#[cfg(feature = "websocket")]
mod websocket;

#[cfg(feature = "browser")]
pub use browser::{Browser, Look, Page};
pub use dir::TempDir;
pub use echo::{framed_echo, framed_request, tcp_echo, udp_echo, udp_request};
pub use error::{Error, Result};
#[cfg(feature = "oidc")]
pub use issuer::{Asked, Issuer};
pub use payload::{Payload, echo_once, random_hex};
pub use peer::{PEER_ADVICE, Peer, Role};
pub use port::free_port;
pub use process::{Finished, Program, run};
pub use service::Service;
pub use smuggling::{DOUBTFUL_BODIES, DOUBTFUL_HEADS, SMUGGLED};
pub use smuggling::{DOUBTFUL_BODIES, DOUBTFUL_HEADS, SMUGGLED};
#[cfg(feature = "tls")]
pub use tls::{Authority, Identity, https_get, https_web};
pub use tool::tool;
pub use usage::Usage;
pub use wait::{connected, eventually, within};
pub use web::{Answer, Recorded, http_get, mirror_web, recording_web, web};
#[cfg(feature = "websocket")]
pub use websocket::{websocket_echo, websocket_talk};
