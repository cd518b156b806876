//! Clonedeck's api crate.
