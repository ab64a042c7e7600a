//! In place of http, https and tcpmux proxies, in builds without `http`: there are none.

use culvert_proxy::ServerKinds;

/// No shared ports.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Vhosts;

/// The same kinds.
pub(crate) const fn with_kinds(kinds: ServerKinds, _: Vhosts) -> ServerKinds {
    kinds
}
