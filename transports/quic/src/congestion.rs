//! The controller of `culvert-transport` as quinn wants it.
//!
//! quinn paces by the window alone. Its own BBR keeps twice of what the path holds on its way, all
//! of it in queues.

use std::{any::Any, sync::Arc, time::Duration};

use culvert_transport::{Bbr, Habits};
use quinn::congestion::{Controller, ControllerFactory};
use quinn_proto::RttEstimator;

/// Time as quinn's controllers are told it.
#[expect(clippy::disallowed_types, reason = "quinn's trait has it")]
type Instant = std::time::Instant;

const HABITS: Habits = Habits {
    // What quinn sends at once, and systems acknowledge at once: its pacer works in steps of 2 ms.
    bundle: Duration::from_millis(2),
    least_trip: Duration::ZERO,
    // No radio link in use loses so much, but queues that overflow do.
    heavy: 8,
};

/// Makes one controller for each path.
#[derive(Debug, Default)]
pub(crate) struct BbrConfig;

impl ControllerFactory for BbrConfig {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        Box::new(Path {
            bbr: Bbr::new(Duration::ZERO, u64::from(current_mtu), HABITS),
            born: now,
        })
    }
}

/// One path.
#[derive(Clone, Debug)]
struct Path {
    bbr: Bbr,
    born: Instant,
}

impl Path {
    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.born)
    }
}

impl Controller for Path {
    fn on_sent(&mut self, now: Instant, _bytes: u64, _last_packet_number: u64) {
        self.bbr.on_sent(self.age(now));
    }

    fn on_ack(
        &mut self,
        now: Instant,
        sent: Instant,
        bytes: u64,
        _app_limited: bool,
        _rtt: &RttEstimator,
    ) {
        self.bbr.on_ack(self.age(now), Some(self.age(sent)), bytes);
    }

    fn on_end_acks(
        &mut self,
        now: Instant,
        in_flight: u64,
        app_limited: bool,
        _largest_packet_num_acked: Option<u64>,
    ) {
        self.bbr.on_end_acks(self.age(now), in_flight, app_limited);
    }

    fn on_congestion_event(
        &mut self,
        now: Instant,
        _sent: Instant,
        is_persistent_congestion: bool,
        lost_bytes: u64,
    ) {
        if is_persistent_congestion {
            self.bbr.restart(self.age(now));
        } else if lost_bytes == 0 {
            self.bbr.on_mark();
        } else {
            self.bbr.on_lost(lost_bytes);
        }
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.bbr.set_mtu(u64::from(new_mtu));
    }

    fn window(&self) -> u64 {
        self.bbr.window()
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn initial_window(&self) -> u64 {
        self.bbr.initial_window()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
