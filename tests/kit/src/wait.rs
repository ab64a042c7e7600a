//! Waiting for events, never for time to pass.

use std::{future::Future, net::SocketAddr, time::Duration};

use tokio::{net::TcpStream, time};

use crate::{Error, Result};

/// How often a condition that cannot announce itself is looked at.
const POLL: Duration = Duration::from_millis(25);

/// Awaits `work` for no longer than `deadline`.
///
/// # Errors
/// [`Error::Late`] with `what` when it takes longer, else the error of `work`.
pub async fn within<T>(
    deadline: Duration,
    what: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    time::timeout(deadline, work).await.unwrap_or_else(|_| {
        Err(Error::Late {
            what: what.to_owned(),
            deadline,
            detail: String::new(),
        })
    })
}

/// Tries `attempt` again and again until it succeeds or `deadline` is over.
///
/// # Errors
/// [`Error::Late`] with the last failure as its detail.
pub async fn eventually<T, F>(
    deadline: Duration,
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let end = time::Instant::now() + deadline;
    let mut last = String::from("no attempt came to an end");
    while let Ok(result) = time::timeout_at(end, attempt()).await {
        match result {
            Ok(value) => return Ok(value),
            Err(e) => last = e.to_string(),
        }
        if time::Instant::now() >= end {
            break;
        }
        time::sleep(POLL).await;
    }
    Err(Error::Late {
        what: what.to_owned(),
        deadline,
        detail: format!(" (last: {last})"),
    })
}

/// Waits until something accepts TCP connections at `addr`.
///
/// # Errors
/// [`Error::Late`] after `deadline`.
pub async fn connected(addr: SocketAddr, deadline: Duration) -> Result<TcpStream> {
    eventually(deadline, &format!("a TCP connection to {addr}"), || async {
        TcpStream::connect(addr)
            .await
            .map_err(Error::io(format!("connect to {addr}")))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn eventually_gives_the_last_failure() {
        let mut tries = 0;
        let never: Result = eventually(Duration::from_secs(1), "a pig flew", || {
            tries += 1;
            let n = tries;
            async move { Err(Error::wrong(format!("try {n}"))) }
        })
        .await;
        let text = never.unwrap_err().to_string();
        assert!(
            text.starts_with("a pig flew did not happen within 1s (last: try "),
            "{text}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn eventually_ends_with_the_first_success() {
        let mut tries = 0;
        let got = eventually(Duration::from_secs(1), "three", || {
            tries += 1;
            let attempt = if tries == 3 {
                Ok(3)
            } else {
                Err(Error::wrong("no"))
            };
            std::future::ready(attempt)
        })
        .await;
        assert_eq!(got.unwrap(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_hangs_is_cut_off() {
        let hangs: Result =
            eventually(Duration::from_secs(1), "an answer", std::future::pending).await;
        assert!(hangs.is_err());
    }
}
