//! The shape of a table: its columns and the key along which it is read in pieces.

use std::collections::BTreeMap;

use super::quote;
use super::session::Session;
use crate::Result;
use crate::databases::{Key, Rewriting};

/// The tables in a target that keep the account of a job. They are never part of what is copied, counted or checked.
pub(super) const OWN: &str = "_clonedeck_";

/// Engines whose tables are doors to somewhere else.
const ABROAD: &[&str] = &["federated", "connect", "spider", "s3", "sphinx"];

/// Bytes of rows that one range holds at about.
const RANGE_BYTES: u64 = 8 << 20;

/// A table as the copy needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub name: String,
    pub engine: String,
    pub collation: String,
    /// Whether the server keeps the versions that its rows had.
    pub versioned: bool,
    pub rows: u64,
    pub bytes: u64,
    pub row_bytes: u64,
    pub columns: Vec<Column>,
    pub key: Key,
    /// The columns of the key, as places in `columns`; none for a table that is read in one piece.
    pub key_columns: Vec<usize>,
    pub key_index: String,
}

/// A column that is copied; generated columns come by themselves and are not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub name: String,
    pub kind: Kind,
    /// Whether the server counts it up for rows that come without.
    pub counts: bool,
    /// Whether one value may fill many packets.
    pub long: bool,
}

/// How the values of a column travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Digits.
    Number,
    /// A single-precision number, whose own text form loses digits.
    Float,
    /// A field of bits.
    Bit,
    /// Dates: short ASCII text that is no prose.
    Plain,
    /// UUIDs and network addresses: the same, but from bytes the server would take them as their inner form.
    Token,
    /// Text whose bytes hold ASCII as ASCII.
    Text(String),
    /// Text in UTF-16 or UTF-32, whose bytes do not.
    Wide(String),
    /// MySQL's own JSON type, which takes no bytes but text.
    Json,
    /// Bytes.
    Bytes,
    /// One or several words of a list, or a shape on a map: bytes in which nothing is rewritten.
    Opaque,
}

impl Kind {
    fn of(data_type: &str, charset: Option<&str>) -> Self {
        match data_type {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "double" | "year" => {
                Self::Number
            }
            "float" => Self::Float,
            "bit" => Self::Bit,
            "json" => Self::Json,
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => match charset {
                Some(wide @ ("ucs2" | "utf16" | "utf16le" | "utf32")) => Self::Wide(wide.to_owned()),
                Some(charset) => Self::Text(charset.to_owned()),
                None => Self::Bytes,
            },
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Self::Bytes,
            "date" | "time" | "datetime" | "timestamp" => Self::Plain,
            "uuid" | "inet4" | "inet6" => Self::Token,
            _ => Self::Opaque,
        }
    }

    /// Whether an order of its values is one that ranges can be cut along.
    fn orders(&self) -> bool {
        matches!(self, Self::Number | Self::Plain | Self::Token | Self::Text(_) | Self::Bytes)
    }

    /// Whether an address can be in it.
    pub(super) fn holds_text(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Wide(_) | Self::Json | Self::Bytes)
    }
}

impl Column {
    pub(super) fn quoted(&self) -> String {
        quote::name(&self.name)
    }

    /// The expression that reads a value so that writing it at [`Column::mark`] brings back the same.
    pub(super) fn read(&self) -> String {
        let name = self.quoted();
        match self.kind {
            Kind::Float => format!("CAST({name} AS DOUBLE)"),
            Kind::Bit => format!("{name}+0"),
            Kind::Wide(_) | Kind::Json => format!("CONVERT({name} USING utf8mb4)"),
            _ => name,
        }
    }

    /// The mark of a value in a prepared statement, which comes as the bytes that were read: what they are stored as.
    pub(super) fn mark(&self) -> String {
        let bytes = match &self.kind {
            Kind::Text(charset) => !charset.starts_with("utf8"),
            Kind::Opaque => true,
            _ => false,
        };
        self.loaded("?").unwrap_or_else(|| if bytes { "CAST(? AS BINARY)" } else { "?" }.to_owned())
    }

