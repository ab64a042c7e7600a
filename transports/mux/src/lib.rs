//! yamux: many streams over one, wire-compatible with Go's.
