//! What the tests of xtcp share.
