//! Fixtures shared by the tests that need more than one crate.

pub mod mariadb;
pub mod program;
pub mod wordpress;
