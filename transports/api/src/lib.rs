//! The traits that transports and multiplexers implement.
