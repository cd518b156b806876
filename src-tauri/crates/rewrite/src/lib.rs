//! Clonedeck's rewrite crate.
