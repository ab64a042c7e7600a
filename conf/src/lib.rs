//! What the operator wrote and what it means: TOML to checked types.

mod client;
mod plugin;
mod proxy;
mod server;
mod types;
mod visitor;

pub use client::{
    ClientAuth, ClientConfig, ClientOidc, ClientTls, ClientTlsOn, ClientTransport, Heartbeat,
    OidcCredentials, Protocol, WireVersion,
};
pub use plugin::{HttpRewrite, HttpsFront, PluginConfig, PluginLogin, StaticFile};
pub use proxy::{
    Backend, HealthCheck, HealthProbe, HttpProxy, HttpsProxy, LoadBalancer, ProxyConfig, ProxyKind,
    ProxyProtocol, ProxyTransport, SecretProxy, TcpMuxProxy, XtcpProxy,
};
pub use server::{
    HttpPlugin, PluginOp, ServerAuth, ServerConfig, ServerOidc, ServerTls, ServerTransport,
    SshTunnelGateway, TcpMuxHttpConnect,
};
pub use types::{
    AuthMethod, Bandwidth, BandwidthLimitMode, IdentityFiles, LONGEST, Log, LogLevel, LogTarget,
    Port, PortRanges, QuicOptions, Scopes, Secret, TcpMux, ValueSource, WebServer,
};
pub use visitor::{Fallback, VisitorConfig, VisitorKind, VisitorPlugin, XtcpProtocol, XtcpVisitor};