    /// A value of a key as SQL that compares in the order of the index.
    fn literal(&self, value: &[u8]) -> String {
        match &self.kind {
            Kind::Number => String::from_utf8_lossy(value).into_owned(),
            Kind::Text(charset) => format!("_{charset} X'{}'", crate::databases::hex(value)),
            Kind::Plain | Kind::Token => quote::text(&String::from_utf8_lossy(value)),
            _ => format!("X'{}'", crate::databases::hex(value)),
        }
    }

    /// What bytes that `what` stands for, a variable or a mark, are stored as; none where they go into the column as they are.
    pub(super) fn loaded(&self, what: &str) -> Option<String> {
        match self.kind {
            Kind::Bit => Some(format!("CAST({what} AS UNSIGNED)")),
            Kind::Wide(_) | Kind::Json | Kind::Token => Some(format!("CONVERT({what} USING utf8mb4)")),
            _ => None,
        }
    }

    /// The expression whose text stands for the value in a checksum, as [`Column::sum_of`] makes it. NULL is told from every value.
    fn sum(&self) -> String {
        let value = match self.kind {
            Kind::Number | Kind::Plain | Kind::Float | Kind::Bit => self.read(),
            Kind::Token => format!("CAST({} AS CHAR)", self.read()),
            _ => format!("CRC32({})", self.read()),
        };
        format!("IFNULL({value},'N')")
    }

    /// Appends the text that stands for a value, which came by [`Column::read`], in a checksum.
    fn sum_of(&self, value: Option<&[u8]>, text: &mut Vec<u8>) {
        match (value, &self.kind) {
            (None, _) => text.push(b'N'),
            (Some(value), Kind::Number | Kind::Plain | Kind::Float | Kind::Bit | Kind::Token) => {
                text.extend_from_slice(value);
            }
            (Some(value), _) => {
                text.extend_from_slice(itoa::Buffer::new().format(crc32fast::hash(value)).as_bytes());
            }
        }
    }
}

impl Shape {
    /// Names of the copied columns with commas.
    pub(super) fn names(&self) -> String {
        self.columns.iter().map(Column::quoted).collect::<Vec<_>>().join(",")
    }

