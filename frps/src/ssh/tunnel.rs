//! One SSH connection from its handshake to its end.

use std::{future::Future, sync::Arc, time::Duration};

use culvert_io::{Peer, Relaying, Scope, Stream, relay};
use culvert_transport::Framed;
use culvert_wire::Message;
use russh::{
    ChannelId, Disconnect,
    server::{Handle, run_stream},
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Gateway,
    command::{Said, Wish},
    handler::{Client, Event},
    leash::Leash,
    patience::Users,
};
use crate::{
    server::Server,
    session::{LocalClient, Proof},
    strangers::Seat,
};

/// How long somebody may take to log in: OpenSSH's `LoginGraceTime`, since a person may have to
/// type a passphrase.
const LOGIN: Duration = Duration::from_secs(120);
/// How long a client may then take to say what it wants (protocol 8.2).
const WISH: Duration = Duration::from_secs(3);
/// How long a client may take to end, and to take its last words.
const LAST: Duration = Duration::from_secs(2);
/// How long a client may take to accept a user.
const OPEN: Duration = Duration::from_secs(10);
/// Users of one SSH connection at a time; each may cost up to two windows of memory.
const USERS: usize = 1024;
/// Requests that are heard: a client sends a handful.
const EVENTS: usize = 64;

/// What a client said it wants.
struct Asked {
    /// The user of its key.
    owner: Option<String>,
    forward: (String, u32),
    command: String,
}

/// Serves one connection to its end.
pub(super) async fn serve(
    gateway: &Gateway,
    stream: Stream,
    server: &Arc<Server>,
    lane: &Scope,
    seat: Seat,
) {
    let peer = *stream.peer();
    let cut = CancellationToken::new();
    let _cut = cut.clone().drop_guard();
    let (tell, events) = mpsc::channel(EVENTS);
    let client = Client::new(gateway.authorized_keys.clone(), tell);
    let begun = run_stream(Arc::clone(&gateway.config), Leash::new(stream, cut), client);
    let deadline = Instant::now() + LOGIN;
    let ssh = match timeout_at(deadline, begun).await {
        Ok(Ok(ssh)) => ssh,
        Ok(Err(err)) => return tracing::debug!("[{}] speaks no ssh: {err}", peer.addr),
        Err(_) => return tracing::debug!("[{}] did not begin to speak ssh", peer.addr),
    };
    let mut tunnel = Tunnel {
        ssh: ssh.handle(),
        peer,
        events,
        words: None,
        gone: CancellationToken::new(),
    };
    let gone = tunnel.gone.clone();
    lane.spawn_graceful(|_stop| async move {
        // It ends when the peer does, at the latest when its stream is cut.
        if let Err(err) = ssh.await {
            tracing::debug!("[{}] ssh connection ended: {err}", peer.addr);
        }
        gone.cancel();
    });
    let code = match tunnel.asked(deadline).await {
        Some(asked) => tunnel.run(server, lane, asked, seat).await,
        None => 1,
    };
    tunnel.end(code).await;
    tracing::debug!("ssh tunnel connection from [{}] closed", peer.addr);
}

/// One SSH connection.
struct Tunnel {
    ssh: Handle,
    peer: Peer,
    events: mpsc::Receiver<Event>,
    /// Where texts for people go.
    words: Option<ChannelId>,
    /// The connection has ended.
    gone: CancellationToken,
}

impl Tunnel {
    /// Waits until the client has said what it wants; `None` when it does not, and has been told.
    async fn asked(&mut self, deadline: Instant) -> Option<Asked> {
        let mut deadline = deadline;
        let (mut owner, mut forward, mut command) = (None, None, None);
        loop {
            let event = tokio::select! {
                () = self.gone.cancelled() => return None,
                event = timeout_at(deadline, self.events.recv()) => event,
            };
            match event {
                Ok(Some(Event::Admitted(user))) => {
                    owner = user;
                    deadline = Instant::now() + WISH;
                }
                // Of several forwards, and several commands, the first one counts.
                Ok(Some(Event::Forward(host, port))) => {
                    forward.get_or_insert((host, port));
                }
                Ok(Some(Event::Exec(line))) => {
                    command.get_or_insert(line);
                }
                Ok(Some(Event::Opened(channel))) => {
                    self.words.get_or_insert(channel);
                }
                Ok(Some(Event::Shell)) => {
                    self.say(
                        "there is no shell here; say which proxy to open, such as: \
                         ssh -R :80:127.0.0.1:8080 -p PORT v0@SERVER tcp --remote_port 6000",
                    )
                    .await;
                    return None;
                }
                Ok(Some(Event::Interrupted) | None) => return None,
                Err(_late) => {
                    tracing::warn!("[{}] did not say in time what it wants", self.peer.addr);
                    self.say("a forward (-R) and a command, such as tcp, are needed")
                        .await;
                    return None;
                }
            }
            if let (Some(_), Some(_)) = (&forward, &command)
                && let (Some(forward), Some(command)) = (forward.take(), command.take())
            {
                return Some(Asked {
                    owner,
                    forward,
                    command,
                });
            }
        }
    }

