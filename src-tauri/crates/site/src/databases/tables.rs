use super::{DatabaseAddress, mysql, sqlite};
use crate::defaults::Tables;
use crate::{Problem, Result, Secret};

/// What a conversation with a database may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing is written, and the database enforces it.
    Read,
    /// Rows are changed.
    Write,
}

/// A conversation with a database for a few small questions: addresses, options, a login.
pub async fn tables(address: &DatabaseAddress, secret: &Secret, access: Access) -> Result<Box<dyn Tables>> {
    match address {
        DatabaseAddress::Mysql { .. } => Ok(Box::new(mysql::conversation(address, secret, access).await?)),
        DatabaseAddress::Sqlite { path } => {
            use rusqlite::OpenFlags;
            let opened = match access {
                Access::Read => sqlite::reading(path),
                Access::Write => rusqlite::Connection::open_with_flags(
                    path,
                    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
                ),
            };
            let opened = opened.and_then(|connection| {
                connection.busy_timeout(std::time::Duration::from_secs(10)).map(|()| connection)
            });
            let connection = opened.map_err(|why| {
                Problem::permanent(
                    "database.unknown",
                    format!("The database {} cannot be opened: {why}.", path.display()),
                )
                .help("Look whether the file is there and this user may read it.")
                .with("path", path.display())
            })?;
            Ok(Box::new(connection))
        }
    }
}
