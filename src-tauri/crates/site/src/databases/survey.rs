use serde::{Deserialize, Serialize};

/// What is in a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// Product and version of what serves it: `MariaDB 10.11.14`, `SQLite 3.53`.
    pub product: String,
    /// The name of the database; for SQLite the file.
    pub name: String,
    /// Its default collation.
    pub collation: String,
    /// Tables, by name.
    pub tables: Vec<Table>,
    /// Names of views.
    pub views: Vec<String>,
    /// Names of triggers.
    pub triggers: Vec<String>,
    /// Names of stored procedures and functions.
    pub routines: Vec<String>,
    /// Names of scheduled events.
    pub events: Vec<String>,
    /// Names of sequences (MariaDB).
    pub sequences: Vec<String>,
}

impl Survey {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// Bytes of data and indexes of all tables, as the server estimates them.
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.bytes).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
            && self.views.is_empty()
            && self.triggers.is_empty()
            && self.routines.is_empty()
            && self.events.is_empty()
            && self.sequences.is_empty()
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its storage engine.
    pub engine: String,
    /// Whether its engine can take a write back, and read one moment.
    pub transactional: bool,
    /// Rows: exact or as the server estimates them, as was asked.
    pub rows: u64,
    /// Bytes of data and indexes, as the server estimates them.
    pub bytes: u64,
    /// Default collation of its text.
    pub collation: String,
    /// Along what it can be read in pieces.
    pub key: Key,
}

/// Along what a table can be read in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Key {
    /// Its primary key.
    Primary,
    /// A unique index without NULLs.
    Unique,
    /// Another index without NULLs.
    Index,
    /// Nothing: it is read in one piece.
    None,
}

/// How exactly rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// The server's guess, at once.
    Estimate,
    /// Every row, which reads every index.
    Exact,
}
