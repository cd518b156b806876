//! Clonedeck's jobs crate.
