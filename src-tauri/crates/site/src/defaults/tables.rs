use async_trait::async_trait;
use mysql_async::prelude::Queryable;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::{Problem, Result};

/// A field of a row, or a parameter of a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// A whole number.
    Int(i64),
    /// Text or bytes.
    Bytes(Vec<u8>),
}

impl Cell {
    /// The field as text; empty for no value.
    pub fn text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Int(number) => number.to_string(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// The field as a number, also where the server sends it as text.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bytes(_) => self.text().trim().parse().ok(),
            Self::Null => None,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

/// The few things that settings need of a database. Statements are written so that MariaDB, MySQL and SQLite all take them: names
/// between backticks, `?` for parameters, `LIKE … ESCAPE '!'`.
#[async_trait]
pub trait Tables: Send {
    /// Runs a statement and answers the number of rows that it changed.
    async fn execute(&mut self, sql: &str, parameters: &[Cell]) -> Result<u64>;

    /// Runs a query and answers its rows.
    async fn query(&mut self, sql: &str, parameters: &[Cell]) -> Result<Vec<Vec<Cell>>>;

    /// The names of the tables.
    async fn names(&mut self) -> Result<Vec<String>>;
}

#[async_trait]
impl Tables for mysql_async::Conn {
    async fn execute(&mut self, sql: &str, parameters: &[Cell]) -> Result<u64> {
        self.exec_drop(sql, mysql_parameters(parameters)).await.map_err(|error| mysql_problem(&error))?;
        Ok(self.affected_rows())
    }

    async fn query(&mut self, sql: &str, parameters: &[Cell]) -> Result<Vec<Vec<Cell>>> {
        let rows: Vec<mysql_async::Row> =
            self.exec(sql, mysql_parameters(parameters)).await.map_err(|error| mysql_problem(&error))?;
        Ok(rows.into_iter().map(|row| row.unwrap().into_iter().map(mysql_cell).collect()).collect())
    }

    async fn names(&mut self) -> Result<Vec<String>> {
        self.query_map("SHOW TABLES", |name: String| name).await.map_err(|error| mysql_problem(&error))
    }
}

fn mysql_parameters(parameters: &[Cell]) -> mysql_async::Params {
    if parameters.is_empty() {
        return mysql_async::Params::Empty;
    }
    mysql_async::Params::Positional(
        parameters
            .iter()
            .map(|cell| match cell {
                Cell::Null => mysql_async::Value::NULL,
                Cell::Int(number) => mysql_async::Value::Int(*number),
                Cell::Bytes(bytes) => mysql_async::Value::Bytes(bytes.clone()),
            })
            .collect(),
    )
}

fn mysql_cell(value: mysql_async::Value) -> Cell {
    use mysql_async::Value;
    match value {
        Value::NULL => Cell::Null,
        Value::Int(number) => Cell::Int(number),
        Value::UInt(number) => i64::try_from(number).map_or_else(|_| number.to_string().into(), Cell::Int),
        Value::Bytes(bytes) => Cell::Bytes(bytes),
        Value::Float(number) => number.to_string().into(),
        Value::Double(number) => number.to_string().into(),
        other => other.as_sql(true).trim_matches('\'').to_owned().into(),
    }
}

/// The server's own words, without the statement: its parameters may be secrets.
fn mysql_problem(error: &mysql_async::Error) -> Problem {
    match error {
        mysql_async::Error::Server(error) => Problem::permanent(
            "database.refused",
            format!("The database refused: {}.", error.message.trim_end_matches('.')),
        )
        .with("number", error.code),
        _ => Problem::transient("database.gone", "The connection to the database was lost.")
            .help("It is tried again by itself; see whether the server runs."),
    }
}

#[async_trait]
impl Tables for rusqlite::Connection {
    async fn execute(&mut self, sql: &str, parameters: &[Cell]) -> Result<u64> {
        let db: &Self = self;
        let mut statement = db.prepare(sql).map_err(|error| sqlite_problem(db, &error))?;
        let changed = statement
            .execute(rusqlite::params_from_iter(parameters))
            .map_err(|error| sqlite_problem(db, &error))?;
        Ok(changed as u64)
    }

    async fn query(&mut self, sql: &str, parameters: &[Cell]) -> Result<Vec<Vec<Cell>>> {
        let db: &Self = self;
        let mut statement = db.prepare(sql).map_err(|error| sqlite_problem(db, &error))?;
        let width = statement.column_count();
        let mut rows = statement
            .query(rusqlite::params_from_iter(parameters))
            .map_err(|error| sqlite_problem(db, &error))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(|error| sqlite_problem(db, &error))? {
            let cells = (0..width).map(|index| row.get_ref(index).map(sqlite_cell));
            found.push(cells.collect::<Result<_, _>>().map_err(|error| sqlite_problem(db, &error))?);
        }
        Ok(found)
    }

    async fn names(&mut self) -> Result<Vec<String>> {
        let rows = Tables::query(self, "SELECT name FROM sqlite_master WHERE type = 'table'", &[]).await?;
        Ok(rows.iter().map(|row| row[0].text()).collect())
    }
}

impl rusqlite::ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            // WordPress's SQLite columns hold text; bytes would compare as another type.
            Self::Bytes(bytes) => std::str::from_utf8(bytes)
                .map_or(ValueRef::Blob(bytes), |text| ValueRef::Text(text.as_bytes())),
        }))
    }
}

fn sqlite_cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Real(number) => number.to_string().into(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    }
}

fn sqlite_problem(db: &rusqlite::Connection, error: &rusqlite::Error) -> Problem {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Problem::transient("database.busy", "The database file is locked by another program.")
        }
        Some(ErrorCode::DiskFull) => {
            let file = db.path().unwrap_or_default();
            Problem::needs_person("disk.full", format!("There is no room left for the database {file}."))
                .help("Make room on that disk; it goes on by itself.")
                .with("path", file)
        }
        _ => Problem::permanent("database.refused", format!("The database file refused: {error}.")),
    }
}
