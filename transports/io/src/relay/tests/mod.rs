//! Relays between every pair of carriers.

mod carry;
mod ends;
mod mock;
#[cfg(target_os = "linux")]
mod splice;

use std::{future::Future, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    runtime::Handle,
    sync::oneshot,
};

use self::mock::{KINDS, Kind};
use super::*;
use crate::Scope;

/// Fails a test that hangs. Long enough for a loaded machine.
async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work)
        .await
        .expect("the test hangs")
}

/// Relays in a task of its own.
fn begin(user: Stream, work: Stream, how: Relaying) -> (Scope, oneshot::Receiver<Relayed>) {
    let scope = Scope::root(Handle::current());
    let (tell, told) = oneshot::channel();
    scope.spawn(async move {
        tell.send(relay(user, work, &how).await).ok();
    });
    (scope, told)
}

/// Every two carriers, with the fast paths where they pay, nowhere and everywhere.
fn ways() -> impl Iterator<Item = (Kind, Kind, Relaying)> {
    let choices = [FastPaths::USUAL, FastPaths::NONE, FastPaths::ALL];
    choices.into_iter().flat_map(|fast_paths| {
        let how = Relaying {
            fast_paths,
            ..Relaying::default()
        };
        let pairs = KINDS
            .into_iter()
            .flat_map(|user| KINDS.map(|work| (user, work)));
        pairs.map(move |(user, work)| (user, work, how.clone()))
    })
}

/// Small random numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// An endless known sequence: its period is prime, so that a lost or doubled block shows.
struct Pattern {
    block: Vec<u8>,
    at: usize,
}

const PERIOD: usize = 65_537;

impl Pattern {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let one: Vec<u8> = (0..PERIOD)
            .map(|_| u8::try_from(random.below(256)).unwrap())
            .collect();
        Self {
            block: [&one[..], &one].concat(),
            at: 0,
        }
    }

    /// The next `n` bytes, at most a period.
    fn next(&mut self, n: usize) -> &[u8] {
        let from = self.at % PERIOD;
        self.at += n;
        &self.block[from..from + n]
    }
}

async fn write_pattern(mut to: impl AsyncWrite + Unpin, seed: u64, total: usize) {
    let (mut pattern, mut random) = (Pattern::new(seed), Random(seed + 1));
    while pattern.at < total {
        // Mostly large pieces, now and then a tiny one.
        let most = if random.below(4) == 0 { 64 } else { PERIOD };
        let n = (1 + random.below(most)).min(total - pattern.at);
        to.write_all(pattern.next(n)).await.unwrap();
    }
    to.flush().await.unwrap();
}

async fn read_pattern(mut from: impl AsyncRead + Unpin, seed: u64, total: usize) {
    let mut pattern = Pattern::new(seed);
    let mut buf = vec![0; 48 * 1024];
    while pattern.at < total {
        let most = buf.len().min(total - pattern.at);
        let n = from.read(&mut buf[..most]).await.unwrap();
        assert!(n > 0, "ended after {} of {total} bytes", pattern.at);
        let at = pattern.at;
        assert!(buf[..n] == *pattern.next(n), "differs after byte {at}");
    }
}

/// Reads the end of the stream and nothing before it.
async fn read_end(mut from: impl AsyncRead + Unpin) {
    assert_eq!(from.read(&mut [0; 1]).await.unwrap(), 0);
}
