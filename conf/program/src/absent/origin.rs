//! In place of web servers that we ask, in builds without `http`: none is asked.

/// Never: nobody is asked.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {}
