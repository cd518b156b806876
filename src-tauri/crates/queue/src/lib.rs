//! Clonedeck's queue crate.
