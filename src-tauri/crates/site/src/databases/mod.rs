//! A site's database: where it is, and copying, rewriting and comparing it.

mod address;

pub use address::{DatabaseAddress, Server};