    /// The condition of the one row with a key.
    pub(super) fn is(&self, key: &[String]) -> String {
        let names = self.key_columns.iter().map(|at| self.columns[*at].quoted());
        names.zip(key).map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" AND ")
    }

    /// A row's checksum, from the cells that came by [`Column::read`]; `text` is room to work in.
    pub(super) fn row_sum<'a>(
        &self,
        cells: impl Iterator<Item = Option<&'a [u8]>>,
        text: &mut Vec<u8>,
    ) -> u64 {
        text.clear();
        for (at, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            if at > 0 {
                text.push(b',');
            }
            column.sum_of(cell, text);
        }
        u64::from(crc32fast::hash(text))
    }

    /// The expression by which a server makes the same checksum.
    pub(super) fn sum(&self) -> String {
        format!(
            "CRC32(CONCAT_WS(',',{}))",
            self.columns.iter().map(Column::sum).collect::<Vec<_>>().join(",")
        )
    }

    /// Tells the server along which index to go.
    pub(super) fn along(&self) -> String {
        if self.key_columns.is_empty() {
            String::new()
        } else {
            format!(" FORCE INDEX ({})", quote::name(&self.key_index))
        }
    }

    /// The columns of text in which addresses are rewritten.
    pub(super) fn rewritten(&self, rewriting: &Rewriting) -> Vec<usize> {
        (0..self.columns.len())
            .filter(|at| {
                let column = &self.columns[*at];
                column.kind.holds_text() && !rewriting.keeps(&self.name, &column.name)
            })
            .collect()
    }

    /// The columns of the key with commas.
    pub(super) fn key_names(&self) -> String {
        self.key_columns.iter().map(|at| self.columns[*at].quoted()).collect::<Vec<_>>().join(",")
    }

    /// The key of a row as SQL literals.
    pub(super) fn literals<'a>(&self, values: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
        self.key_columns.iter().zip(values).map(|(at, value)| self.columns[*at].literal(value)).collect()
    }

    /// How many rows a range holds.
    pub(super) fn range_rows(&self) -> u64 {
        (RANGE_BYTES / self.row_bytes.max(1)).clamp(20, 40_000)
    }

    pub(super) fn transactional(&self) -> bool {
        is_transactional(&self.engine)
    }

    /// Whether its rows are its own. Those of some engines are other tables', or another server's, and none are to be copied.
    pub(super) fn holds_rows(&self) -> bool {
        let elsewhere = |engine: &str| {
            engine.eq_ignore_ascii_case("mrg_myisam") || engine.eq_ignore_ascii_case("blackhole")
        };
        !elsewhere(&self.engine) && !self.is_abroad() && !self.is_computed()
    }

    /// Whether all of its columns are computed, so that there is nothing to copy into it.
    pub(super) fn is_computed(&self) -> bool {
        self.columns.is_empty()
    }

    /// Whether its rows lie outside the server.
    pub(super) fn is_abroad(&self) -> bool {
        ABROAD.iter().any(|known| self.engine.eq_ignore_ascii_case(known))
    }

    /// Whether rows can be deleted from it one by one. Else it is brought whole.
    pub(super) fn deletes(&self) -> bool {
        !self.engine.eq_ignore_ascii_case("archive")
    }

    /// The statement that takes what is in a range out of a table.
    pub(super) fn emptying(&self, table: &str, within: &str) -> String {
        if self.deletes() {
            format!("DELETE FROM {table} WHERE {within}")
        } else {
            format!("TRUNCATE TABLE {table}")
        }
    }

    /// The condition of the rows after `low` and up to `high`, the latter included.
    pub(super) fn between(&self, low: Option<&[String]>, high: Option<&[String]>) -> String {
        let names: Vec<String> = self.key_columns.iter().map(|at| self.columns[*at].quoted()).collect();
        let mut parts = Vec::new();
        if let Some(low) = low {
            parts.push(beyond(&names, low, ">", ">"));
        }
        if let Some(high) = high {
            parts.push(beyond(&names, high, "<", "<="));
        }
        if parts.is_empty() { "TRUE".to_owned() } else { parts.join(" AND ") }
    }
}

/// `(a, b) > (x, y)` in a form that servers find in an index.
fn beyond(names: &[String], values: &[String], strict: &str, last: &str) -> String {
    let mut alternatives = Vec::new();
    for depth in 0..names.len() {
        let mut terms: Vec<String> =
            names.iter().zip(values).take(depth).map(|(name, value)| format!("{name}={value}")).collect();
        let sign = if depth + 1 == names.len() { last } else { strict };
        terms.push(format!("{}{sign}{}", names[depth], values[depth]));
        alternatives.push(terms.join(" AND "));
    }
    format!("({})", alternatives.join(" OR "))
}

pub(super) fn is_transactional(engine: &str) -> bool {
    ["innodb", "rocksdb", "tokudb", "ndbcluster"].iter().any(|known| engine.eq_ignore_ascii_case(known))
}

/// Everything in a database that is not a job's own account, of one kind of thing.
pub(super) async fn names(session: &mut Session, sql: &str) -> Result<Vec<String>> {
    Ok(session.rows(sql).await?.iter().map(|row| row.text(0)).filter(|name| !name.starts_with(OWN)).collect())
}

/// A column of an index.
struct Part {
    column: String,
    unique: bool,
    /// Whether the index orders by the whole value.
    whole: bool,
}

