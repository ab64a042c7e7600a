//! The configurations that are measured, the same for both systems.

use std::net::SocketAddr;

use culvert_kit::{Result, free_port};

use crate::load::{SITE, Target};

/// What differs from the defaults of frp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Variant {
    /// Its name on the command line and in the tables.
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    protocol: &'static str,
    mux: bool,
    tls: bool,
    encrypted: bool,
}

const DEFAULT: Variant = Variant {
    name: "tcp",
    about: "the defaults: TCP, TLS, mux",
    protocol: "tcp",
    mux: true,
    tls: true,
    encrypted: false,
};

const PLAIN: Variant = Variant {
    name: "tcp-plain",
    about: "without TLS",
    tls: false,
    ..DEFAULT
};

/// Every variant, in the order of the tables.
pub(crate) const VARIANTS: [Variant; 7] = [
    DEFAULT,
    PLAIN,
    Variant {
        name: "nomux-plain",
        about: "without TLS and mux",
        mux: false,
        ..PLAIN
    },
    Variant {
        name: "enc",
        about: "without TLS, with `useEncryption`",
        encrypted: true,
        ..PLAIN
    },
    Variant {
        name: "quic",
        about: "QUIC",
        protocol: "quic",
        ..DEFAULT
    },
    Variant {
        name: "kcp",
        about: "KCP, with TLS and mux",
        protocol: "kcp",
        ..DEFAULT
    },
    Variant {
        name: "ws",
        about: "WebSocket without TLS",
        protocol: "websocket",
        ..PLAIN
    },
];

/// The ports of one pair.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) bind: u16,
    pub(crate) tcp: u16,
    pub(crate) udp: u16,
    pub(crate) http: u16,
}

impl Ports {
    /// Ports that are free.
    ///
    /// # Errors
    /// When there are none.
    pub(crate) fn free() -> Result<Self> {
        Ok(Self {
            bind: free_port()?,
            tcp: free_port()?,
            udp: free_port()?,
            http: free_port()?,
        })
    }
}

impl Variant {
    /// Whether a long link shows something else with it than with the others: what differs only
    /// in work for the CPU does not.
    pub(crate) fn on_links(self) -> bool {
        self.mux && !self.encrypted && (self.tls || self.protocol != "tcp")
    }

    /// The configuration of frps, which listens on `bind`.
    pub(crate) fn server(self, bind: &str, ports: Ports) -> String {
        let Ports {
            bind: port, http, ..
        } = ports;
        let udp = match self.protocol {
            protocol @ ("quic" | "kcp") => format!("{protocol}BindPort = {port}\n"),
            _ => String::new(),
        };
        format!(
            "bindAddr = \"{bind}\"\nbindPort = {port}\n{udp}vhostHTTPPort = {http}\n\
             log.level = \"error\"\ntransport.tcpMux = {}\n",
            self.mux
        )
    }

    /// The configuration of frpc for the server at `server`, without proxies.
    pub(crate) fn client(self, server: &str, ports: Ports) -> String {
        format!(
            "serverAddr = \"{server}\"\nserverPort = {}\ntransport.protocol = \"{}\"\n\
             transport.tcpMux = {}\ntransport.tls.enable = {}\n",
            ports.bind, self.protocol, self.mux, self.tls
        )
    }

    /// The proxies that publish `services`.
    pub(crate) fn proxies(self, services: Target, ports: Ports) -> String {
        let Ports { tcp, udp, .. } = ports;
        let port = |port| format!("remotePort = {port}");
        self.proxy("tcp", services.tcp, &port(tcp))
            + &self.proxy("udp", services.udp, &port(udp))
            + &self.proxy(
                "http",
                services.http,
                &format!("customDomains = [\"{SITE}\"]"),
            )
    }

    fn proxy(self, kind: &str, service: SocketAddr, line: &str) -> String {
        format!(
            "\n[[proxies]]\nname = \"{kind}\"\ntype = \"{kind}\"\nlocalIP = \"{}\"\n\
             localPort = {}\n{line}\ntransport.useEncryption = {}\n",
            service.ip(),
            service.port(),
            self.encrypted
        )
    }
}
