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
            let opened = match access {
                Access::Read => sqlite::reading(path),
                Access::Write => sqlite::writing(path, rusqlite::OpenFlags::empty()),
            };
            let open = opened.map_err(|why| {
                Problem::permanent(
                    "database.unknown",
                    format!("The database {} cannot be opened: {why}.", path.display()),
                )
                .help("Look whether the file is there and this user may read it.")
                .with("path", path.display())
            })?;
            Ok(Box::new(open))
        }
    }
}
