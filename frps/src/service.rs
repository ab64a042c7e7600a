//! Start order and shutdown of the server.

use std::{future::Future, net::IpAddr, sync::Arc, time::Duration};

use culvert_conf::{FreeTable, ServerConfig};
use culvert_io::{Lanes, Scope};
use culvert_program::{Door, DoorError, OriginError, Product};
use culvert_proxies::{Ports, ServerResources, Visitors, server_kinds, xtcp::Meetings};
use culvert_tcp::resolve_first;
use culvert_transport::{Options, Target, TransportError, report};
use culvert_transports::{
    DynListening, ServerStack, Transports, find, quic_options, server_options, standard,
};
use tokio::{net::TcpListener, runtime::Handle};

use crate::{
    auth::{Auth, AuthError},
    dashboard,
    figures::{self, Figures},
    front::{self, Links, Port, Shared},
    hooks::Hooks,
    registry::Registry,
    reload::{Reloader, Reread},
    server::Server,
    ssh::{Gateway, GatewayError},
    strangers::Strangers,
    vhosts::Vhosts,
};

/// How long connections in flight may go on after the program was asked to stop. Service
/// runners wait longer than this before they kill (systemd: 90 s, containers: 10 s).
const GRACE: Duration = Duration::from_secs(5);

/// Why the server could not start; each names what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A port cannot be opened.
    #[error("{what} error, {}", report(.source))]
    Listen {
        /// What the port is for, as upstream says it.
        what: &'static str,
        /// Why not.
        source: TransportError,
    },
    /// A UDP port of a transport cannot be opened.
    #[error("listen on {name} udp address {address} error: {}", report(.source))]
    ListenUdp {
        /// The transport.
        name: &'static str,
        /// Where.
        address: String,
        /// Why not.
        source: TransportError,
    },
    /// `proxyBindAddr` is no address.
    #[error("proxyBindAddr: cannot find the address of {host}; give an IP address of this host")]
    Host {
        /// What was given.
        host: String,
        /// Why not.
        source: TransportError,
    },
    /// The web server cannot start.
    #[error(transparent)]
    Web(#[from] DoorError),
    /// There is nothing to check clients with.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// TLS cannot be set up.
    #[error("transport.tls: {}", report(.0))]
    Tls(TransportError),
    /// The SSH gateway cannot be opened.
    #[error(transparent)]
    Ssh(#[from] GatewayError),
    /// A server plugin cannot be used.
    #[error(
        "httpPlugins: plugin [{name}]: {source}; set addr to host:port or a URL, path to /path"
    )]
    Plugin {
        /// Its name.
        name: String,
        /// Why not.
        source: OriginError,
    },
}

/// A server with its ports open, ready to run.
pub struct Service {
    server: Arc<Server>,
    lanes: Arc<Lanes>,
    root: Scope,
    listeners: Vec<(TcpListener, Port)>,
    links: Vec<Arc<Links>>,
    gateway: Option<Gateway>,
    door: Option<Door>,
    reread: Option<Reread>,
}

impl Service {
    /// Opens every port with the transports of the stock program; see
    /// [`bind_with`](Self::bind_with).
    ///
    /// *Cancel safety*: ports opened so far are closed.
    ///
    /// # Errors
    /// As there.
    pub async fn bind(config: ServerConfig, lanes: Arc<Lanes>) -> Result<Self, StartError> {
        Self::bind_with(config, lanes, &standard()).await
    }

    /// Opens every port and prepares what connections share. Nothing is served yet.
    ///
    /// *Cancel safety*: ports opened so far are closed.
    ///
    /// # Errors
    /// A port is taken, or a file, a host or a plugin that the configuration names cannot be used.
    pub async fn bind_with(
        config: ServerConfig,
        lanes: Arc<Lanes>,
        transports: &Transports<dyn DynListening>,
    ) -> Result<Self, StartError> {
        let root = Scope::root(Handle::current());
        let auth = Auth::new(&config.auth, &root).await?;
        let stack = ServerStack::new(&config.transport).map_err(StartError::Tls)?;
        let shared = shared(&config);
        let door = Door::bind(Product::Frps, config.web_server.as_ref()).await?;
        let mut listeners = Vec::from_iter(tcpmux(&config).await?);
        let bind = |what, host: &str, port| bind(what, host.to_owned(), port);
        let what = "create server listener";
        listeners.push((
            bind(what, &config.bind_addr, config.bind_port).await?,
            Port::Bind,
        ));
        tracing::info!(
            "frps tcp listen on {}",
            Target::new(&config.bind_addr, config.bind_port)
        );
        let vhosts = [
            (config.vhost_http_port, shared.http, "http", Port::VhostHttp),
            (
                config.vhost_https_port,
                shared.https,
                "https",
                Port::VhostHttps,
            ),
        ];
        for (port, is_shared, name, kind) in vhosts {
            let Some(port) = port.map(u16::from) else {
                continue;
            };
            let host = &config.proxy_bind_addr;
            if !is_shared {
                let what = if name == "http" {
                    "create vhost http listener"
                } else {
                    "create vhost https listener"
                };
                listeners.push((bind(what, host, port).await?, kind));
            }
            tracing::info!("{name} service listen on {}", Target::new(host, port));
        }
        let links = links(&config, transports).await?;
        let gateway = gateway(&config).await?;
        let published = published(&config.proxy_bind_addr).await?;
        let vhosts = root.child(tracing::Span::none());
        let hooks = Hooks::new(&config.http_plugins, root.child(tracing::Span::none()))
            .map_err(|(name, source)| StartError::Plugin { name, source })?;
        let server = Arc::new(assemble(
            config,
            published,
            (auth, stack, shared),
            vhosts,
            hooks,
        ));
        Ok(Self {
            server,
            lanes,
            root,
            listeners,
            links,
            gateway,
            door,
            reread: None,
        })
    }

