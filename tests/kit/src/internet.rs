//! A small internet: two homes behind routers that translate addresses, and a public host between
//! them with a STUN server.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

use crate::{
    Result, Service,
    namespace::{Namespace, script},
    stun, tool,
};

/// How a router chooses the port that others see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nat {
    /// The host's own, to every destination.
    Easy,
    /// Another one for each destination.
    Hard,
}

impl Nat {
    const fn masquerade(self) -> &'static str {
        match self {
            Self::Easy => "",
            Self::Hard => "fully-random",
        }
    }
}

/// The public host, its networks and its STUN server.
#[derive(Debug)]
pub struct Internet {
    /// The public host, at [`PUBLIC`](Self::PUBLIC).
    pub public: Namespace,
    /// A host at home, at [`HOME`](Self::HOME), behind its router.
    pub near: Namespace,
    /// Another in its own home, at the same address.
    pub far: Namespace,
    _routers: [Namespace; 2],
    _stun: Service,
}

/// Makes the public network.
const HUB: &str = r#"
ip -n "$1" link add name hub type bridge
ip -n "$1" addr add 203.0.113.1/24 dev hub
ip -n "$1" addr add 203.0.113.2/24 dev hub
ip -n "$1" link set hub up
"#;

/// Makes a home: hub, router, host, the router's last number, how it translates. What nobody inside
/// has asked for is dropped at the door, as routers at home do.
const HOME: &str = r#"
ip -n "$1" link add name "home$4" type veth peer name wan netns "$2"
ip -n "$1" link set "home$4" master hub up
ip -n "$2" addr add "203.0.113.$4/24" dev wan
ip -n "$2" link set wan up
ip -n "$2" link add name lan type veth peer name eth netns "$3"
ip -n "$2" addr add 10.0.0.1/24 dev lan
ip -n "$2" link set lan up
ip -n "$3" addr add 10.0.0.2/24 dev eth
ip -n "$3" link set eth up
ip -n "$3" route add default via 10.0.0.1
ip netns exec "$2" sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
ip netns exec "$2" nft -f - <<RULES
table ip home {
  chain out { type nat hook postrouting priority 100; oifname "wan" masquerade $5; }
  chain here { type filter hook input priority 0; iifname "wan" ct state new drop; }
  chain through { type filter hook forward priority 0; iifname "wan" ct state new drop; }
}
RULES
"#;

impl Internet {
    /// The address of the public host.
    pub const PUBLIC: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
    /// The address of either host at home.
    pub const HOME: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
    /// Where the STUN server listens; its other address is none of the host's main one.
    pub const STUN: SocketAddrV4 = SocketAddrV4::new(Self::PUBLIC, 3478);
    const STUN_OTHER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 2), 3479);

    /// Two homes behind such routers; `None`, after telling the reader, where the system does not
    /// allow it or lacks the tools.
    ///
    /// # Errors
    /// When it is allowed and fails.
    #[expect(clippy::print_stdout, reason = "a skipped test says so")]
    pub async fn new(near: Nat, far: Nat) -> Result<Option<Self>> {
        if tool("ip").is_none() || tool("nft").is_none() {
            return Ok(None);
        }
        let public = match Namespace::new("public").await {
            Ok(public) => public,
            Err(error) => {
                println!("skipped: no networks of our own here: {error}");
                return Ok(None);
            }
        };
        script(HUB, &[public.name()]).await?;
        let (near_router, near_host) = home(&public, "near", "11", near).await?;
        let (far_router, far_host) = home(&public, "far", "12", far).await?;
        let bind = |at| public.inside(move || UdpSocket::bind(SocketAddr::V4(at)));
        let stun = stun::server([bind(Self::STUN)?, bind(Self::STUN_OTHER)?])?;
        Ok(Some(Self {
            public,
            near: near_host,
            far: far_host,
            _routers: [near_router, far_router],
            _stun: stun,
        }))
    }
}

async fn home(
    public: &Namespace,
    name: &str,
    number: &str,
    nat: Nat,
) -> Result<(Namespace, Namespace)> {
    let router = Namespace::new(&format!("{name}-router")).await?;
    let host = Namespace::new(name).await?;
    let names = [public.name(), router.name(), host.name()];
    let args = [&names[..], &[number, nat.masquerade()]].concat();
    script(HOME, &args).await?;
    Ok((router, host))
}