    /// Does what the client wants until either side ends; answers the exit status.
    async fn run(&mut self, server: &Arc<Server>, lane: &Scope, asked: Asked, seat: Seat) -> u32 {
        let has_key = asked.owner.is_some();
        let wish = match Wish::parse(&asked.command, asked.owner.as_deref()) {
            Ok(wish) => wish,
            Err(Said::Help(text)) => {
                self.say(&text).await;
                return 0;
            }
            Err(Said::Wrong(text)) => {
                tracing::warn!("parse flags from ssh client error: {text}");
                self.say(&text).await;
                return 1;
            }
        };
        let proof = if has_key {
            Proof::Given
        } else {
            Proof::Messages
        };
        let (login, peer) = (wish.login(has_key), self.peer.addr);
        let mut client = match LocalClient::login(server, lane, peer, login, proof).await {
            Ok(client) => client,
            Err(text) => {
                self.say(&format!("login to the server failed: {text}"))
                    .await;
                return 1;
            }
        };
        drop(seat);
        let code = match client.open(wish.ask()).await {
            Ok(remote_addr) => {
                self.say(&wish.opened(&remote_addr)).await;
                self.carry(&mut client, lane, asked.forward).await;
                0
            }
            Err(text) => {
                self.say(&text).await;
                1
            }
        };
        client.leave().await;
        code
    }

    /// Passes users on until the session, the connection or the person ends.
    async fn carry(&mut self, client: &mut LocalClient, lane: &Scope, forward: (String, u32)) {
        let users = Users::default();
        let tasks = lane.child(tracing::Span::none());
        let serve = |work: Framed| {
            let (ssh, forward, users) = (self.ssh.clone(), forward.clone(), users.clone());
            tasks.spawn(pass_on(work, ssh, forward, users));
        };
        let interrupted = async {
            while let Some(event) = self.events.recv().await {
                if event == Event::Interrupted {
                    return;
                }
            }
        };
        tokio::select! {
            () = client.work(serve) => {}
            () = self.gone.cancelled() => {}
            () = interrupted => {}
        }
        tasks.close(Duration::ZERO).await;
    }

    /// Says something to the person at the other end.
    async fn say(&self, text: &str) {
        if let Some(channel) = self.words {
            let said = self.ssh.data(channel, format!("{text}\n"));
            in_time(said).await;
        }
    }

    /// Ends the connection.
    async fn end(&self, code: u32) {
        if let Some(channel) = self.words {
            in_time(self.ssh.exit_status_request(channel, code)).await;
            in_time(self.ssh.eof(channel)).await;
            in_time(self.ssh.close(channel)).await;
            if timeout(LAST, self.gone.cancelled()).await.is_ok() {
                return;
            }
        }
        let bye = Disconnect::ByApplication;
        in_time(self.ssh.disconnect(bye, String::new(), String::new())).await;
        // Then its stream is cut.
        let _late = timeout(LAST, self.gone.cancelled()).await;
    }
}

/// Waits until something is on its way; what a peer does not take in time, or cannot take any
/// more, is lost.
async fn in_time<T>(sent: impl Future<Output = T>) {
    let _lost = timeout(LAST, sent).await.is_err();
}

/// Waits for the user of a work connection and passes its bytes on through the client's forward.
async fn pass_on(mut work: Framed, ssh: Handle, (host, port): (String, u32), users: Users) {
    let Ok(Some(Message::StartWorkConn(start))) = work.next().await else {
        return;
    };
    if !start.error.is_empty() {
        return tracing::debug!("a work connection was refused: {}", start.error);
    }
    if users.count() >= USERS {
        return tracing::warn!("{USERS} users come through one ssh connection, refusing more");
    }
    // The origin is no user's address: upstream gives the forward's own (pkg/ssh/server.go).
    let opened = ssh.channel_open_forwarded_tcpip(&*host, port, &*host, port);
    let channel = match timeout(OPEN, opened).await {
        Ok(Ok(channel)) => channel,
        Ok(Err(err)) => return tracing::debug!("the ssh client takes no user: {err}"),
        Err(_) => return tracing::debug!("the ssh client takes no user in time"),
    };
    let work = work.into_stream();
    let peer = *work.peer();
    let user = Stream::new(users.join(work), peer);
    let service = Stream::new(channel.into_stream(), peer);
    let _done = relay(user, service, &Relaying::default()).await;
}
