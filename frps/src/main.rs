//! The frps program. 
fn main() {}
