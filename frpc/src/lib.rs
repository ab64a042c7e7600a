//! The frpc program as a library.
