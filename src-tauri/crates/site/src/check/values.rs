use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::databases::parsing::{BRACKETS, Form, LETTERS};
use crate::databases::{DatabaseAddress, ReadBack};
use crate::defaults::{Cell, Tables};
use crate::{Result, Watch};

/// Rows that are compared at a time, at least and at most, and bytes of them at about.
const ROWS: (u64, u64) = (16, 512);
const BYTES: u64 = 4 << 20;
/// Broken values that are named.
const NAMED: usize = 20;

/// Whether what parses in a source parses in its copy: counted by reading both, whatever else says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    /// Serialized values and JSON documents of the source that parse there and whose row the copy has.
    pub compared: u64,
    /// Those that do not parse in the copy.
    pub broken: u64,
    /// Some of them: table, column and key.
    pub named: Vec<String>,
    /// Tables without a primary key, whose rows cannot be told apart. They are not in the counts.
    pub unkeyed: Vec<String>,
}

/// A table with what is compared of it.
struct Table {
    name: String,
    key: Vec<String>,
    texts: Vec<String>,
    /// Rows that are compared at a time.
    rows: u64,
}

/// Reads every serialized value and JSON document of the source, and the same cell of the copy; not of tables that were read back already
/// and had each of them.
pub async fn values(
    address: &DatabaseAddress,
    source: &mut dyn Tables,
    copy: &mut dyn Tables,
    read_back: &[ReadBack],
    watch: &dyn Watch,
) -> Result<Values> {
    let mut values =
        Values { compared: read_back.iter().map(|table| table.parsing).sum(), ..Values::default() };
    let there = copy.names().await?;
    for table in tables(address, source).await? {
        watch.doing(&table.name);
        let is_known = read_back.iter().any(|known| known.table == table.name);
        if is_known || table.texts.is_empty() || !there.contains(&table.name) {
            continue;
        }
        if table.key.is_empty() {
            values.unkeyed.push(table.name.clone());
            continue;
        }
        compare(address, &table, source, copy, &mut values, watch).await?;
    }
    Ok(values)
}

/// Goes once through a table of the source, in the order of its key, and looks the same rows up in the copy.
async fn compare(
    address: &DatabaseAddress,
    table: &Table,
    source: &mut dyn Tables,
    copy: &mut dyn Tables,
    values: &mut Values,
    watch: &dyn Watch,
) -> Result<()> {
    let key: Vec<_> = table.key.iter().map(|name| quoted(name)).collect();
    let texts: Vec<_> = table.texts.iter().map(|name| quoted(name)).collect();
    let name = quoted(&table.name);
    let begins = texts.iter().map(|text| begins(address, text)).collect::<Vec<_>>().join(" OR ");
    let fields = format!("{}, {}", key.join(", "), texts.join(", "));
    let (order, limit) = (key.join(", "), table.rows);
    let after = async |source: &mut dyn Tables, last: Vec<Cell>| {
        let further = match last.len() {
            0 => String::new(),
            many => format!("AND ({}) > ({}) ", key.join(", "), vec!["?"; many].join(", ")),
        };
        let sql =
            format!("SELECT {fields} FROM {name} WHERE ({begins}) {further}ORDER BY {order} LIMIT {limit}");
        source.query(&sql, &last).await
    };
    let mut rows = after(source, Vec::new()).await?;
    while let Some(end) = rows.last() {
        watch.safe_point().await?;
        let last = end[..key.len()].to_vec();
        let parsing: Vec<_> = rows
            .iter()
            .map(|row| (&row[..key.len()], row[key.len()..].iter().map(form).collect::<Vec<_>>()))
            .filter(|(_, forms)| forms.iter().any(Option::is_some))
            .collect();
        let wanted: Vec<Cell> = parsing.iter().flat_map(|(key, _)| key.iter().cloned()).collect();
        let these = format!("SELECT {fields} FROM {name} WHERE {}", one_of(&key, parsing.len()));
        // The next rows of the source come while the copy is asked for these.
        let (next, copied) = futures::join!(after(source, last), async {
            if parsing.is_empty() { Ok(Vec::new()) } else { copy.query(&these, &wanted).await }
        });
        let copied = copied?;
        let copied: HashMap<String, &[Cell]> =
            copied.iter().map(|row| (shown(&row[..key.len()]), &row[key.len()..])).collect();
        for (key, forms) in parsing {
            let place = shown(key);
            let Some(now) = copied.get(&place) else { continue };
            for ((column, before), now) in table.texts.iter().zip(forms).zip(*now) {
                if before.is_none() {
                    continue;
                }
                values.compared += 1;
                if form(now) != before {
                    values.broken += 1;
                    if values.named.len() < NAMED {
                        values.named.push(format!("{}.{column} of {place}", table.name));
                    }
                }
            }
        }
        rows = next?;
    }
    Ok(())
}

/// The condition that a row has one of so many keys. Servers look a list of single columns up; a list of alternatives they try one by one.
fn one_of(key: &[String], rows: usize) -> String {
    match key {
        [column] => format!("{column} IN ({})", vec!["?"; rows].join(", ")),
        columns => {
            let one = columns.iter().map(|column| format!("{column} = ?")).collect::<Vec<_>>().join(" AND ");
            vec![format!("({one})"); rows].join(" OR ")
        }
    }
}

