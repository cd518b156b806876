//! MariaDB and MySQL.

mod account;
mod aside;
mod back;
mod batch;
mod check;
mod copy;
mod define;
mod dialect;
mod error;
mod marks;
mod memory;
mod programs;
mod qualified;
mod quote;
mod range;
mod ranges;
mod reading;
mod rights;
mod rows;
mod session;
mod settle;
mod shape;
mod source;
mod target;
mod tls;
mod write;

pub(super) use check::check;
pub(super) use copy::{copy, rewrite};
pub(super) use error::too_long;
pub(super) use rights::missing as missing_rights;
pub(super) use settle::{To, settle};
pub(super) use source::Source;
pub(super) use target::Target;

/// The names of all databases of a server that its user sees.
pub(super) async fn names(
    address: &super::DatabaseAddress,
    secret: &crate::Secret,
) -> crate::Result<Vec<String>> {
    let (login, _) = session::Login::new(address, secret)?;
    let mut session = login.open("", session::Mode::Read).await?;
    let names = session.rows("SHOW DATABASES").await?.iter().map(|row| row.text(0)).collect();
    session.close().await;
    Ok(names)
}

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
