//! Clonedeck's site crate.