    /// The same server, which reads its configuration again with `reread` when it is asked to: by
    /// the dashboard's API and by SIGHUP.
    #[must_use]
    pub fn reloading(mut self, reread: Option<Reread>) -> Self {
        self.reread = reread;
        self
    }

    /// Serves until `stop` resolves, then lets connections in flight end for a while; `hurry`
    /// cuts that short.
    ///
    /// *Cancel safety*: dropping the future leaves tasks running; let it end.
    pub async fn run(self, stop: impl Future<Output = ()>, hurry: impl Future<Output = ()>) {
        let Self {
            server,
            lanes,
            root,
            listeners,
            links,
            gateway,
            door,
            reread,
        } = self;
        let reloads = reread.is_some();
        let reloader = Reloader::new(Arc::clone(&server), reread, root.clone());
        let reloader = Arc::new(reloader);
        let doors = root.child(tracing::Span::none());
        for (listener, port) in listeners {
            let (server, lanes, root) = (Arc::clone(&server), Arc::clone(&lanes), root.clone());
            doors.spawn(front::accept(listener, port, server, lanes, root));
        }
        for open in &links {
            let (server, lanes, root) = (Arc::clone(&server), Arc::clone(&lanes), root.clone());
            doors.spawn(Arc::clone(open).accept(server, lanes, root));
        }
        if let Some(gateway) = gateway {
            let (server, lanes, root) = (Arc::clone(&server), Arc::clone(&lanes), root.clone());
            doors.spawn(gateway.accept(server, lanes, root));
        }
        if let Some(door) = door {
            let site = dashboard::site(&server, door.web(), &root, Arc::clone(&reloader));
            doors.spawn(door.accept(site, doors.clone()));
        }
        if let Some(proxies) = &server.figures.proxies {
            doors.spawn(figures::sample(Arc::clone(proxies)));
        }
        if reloads {
            doors.spawn(Arc::clone(&reloader).when_asked());
            if server.config().watch_config {
                doors.spawn(reloader.when_changed());
            }
        }
        tracing::info!("frps started successfully");
        stop.await;
        tracing::info!("frps is stopping, connections in flight have {GRACE:?} to end");
        tokio::select! {
            () = orderly(&server, &doors, &links) => {}
            () = hurry => tracing::info!("asked to stop again, ending at once"),
        }
        root.close(Duration::ZERO).await;
        tracing::info!("frps stopped");
    }
}

/// No new users, then no users, then no clients, then nothing that brought them.
async fn orderly(server: &Server, doors: &Scope, links: &[Arc<Links>]) {
    doors.close(Duration::ZERO).await;
    let sessions = server.registry.all();
    for session in &sessions {
        session.close_doors().await;
    }
    server.vhost_users.stop();
    let until = tokio::time::Instant::now() + GRACE;
    // All have the same time: those that are waited for later go on meanwhile.
    for session in &sessions {
        let left = until.saturating_duration_since(tokio::time::Instant::now());
        session.close_users(left).await;
        session.retire();
        session.gone().await;
    }
    let left = until.saturating_duration_since(tokio::time::Instant::now());
    server.vhost_users.close(left).await;
    let left = until.saturating_duration_since(tokio::time::Instant::now());
    server.hooks.load_full().close(left).await;
    for open in links {
        open.close().await;
    }
}

/// The address of `proxyBindAddr`, where the ports of proxies are opened.
async fn published(host: &str) -> Result<IpAddr, StartError> {
    match resolve_first(host, 0).await {
        Ok(found) => Ok(found.ip()),
        Err(source) => Err(StartError::Host {
            host: host.to_owned(),
            source,
        }),
    }
}

/// Opens the SSH gateway, if there is to be one.
async fn gateway(config: &ServerConfig) -> Result<Option<Gateway>, GatewayError> {
    match &config.ssh_tunnel_gateway {
        Some(gateway) => Gateway::bind(&config.bind_addr, gateway).await.map(Some),
        None => Ok(None),
    }
}

