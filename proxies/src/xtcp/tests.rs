//! What the tests of xtcp share: a STUN server, and the control streams of two clients that end in
//! one server's table, without sessions in between.

mod meeting;
mod way;

use std::{
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    sync::Arc,
    time::Duration,
};

use culvert_conf::{Strictness, parse_client};
use culvert_io::Scope;
use culvert_kit::{Service, stun_server};
use culvert_proxy::{BoxFuture, Control, LayerFlags, Opened, ProxyError, Question, ServerKind};
use culvert_transports::PeerTunnels;
use culvert_wire::msg::{NatHoleReport, NatHoleResp, NewProxy};
use tokio::runtime::Handle;

use super::{Meetings, PeerCx, XtcpKind};
use crate::testing::Joined;

/// The key of the service.
const SECRET: &str = "sk";

/// A server with two addresses, on the loopback.
fn stun() -> Service {
    let socket = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    stun_server([socket(), socket()]).unwrap()
}

/// Where nobody listens, but somebody could.
fn silent() -> (UdpSocket, String) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let at = socket.local_addr().unwrap().to_string();
    (socket, at)
}

const fn here() -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)
}

/// The control stream of a client of `user`.
#[derive(Debug)]
struct Wired {
    meetings: Meetings,
    user: &'static str,
}

impl Control for Wired {
    fn tell(&self, report: NatHoleReport) -> Result<(), ProxyError> {
        self.meetings.report(&report);
        Ok(())
    }

    fn ask(&self, question: Question) -> BoxFuture<'_, Result<NatHoleResp, ProxyError>> {
        Box::pin(async move {
            let answer = match question {
                Question::Visitor(ask) => self.meetings.visitor(ask, self.user).await,
                Question::Client(ask) => self.meetings.client(ask).await,
            };
            match answer {
                Some(answer) => Ok(answer),
                None => std::future::pending().await,
            }
        })
    }
}

/// What a client of `user` lends.
fn peers(meetings: &Meetings, user: &'static str, stun_server: String) -> PeerCx {
    let text = "serverAddr = \"server.test\"\n";
    let config = parse_client(text, "frpc.toml", Strictness::Strict).unwrap();
    let root = Scope::root(Handle::current());
    PeerCx {
        stun_server,
        control: Arc::new(Wired {
            meetings: meetings.clone(),
            user,
        }),
        tunnels: Arc::new(PeerTunnels::new(&config.config)),
        users: root.child(tracing::Span::none()),
        sessions: root,
    }
}

fn meetings() -> Meetings {
    Meetings::new(Duration::from_secs(3600))
}

/// Opens the service for visitors of `allow`.
async fn open(meetings: &Meetings, joined: &Arc<Joined>, allow: &[&str]) -> Opened {
    let ask = NewProxy {
        sk: SECRET.to_owned(),
        allow_users: allow.iter().map(|&one| one.to_owned()).collect(),
        ..NewProxy::default()
    };
    let kind = XtcpKind::new(meetings.clone());
    let opened = kind.open(&ask, Arc::clone(joined) as _, &joined.scope);
    opened.await.unwrap()
}

fn nobody() -> Arc<Joined> {
    Joined::new(None, LayerFlags::default())
}
