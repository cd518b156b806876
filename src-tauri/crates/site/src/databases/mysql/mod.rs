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

/// A conversation for a few small questions.
pub(super) async fn conversation(
    address: &super::DatabaseAddress,
    secret: &crate::Secret,
    access: super::Access,
) -> crate::Result<mysql_async::Conn> {
    let (login, name) = session::Login::new(address, secret)?;
    let mode = match access {
        super::Access::Read => session::Mode::Read,
        super::Access::Write => session::Mode::Write,
    };
    Ok(login.open(&name, mode).await?.into_conn())
}
