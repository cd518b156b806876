//! Clonedeck's store crate.
