//! Pipes: short writes, the order of ends, resets, and systems that give none.

use socket2::SockRef;
use tokio::{io::split, net::TcpStream};

use super::{
    mock::{peer, tcp},
    *,
};
use crate::{
    FastPath,
    relay::splice::{count, set_cap},
};

const BULK: usize = 8 << 20;

struct Pair {
    user: TcpStream,
    work: TcpStream,
    told: oneshot::Receiver<Relayed>,
    _scope: Scope,
}

/// A relay between two sockets; `tiny` gives the relay's ends the smallest send buffers.
async fn spliced(how: Relaying, tiny: bool) -> Pair {
    let (near_user, user) = tcp().await;
    let (near_work, work) = tcp().await;
    if tiny {
        for end in [&near_user, &near_work] {
            SockRef::from(end).set_send_buffer_size(1).unwrap();
        }
    }
    let near = (
        Stream::tcp(near_user, peer()),
        Stream::tcp(near_work, peer()),
    );
    let (scope, told) = begin(near.0, near.1, how);
    Pair {
        user,
        work,
        told,
        _scope: scope,
    }
}

async fn bulk_up(pair: Pair, total: usize) -> Relayed {
    let Pair {
        mut user,
        mut work,
        told,
        _scope,
    } = pair;
    let send = async {
        write_pattern(&mut user, 8, total).await;
        user.shutdown().await.unwrap();
    };
    let receive = async {
        read_pattern(&mut work, 8, total).await;
        read_end(&mut work).await;
    };
    within(async { tokio::join!(send, receive) }).await;
    drop((user, work));
    let relayed = within(told).await.unwrap();
    assert_eq!(relayed.to_work, u64::try_from(total).unwrap());
    relayed
}

#[tokio::test]
async fn bulk_is_spliced_and_the_pipes_go_back() {
    let relayed = bulk_up(spliced(Relaying::default(), false).await, BULK).await;
    assert_eq!(relayed.path, Path::Splice);
    let (open, free) = count();
    assert!(open > 0);
    assert_eq!(open, free);
}

#[tokio::test]
async fn short_writes_lose_nothing() {
    let relayed = bulk_up(spliced(Relaying::default(), true).await, BULK / 4).await;
    assert_eq!(relayed.path, Path::Splice);
}

#[tokio::test]
async fn without_permission_bulk_is_copied() {
    let how = Relaying {
        fast_paths: FastPaths::USUAL.without(FastPath::Splice),
        ..Relaying::default()
    };
    assert_eq!(
        bulk_up(spliced(how, false).await, BULK).await.path,
        Path::Copy
    );
    assert_eq!(count(), (0, 0));
}

#[tokio::test]
async fn without_pipes_bulk_is_copied() {
    set_cap(0);
    let relayed = bulk_up(spliced(Relaying::default(), true).await, BULK / 4).await;
    assert_eq!(relayed.path, Path::Copy);
    assert_eq!(count(), (0, 0));
}

#[tokio::test]
async fn relays_share_the_pipes_that_there_are() {
    set_cap(1);
    let (a, b) = (
        spliced(Relaying::default(), false).await,
        spliced(Relaying::default(), true).await,
    );
    tokio::join!(bulk_up(a, BULK), bulk_up(b, BULK / 4));
    assert!(count().0 <= 1);
}

#[tokio::test]
async fn messages_are_copied_again_after_bulk() {
    let pair = spliced(Relaying::default(), false).await;
    let (mut user_in, mut user_out) = split(pair.user);
    let (mut work_in, mut work_out) = split(pair.work);
    let mut got = [0; 1];
    for round in 0..3 {
        tokio::join!(
            write_pattern(&mut user_out, round + 1, 1 << 20),
            read_pattern(&mut work_in, round + 1, 1 << 20)
        );
        for _ in 0..10 {
            user_out.write_all(b"q").await.unwrap();
            within(work_in.read_exact(&mut got)).await.unwrap();
            work_out.write_all(b"a").await.unwrap();
            within(user_in.read_exact(&mut got)).await.unwrap();
        }
        let (open, free) = count();
        assert_eq!(open, free, "a relay that waits holds no pipe");
    }
}

#[tokio::test]
async fn a_pipe_with_bytes_left_in_it_is_closed() {
    let Pair {
        mut user,
        work,
        told,
        _scope,
    } = spliced(Relaying::default(), true).await;
    // Fill everything on the way, until the pipe is stuck with bytes in it.
    let block = vec![1; 65_536];
    let fill = async {
        let mut refused = 0;
        while refused < 100 || count() != (1, 0) {
            refused = if user.try_write(&block).is_ok() {
                0
            } else {
                refused + 1
            };
            tokio::task::yield_now().await;
        }
    };
    within(fill).await;
    assert_eq!(count(), (1, 0));
    work.set_zero_linger().unwrap();
    drop(work);
    let relayed = within(async {
        read_rest(&mut user).await;
        drop(user);
        told.await.unwrap()
    })
    .await;
    assert!(matches!(relayed.end, End::Reset(Side::Work, _)));
    assert_eq!(relayed.path, Path::Splice);
    assert_eq!(count(), (0, 0));
}

async fn read_rest(from: &mut TcpStream) {
    let mut got = vec![0; 4096];
    while matches!(from.read(&mut got).await, Ok(n) if n > 0) {}
}
