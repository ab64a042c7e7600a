//! What tests share: mock services, a runner for any `frps` or `frpc`, certificates, payloads.
//!
//! Nothing here knows which implementation it drives: a test names a [`Peer`] for each role, and
//! the same test runs against our programs and against real frp.

mod broken;
#[cfg(feature = "browser")]
mod browser;
mod dir;
mod echo;
mod error;
mod go;
#[cfg(target_os = "linux")]
mod internet;
#[cfg(feature = "oidc")]
mod issuer;
#[cfg(all(target_os = "linux", feature = "link"))]
mod link;
#[cfg(target_os = "linux")]
mod namespace;
mod payload;
mod peer;
mod port;
mod process;
mod service;
mod smuggling;
mod stun;
#[cfg(feature = "tls")]
mod tls;
mod tool;
mod usage;
mod wait;
mod web;
#[cfg(feature = "websocket")]
mod websocket;

pub use broken::{Treatment, crawl, parrot, resetter, web_proxy};
#[cfg(feature = "browser")]
pub use browser::{Browser, Look, Page};
pub use dir::TempDir;
pub use echo::{
    framed_echo, framed_request, tcp_echo, tcp_echo_on, udp_echo, udp_echo_on, udp_request,
};
pub use error::{Error, Result};
pub use go::go_peer;
#[cfg(target_os = "linux")]
pub use internet::{Internet, Nat};
#[cfg(feature = "oidc")]
pub use issuer::{Asked, Issuer};
#[cfg(all(target_os = "linux", feature = "link"))]
pub use link::{Link, Shape};
#[cfg(target_os = "linux")]
pub use namespace::Namespace;
pub use payload::{Payload, echo_once, echo_over, random_hex};
pub use peer::{PEER_ADVICE, Peer, Role};
pub use port::free_port;
pub use process::{Finished, Program, run};
pub use service::Service;
pub use smuggling::{DOUBTFUL_BODIES, DOUBTFUL_HEADS, SMUGGLED};
pub use stun::server as stun_server;
#[cfg(feature = "tls")]
pub use tls::{Authority, Identity, https_get, https_web};
pub use tool::tool;
pub use usage::Usage;
pub use wait::{connected, eventually, within};
pub use web::{Answer, Recorded, api_call, http_get, mirror_web, recording_web, web};
#[cfg(feature = "websocket")]
pub use websocket::{websocket_echo, websocket_talk};
