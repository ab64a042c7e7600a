//! How two peers behind NATs find each other (protocol 6): functions of bytes and addresses, without
//! sockets or a clock.
//!
//! * [`stun`]: what a STUN server is asked, and what its answer says of our address.
//! * [`Nat`]: which kind of NAT the addresses that servers saw speak of.
//! * [`Plan`]: who sends, who waits, and how; [`Memory`] prefers what worked before.
//! * [`answers`]: what a server tells the two peers.
//! * [`hello`]: the datagrams that peers send each other until one arrives.
//!
//! What takes bytes from strangers, and must take any: [`stun::read`] and [`hello::open`].
#![forbid(unsafe_code)]

mod answer;
pub mod hello;
mod id;
mod memory;
mod nat;
mod plan;
pub mod stun;

pub use answer::{AddressError, AnswerError, Answers, answers};
pub use id::{IdError, new_id};
pub use memory::{Memory, Pair};
pub use nat::{Change, Nat, NatError};
pub use plan::{Behavior, Plan, Role, plans};
