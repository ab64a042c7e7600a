//! Micro-benchmarks of what every byte or connection passes: `cargo bench -p culvert-bench`.
//!
//! Words after `--` choose some by name: `cargo bench -p culvert-bench -- mux`. Criterion compares
//! each with its run before.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that fails may end like that"
)]

mod crypto;
mod mux;
mod relay;
mod router;
mod tls;
mod wire;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    mux::all(&mut criterion);
    wire::all(&mut criterion);
    router::all(&mut criterion);
    relay::all(&mut criterion);
    crypto::all(&mut criterion);
    tls::all(&mut criterion);
    criterion.final_summary();
}