/// The tables of a database, by name.
pub(super) async fn shapes(session: &mut Session, database: &str) -> Result<Vec<Shape>> {
    let schema = quote::text(database);
    let mut columns: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    let mut nullable: BTreeMap<(String, String), bool> = BTreeMap::new();
    for row in session
        .rows(format!(
            "SELECT table_name, column_name, data_type, character_set_name, extra, is_nullable FROM information_schema.columns \
             WHERE table_schema={schema} ORDER BY table_name, ordinal_position"
        ))
        .await?
    {
        let extra = row.text(4).to_ascii_uppercase();
        // DEFAULT_GENERATED is MySQL's word for a default that is an expression, which is copied as any value.
        let generated = extra.contains("GENERATED") && !extra.contains("DEFAULT_GENERATED")
            || extra.contains("PERSISTENT")
            || extra.contains("STORED GENERATED")
            || extra.contains("VIRTUAL GENERATED");
        if generated {
            continue;
        }
        let data_type = row.text(2).to_ascii_lowercase();
        let kind = Kind::of(&data_type, row.maybe_text(3).as_deref());
        nullable.insert((row.text(0), row.text(1)), row.text(5) == "YES");
        columns.entry(row.text(0)).or_default().push(Column {
            name: row.text(1),
            kind,
            counts: extra.contains("AUTO_INCREMENT"),
            long: ["mediumtext", "longtext", "mediumblob", "longblob", "json"].contains(&data_type.as_str()),
        });
    }
    let mut indexes: BTreeMap<(String, String), Vec<Part>> = BTreeMap::new();
    for row in session
        .rows(format!(
            "SELECT table_name, index_name, column_name, non_unique, sub_part, index_type FROM information_schema.statistics \
             WHERE table_schema={schema} ORDER BY table_name, index_name, seq_in_index"
        ))
        .await?
    {
        let whole = row.bytes(4).is_none() && row.text(5) == "BTREE";
        indexes.entry((row.text(0), row.text(1))).or_default().push(Part { column: row.text(2), unique: row.number(3) == 0, whole });
    }
    let tables = session
        .rows(format!(
            "SELECT table_name, engine, table_collation, table_rows, data_length + index_length, avg_row_length, table_type \
             FROM information_schema.tables WHERE table_schema={schema} AND table_type IN ('BASE TABLE','SYSTEM VERSIONED') \
             ORDER BY table_name"
        ))
        .await?;
    let mut shapes = Vec::new();
    for row in tables.iter().filter(|row| !row.text(0).starts_with(OWN)) {
        let name = row.text(0);
        let columns = columns.remove(&name).unwrap_or_default();
        let mut found: Option<(u8, String, Vec<usize>)> = None;
        for ((_, index), parts) in
            indexes.range((name.clone(), String::new())..).take_while(|((table, _), _)| *table == name)
        {
            let places: Option<Vec<usize>> = parts
                .iter()
                .map(|part| {
                    let place = columns.iter().position(|known| known.name == part.column)?;
                    let null = nullable.get(&(name.clone(), part.column.clone())).copied().unwrap_or(true);
                    (part.whole && !null && columns[place].kind.orders()).then_some(place)
                })
                .collect();
            let Some(places) = places else { continue };
            let rank = if index == "PRIMARY" { 0 } else { 2 - u8::from(parts[0].unique) };
            if found.as_ref().is_none_or(|(best, _, known)| (rank, places.len()) < (*best, known.len())) {
                found = Some((rank, index.clone(), places));
            }
        }
        let key = match found {
            Some((0, ..)) => Key::Primary,
            Some((1, ..)) => Key::Unique,
            Some(_) => Key::Index,
            None => Key::None,
        };
        let (_, key_index, key_columns) = found.unwrap_or_default();
        shapes.push(Shape {
            engine: row.text(1),
            collation: row.text(2),
            versioned: row.text(6) == "SYSTEM VERSIONED",
            rows: row.number(3),
            bytes: row.number(4),
            row_bytes: row.number(5),
            name,
            columns,
            key,
            key_columns,
            key_index,
        });
    }
    Ok(shapes)
}
