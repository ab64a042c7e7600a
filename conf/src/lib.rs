//! What the operator wrote and what it means: TOML, YAML, JSON or legacy INI to checked types.
//!
//! Whatever the format, a file becomes one tree of values with their lines (`source`, `template`,
//! `legacy`, `includes`). Two stages follow: `raw` mirrors upstream's schema and may hold anything
//! of the right type; `check` turns it into [`ServerConfig`] and [`ClientConfig`], in which
//! defaults are filled in and a contradiction cannot be written. [`load_server`] and
//! [`load_client`] are the door.

mod auto;
mod check;
mod client;
mod decode;
mod definition;
#[cfg(test)]
mod encode;
mod error;
mod extend;
mod includes;
#[cfg_attr(not(feature = "formats"), path = "absent/legacy.rs")]
mod legacy;
mod load;
mod network;
mod parts;
mod plugin;
mod proxy;
mod raw;
mod reading;
mod reload;
pub mod schema;
mod server;
mod servers;
mod sessions;
mod source;
mod suggest;
#[cfg_attr(not(feature = "formats"), path = "absent/template.rs")]
mod template;
mod tree;
mod types;
mod visitor;

pub use auto::{AutoTransport, Candidate};
pub use client::{
    ClientAuth, ClientConfig, ClientOidc, ClientTls, ClientTlsOn, ClientTransport, Heartbeat,
    OidcCredentials, Protocol, WireVersion,
};
pub use definition::{Defined, Definition, DefinitionError, Definitions};
pub use error::{ConfigError, Entry, Fault, Format, Problem, Warning};
pub use extend::{EXEC, Extensions, FreeTable};
pub use load::{
    LEGACY_WARNING, Loaded, check_client, check_server, load_client, load_server, parse_client,
    parse_server,
};
pub use network::{Network, NotANetwork};
pub use plugin::{ForwardProxy, HttpRewrite, HttpsFront, PluginConfig, PluginLogin, StaticFile};
pub use proxy::{
    Backend, HealthCheck, HealthProbe, HttpProxy, HttpsProxy, LoadBalancer, ProxyConfig, ProxyKind,
    ProxyProtocol, ProxyTransport, SecretProxy, TcpMuxProxy, XtcpProxy,
};
pub use reading::{Environment, Reading, Strictness};
pub use server::{
    HttpPlugin, Listener, PluginOp, ServerAuth, ServerConfig, ServerOidc, ServerTls,
    ServerTransport, SshTunnelGateway, TcpMuxHttpConnect, VhostErrorMode,
};
pub use servers::{ServerEntry, ServerPlace, ServerPolicy, Servers};
pub use sessions::{Sessions, WorkConns};
pub use types::{
    AuthMethod, Bandwidth, BandwidthLimitMode, Congestion, IdentityFiles, LONGEST, Log, LogFormat,
    LogLevel, LogTarget, NotBandwidth, Port, PortRanges, QuicOptions, Scopes, Secret, TcpMux,
    ValueSource, WebServer,
};
pub use visitor::{Fallback, VisitorConfig, VisitorKind, VisitorPlugin, XtcpProtocol, XtcpVisitor};
