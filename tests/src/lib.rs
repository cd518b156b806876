//! Fixtures shared by the tests that need more than one crate.

pub mod desk;
pub mod disk;
pub mod luck;
pub mod mariadb;
pub mod program;
pub mod shop_rows;
pub mod site_tree;
pub mod trees;
pub mod wordpress;
