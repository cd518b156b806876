//! SQLite: a database is a file, and its copy is made by the online backup, which is one moment of it.

mod check;
mod copy;
mod link;
mod rewrite;
mod shape;
mod target;

pub(super) use check::check;
pub(super) use copy::{copy, settle};
pub(super) use link::{reading, writing};
pub(super) use rewrite::rewrite;
pub(super) use target::{Source, Target};
