use rusqlite::Connection;

/// The tables that keep the account of a job start so.
pub(super) const OWN: &str = "_clonedeck_";

/// A table as rewriting needs to know it.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub name: String,
    /// Columns that can be written.
    pub columns: Vec<String>,
    /// What names a row: one of the names of the row's own number, or the columns of the primary key.
    pub key: Vec<String>,
    /// Whether rows have numbers of their own.
    pub numbered: bool,
}

/// The ordinary tables of a database, by name.
pub(super) fn shapes(connection: &Connection) -> rusqlite::Result<Vec<Shape>> {
    let mut list = connection.prepare(
        "SELECT name, wr FROM pragma_table_list WHERE schema='main' AND type='table' AND substr(name,1,7)<>'sqlite_' \
         AND substr(name,1,11)<>?1 ORDER BY name",
    )?;
    let names: Vec<(String, bool)> =
        list.query_map([OWN], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    names
        .into_iter()
        .map(|(name, without_numbers)| {
            let mut info =
                connection.prepare("SELECT name, pk, hidden FROM pragma_table_xinfo(?1) ORDER BY cid")?;
            let all: Vec<(String, i64, i64)> = info
                .query_map([&name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<Result<_, _>>()?;
            let key = if without_numbers {
                let mut key: Vec<_> = all.iter().filter(|(_, place, _)| *place > 0).collect();
                key.sort_by_key(|(_, place, _)| *place);
                key.into_iter().map(|(column, ..)| column.clone()).collect()
            } else {
                let free = ["rowid", "_rowid_", "oid"]
                    .into_iter()
                    .find(|word| !all.iter().any(|(column, ..)| column.eq_ignore_ascii_case(word)));
                // All three taken is legal and has not been seen; the table is then left as it is.
                free.map(ToOwned::to_owned).into_iter().collect()
            };
            let columns =
                all.into_iter().filter(|(.., hidden)| *hidden == 0).map(|(column, ..)| column).collect();
            Ok(Shape { name, columns, key, numbered: !without_numbers })
        })
        .collect()
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn list(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(",")
}

pub(super) fn rows(connection: &Connection, table: &str) -> rusqlite::Result<u64> {
    connection
        .query_row(&format!("SELECT COUNT(*) FROM {}", quoted(table)), [], |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}