/// Opens a UDP port of a transport of upstream's at `bindAddr`; `network` is what its log line has
/// in front of the address.
async fn udp(
    (name, network): (&'static str, &str),
    (host, port): (&str, culvert_conf::Port),
    opts: &Options,
    transports: &Transports<dyn DynListening>,
) -> Result<Arc<Links>, StartError> {
    let port = u16::from(port);
    let address = Target::new(host, port);
    let failed = |source| StartError::ListenUdp {
        name,
        address: address.to_string(),
        source,
    };
    let at = resolve_first(host, port).await.map_err(failed)?;
    let transport = find(transports, name).map_err(failed)?;
    let open = Links::bind(&*transport, name, at, opts).await;
    let open = open.map_err(failed)?;
    tracing::info!("frps {name} listen on {network}{address}");
    Ok(Arc::new(open))
}

/// Opens what `listeners` asks for.
async fn links(
    config: &ServerConfig,
    transports: &Transports<dyn DynListening>,
) -> Result<Vec<Arc<Links>>, StartError> {
    let what = "create listener";
    let failed = |source| StartError::Listen { what, source };
    let mut links = Vec::with_capacity(config.listeners.len());
    let host = &*config.bind_addr;
    if let Some(port) = config.kcp_bind_port {
        let opts = server_options(&config.transport, &FreeTable::default());
        links.push(udp(("kcp", "udp "), (host, port), &opts, transports).await?);
    }
    if let Some(port) = config.quic_bind_port {
        let opts = quic_options(&config.transport);
        links.push(udp(("quic", ""), (host, port), &opts, transports).await?);
    }
    for entry in &config.listeners {
        let transport = find(transports, &entry.transport).map_err(failed)?;
        let opts = server_options(&config.transport, &entry.own);
        let open = Links::bind(&*transport, &entry.transport, entry.bind, &opts);
        let open = open.await.map_err(failed)?;
        tracing::info!("frps {} listen on {}", entry.transport, open.at());
        links.push(Arc::new(open));
    }
    Ok(links)
}

/// Opens the port of tcpmux proxies, if there is to be one.
async fn tcpmux(config: &ServerConfig) -> Result<Option<(TcpListener, Port)>, StartError> {
    let Some(front) = &config.tcpmux_http_connect else {
        return Ok(None);
    };
    let (host, port) = (&config.proxy_bind_addr, front.port.get());
    let listener = bind("create server listener", host.clone(), port).await?;
    tracing::info!(
        "tcpmux httpconnect multiplexer listen on {}, passthrough: {}",
        Target::new(host, port),
        front.passthrough
    );
    Ok(Some((listener, Port::TcpMux)))
}

fn assemble(
    config: ServerConfig,
    published: IpAddr,
    (auth, stack, shared): (Auth, ServerStack, Shared),
    vhost_users: Scope,
    hooks: Hooks,
) -> Server {
    let vhosts = Vhosts::new(&config);
    let visitors = Visitors::default();
    let meetings = Meetings::new(config.nat_hole_analysis_data_reserve);
    let ports = || Ports::new(published, config.allow_ports.clone());
    let (tcp_ports, udp_ports) = (ports(), ports());
    let kinds = server_kinds(&ServerResources {
        tcp_ports: tcp_ports.clone(),
        udp_ports: udp_ports.clone(),
        udp_packet_size: config.udp_packet_size,
        vhosts: vhosts.lent(&config),
        visitors: visitors.clone(),
        meetings: meetings.clone(),
    });
    Server {
        kinds,
        visitors,
        meetings,
        auth: Arc::new(auth).into(),
        stack: Arc::new(stack).into(),
        ports: [tcp_ports, udp_ports],
        registry: Arc::new(Registry::default()),
        strangers: Arc::new(Strangers::default()),
        figures: Figures::new(config.web_server.is_some()),
        http: vhosts.http,
        hooks: Arc::new(hooks).into(),
        https: vhosts.https,
        tcpmux: vhosts.tcpmux,
        shared,
        vhost_users,
        settings: Arc::new(Arc::new(config).into()),
    }
}

/// Which vhosts share the bind port (protocol 1.1).
fn shared(config: &ServerConfig) -> Shared {
    let same = |port: Option<culvert_conf::Port>| {
        port.is_some_and(|p| p.get() == config.bind_port)
            && config.bind_addr == config.proxy_bind_addr
    };
    Shared {
        http: same(config.vhost_http_port),
        https: same(config.vhost_https_port),
    }
}

async fn bind(what: &'static str, host: String, port: u16) -> Result<TcpListener, StartError> {
    culvert_tcp::listen(&host, port)
        .await
        .map_err(|source| StartError::Listen { what, source })
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