/// The condition that a value begins as one that may be serialized or JSON, so that the server sends few others.
fn begins(address: &DatabaseAddress, text: &str) -> String {
    let list = |bytes: &[u8]| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let (letters, brackets) = (list(&LETTERS), list(&BRACKETS));
    match address {
        DatabaseAddress::Mysql { .. } => format!(
            "ASCII({text}) IN ({brackets}) OR ASCII({text}) IN ({letters}) AND SUBSTRING({text}, 2, 1) = ':'"
        ),
        DatabaseAddress::Sqlite { .. } => format!(
            "unicode({text}) IN ({brackets}) OR unicode({text}) IN ({letters}) AND substr({text}, 2, 1) = ':'"
        ),
    }
}

fn form(value: &Cell) -> Option<Form> {
    let Cell::Bytes(bytes) = value else { return None };
    Form::of(bytes)
}

fn shown(key: &[Cell]) -> String {
    key.iter().map(Cell::text).collect::<Vec<_>>().join(", ")
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

async fn tables(address: &DatabaseAddress, source: &mut dyn Tables) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for name in source.names().await? {
        let (mut key, mut texts, mut row_bytes) = (Vec::new(), Vec::new(), BYTES / 64);
        match address {
            DatabaseAddress::Mysql { .. } => {
                let columns = source
                    .query(
                        "SELECT column_name, data_type FROM information_schema.columns \
                         WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position",
                        &[Cell::from(name.as_str())],
                    )
                    .await?;
                let is_text =
                    |kind: &str| matches!(kind, "char" | "varchar" | "json") || kind.ends_with("text");
                texts.extend(columns.iter().filter(|row| is_text(&row[1].text())).map(|row| row[0].text()));
                let primary = source
                    .query(
                        "SELECT column_name FROM information_schema.statistics WHERE table_schema = DATABASE() \
                         AND table_name = ? AND index_name = 'PRIMARY' ORDER BY seq_in_index",
                        &[Cell::from(name.as_str())],
                    )
                    .await?;
                key.extend(primary.iter().map(|row| row[0].text()));
                let size = source
                    .query(
                        "SELECT avg_row_length FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
                        &[Cell::from(name.as_str())],
                    )
                    .await?;
                row_bytes = size.first().and_then(|row| row[0].number()).map_or(row_bytes, i64::unsigned_abs);
            }
            DatabaseAddress::Sqlite { .. } => {
                let mut primary = Vec::new();
                for row in source.query(&format!("PRAGMA table_info({})", quoted(&name)), &[]).await? {
                    let (column, kind) = (row[1].text(), row[2].text().to_ascii_lowercase());
                    match row[5].number() {
                        Some(place) if place > 0 => primary.push((place, column)),
                        _ if kind.is_empty()
                            || kind.contains("char")
                            || kind.contains("text")
                            || kind.contains("clob") =>
                        {
                            texts.push(column);
                        }
                        _ => {}
                    }
                }
                primary.sort();
                key.extend(primary.into_iter().map(|(_, column)| column));
            }
        }
        texts.retain(|column| !key.contains(column));
        let rows = (BYTES / row_bytes.max(1)).clamp(ROWS.0, ROWS.1);
        tables.push(Table { name, key, texts, rows });
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::Connection;

    use super::*;
    use crate::Unwatched;

    fn database(rows: &[(i64, &str)]) -> Connection {
        let database = Connection::open_in_memory().unwrap();
        database
            .execute_batch(
                "CREATE TABLE options (id INTEGER PRIMARY KEY, value TEXT); CREATE TABLE log (line TEXT)",
            )
            .unwrap();
        for row in rows {
            database.execute("INSERT INTO options VALUES (?1, ?2)", *row).unwrap();
        }
        database
    }

    async fn between(source: &[(i64, &str)], copy: &[(i64, &str)]) -> Values {
        let address = DatabaseAddress::Sqlite { path: Path::new("/source").into() };
        let (mut source, mut copy) = (database(source), database(copy));
        values(&address, &mut source, &mut copy, &[], &Unwatched).await.unwrap()
    }

    #[tokio::test]
    async fn values_that_parse_on_both_sides_are_counted_and_none_is_broken() {
        let source =
            [(1, "a:1:{i:0;s:3:\"old\";}"), (2, "{\"a\":\"old\"}"), (3, "plain"), (4, "a:broken before")];
        let copy =
            [(1, "a:1:{i:0;s:5:\"newer\";}"), (2, "{\"a\":\"newer\"}"), (3, "plain"), (4, "a:broken still")];
        let values = between(&source, &copy).await;
        assert_eq!((values.compared, values.broken), (2, 0));
        assert_eq!(values.unkeyed, ["log"]);
    }

    #[tokio::test]
    async fn a_value_whose_length_is_wrong_in_the_copy_is_broken_and_named() {
        let source: Vec<_> = (0..200).map(|id| (id, "a:1:{i:0;s:3:\"old\";}")).collect();
        let mut copy = source.clone();
        copy[150].1 = "a:1:{i:0;s:3:\"newer\";}";
        copy[180].1 = "";
        copy.pop();
        let values = between(&source, &copy).await;
        assert_eq!((values.compared, values.broken), (199, 2));
        assert_eq!(values.named, ["options.value of 150", "options.value of 180"]);
    }

    #[tokio::test]
    async fn json_that_became_something_else_is_broken() {
        let values = between(&[(1, "[1, 2]")], &[(1, "[1, 2")]).await;
        assert_eq!((values.compared, values.broken), (1, 1));
    }
}
