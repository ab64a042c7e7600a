//! The frps program as a library.
