//! The frpc program. 
fn main() {}
