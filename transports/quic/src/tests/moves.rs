//! Sessions that go on from another address.

use std::sync::Arc;

use culvert_transport::TransportError;

use super::{echo, exchange, pair, pattern, within};
use crate::QuicOptions;

#[tokio::test]
async fn a_session_moves_with_its_streams() {
    within(async {
        let (dialled, accepted) = pair(&QuicOptions::default()).await;
        let _echo = echo(accepted);
        let before = dialled.open().await.unwrap();
        assert_eq!(dialled.streams(), Some(1));
        dialled.migrate().await.unwrap();
        let bytes = Arc::new(pattern(3, 100_000));
        exchange(before, Arc::clone(&bytes)).await;
        exchange(dialled.open().await.unwrap(), bytes).await;
    })
    .await;
}

#[tokio::test]
async fn the_accepting_side_shares_its_socket_and_stays() {
    within(async {
        let (_dialled, accepted) = pair(&QuicOptions::default()).await;
        let stays = accepted.migrate().await.unwrap_err();
        assert!(matches!(stays, TransportError::Refused(_)), "{stays}");
    })
    .await;
}
