//! MariaDB and MySQL.

mod account;
mod aside;
mod check;
mod copy;
mod define;
mod dialect;
mod error;
mod programs;
mod quote;
mod range;
mod session;
mod settle;
mod shape;
mod source;
mod target;

pub(super) use check::check;
pub(super) use copy::{copy, rewrite};
pub(super) use settle::settle;
pub(super) use source::Source;
pub(super) use target::Target;
