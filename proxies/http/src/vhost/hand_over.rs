//! From a user whose proxy is known to the bytes that go both ways, for vhosts that end nothing.

use std::{io, sync::Arc, time::Duration};

use culvert_io::Stream;
use culvert_proxy::{Members, ServerCx, Turn, UserAddrs, join};
use tokio::{
    io::AsyncWriteExt,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Users of one route that may wait for a work connection at a time: as many as of a tcp proxy.
/// Each costs a socket and a small task for at most `userConnTimeout`.
const WAITING_USERS: usize = 4096;

/// How long an answer of some hundred bytes may take to be written.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The proxies behind a route of a vhost that ends nothing, and the places for users who wait.
#[derive(Clone, Debug)]
pub struct Tunnels {
    members: Arc<Members<Arc<dyn ServerCx>>>,
    seats: Arc<Semaphore>,
}

/// What a user is told before the bytes of the service; empty says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Words {
    /// There is a work connection.
    pub(super) welcome: &'static [u8],
    /// There is none.
    pub(super) sorry: &'static [u8],
}

impl Tunnels {
    /// Leads to these proxies.
    #[must_use]
    pub fn new(members: Arc<Members<Arc<dyn ServerCx>>>) -> Self {
        Self {
            members,
            seats: Arc::new(Semaphore::new(WAITING_USERS)),
        }
    }

    /// Hands a user over to whoever's turn it is. The relay lives where that proxy's session keeps
    /// its users.
    pub(super) fn hand_over(&self, user: Stream, words: Words) {
        let turn = self.members.turn();
        let Some(first) = turn.first() else {
            return;
        };
        let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() else {
            return tracing::debug!(
                "{WAITING_USERS} users wait for a work connection of [{}], closing [{}]",
                first.name(),
                user.peer().addr
            );
        };
        let users = first.users().clone();
        users.spawn_graceful(|_stop| pass_on(user, turn, seat, words));
    }
}

async fn pass_on(
    user: Stream,
    turn: Turn<Arc<dyn ServerCx>>,
    seat: OwnedSemaphorePermit,
    words: Words,
) {
    let peer = *user.peer();
    // It was accepted on another thread; from now on it is served here.
    let mut user = match user.adopt() {
        Ok(user) => user,
        Err(error) => return tracing::debug!("user [{}] is gone already: {error}", peer.addr),
    };
    tracing::info!("get a user connection [{}]", peer.addr);
    let work = turn.work_conn(UserAddrs::of(&peer)).await;
    drop((seat, turn));
    let (proxy, work) = match work {
        Ok(work) => work,
        Err(error) => {
            tracing::warn!("failed to get work connection: {error}");
            return dismiss(user, words.sorry).await;
        }
    };
    if let Err(error) = say(&mut user, words.welcome).await {
        return tracing::debug!("user [{}] does not listen: {error}", peer.addr);
    }
    let ended = join(user, work, proxy).await;
    tracing::debug!("connection of [{}] ended: {:?}", peer.addr, ended.end);
}

/// Says the last word to a user and closes the connection.
pub(super) async fn dismiss(mut user: Stream, words: &[u8]) {
    if let Err(error) = say(&mut user, words).await {
        return tracing::debug!("answer to [{}] not sent: {error}", user.peer().addr);
    }
    let _late = timeout(ANSWER_TIMEOUT, user.shutdown()).await;
}

async fn say(user: &mut Stream, words: &[u8]) -> io::Result<()> {
    if words.is_empty() {
        return Ok(());
    }
    let write = async {
        user.write_all(words).await?;
        user.flush().await
    };
    timeout(ANSWER_TIMEOUT, write)
        .await
        .map_err(|_| io::ErrorKind::TimedOut)?
}
