//! TLS in both roles as a stream wrapped around a stream.
