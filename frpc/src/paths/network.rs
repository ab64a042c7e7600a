//! What a change of the machine's addresses or routes does to the paths of a bundle.
//!
//! A path is touched when packets to its server would now leave from another address. One that can
//! move (QUIC) does, with its streams; the others are believed to be dead from then on, at once,
//! instead of after the timeouts of their transport.

use std::sync::Arc;

use culvert_io::network;
use culvert_transport::report;

use super::bundle::{Bundle, Origin, Strand};

impl Bundle {
    /// Looks at every path after a change of the network.
    pub(super) fn look_at_network(self: &Arc<Self>) {
        for strand in self.strands() {
            let Some(origin) = strand.origin() else {
                continue;
            };
            // Without any way to the server there is nothing to do: the next change tells.
            let Ok(own) = network::source(origin.server, None) else {
                continue;
            };
            if own != origin.own {
                let bundle = Arc::clone(self);
                self.spawn(async move {
                    let to = Origin { own, ..origin };
                    bundle.follow(&strand, (origin, to)).await;
                });
            }
        }
    }

    async fn follow(&self, strand: &Strand, (from, to): (Origin, Origin)) {
        let Some(_turn) = strand.turn_to_move() else {
            return;
        };
        let (rung, from, own) = (&strand.path.rung, from.own, to.own);
        match strand.path.session.migrate().await {
            Ok(()) => {
                tracing::info!("our address changed from {from} to {own}, {rung} went along");
                strand.moved_to(to);
            }
            Err(err) => {
                let why = report(&err);
                tracing::info!(
                    "our address changed from {from} to {own}, leaving the link over {rung}: {why}"
                );
                strand.suspect();
                self.changed();
            }
        }
    }
}
