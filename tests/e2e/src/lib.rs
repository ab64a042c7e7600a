//! End-to-end cases: real programs, real ports, one suite for every pairing of implementations.
//!
//! A case takes a [`Pairing`] and knows nothing else about who plays which role. The suite is
//! written once, in [`pairing_suite!`], and instantiated by `tests/e2e` (ours with ours) and
//! `tests/interop` (ours with real frp, both ways round).

pub mod cases;
mod pairing;
mod scene;
mod suite;

pub use pairing::Pairing;
pub use scene::{Pair, SOON, Scene, local};
