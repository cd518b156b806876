//! Rewriting in place, in batches of rows. How far it came is committed with the rows, so a row is never rewritten twice.

use rusqlite::config::DbConfig;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params_from_iter};

use super::link::Link;
use super::shape::{Shape, list, quoted, rows, shapes};
use super::target::Target;
use crate::databases::{Rewriting, Rewritten, UnsafeCell};
use crate::{Result, Unit, Watch};

/// Rows that are looked at in one transaction at most.
const BATCH_ROWS: usize = 2000;

/// Bytes after which a transaction ends.
const BATCH_BYTES: usize = 4 << 20;

pub(crate) async fn rewrite(target: &Target, rewriting: &Rewriting, watch: &dyn Watch) -> Result<Rewritten> {
    target.account().await?;
    let mut link = Link::write(&target.path).await?;
    let (shapes, total) = link
        .with(|connection| {
            // A trigger of the site would answer to changes that are none of its own.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
            connection.pragma_update(None, "foreign_keys", false)?;
            let shapes = shapes(connection)?;
            let mut total = 0;
            for shape in &shapes {
                total += rows(connection, &shape.name)?;
            }
            Ok((shapes, total))
        })
        .await?;
    let mut sum = Rewritten::default();
    let mut done = 0;
    for shape in shapes {
        watch.doing(&shape.name);
        loop {
            watch.safe_point().await?;
            let (rewriting, table) = (rewriting.clone(), shape.clone());
            let step = link.with(move |connection| batch(connection, &table, &rewriting)).await?;
            done += step.rows;
            watch.progress(done.min(total), total, Unit::Rows);
            if step.end {
                break;
            }
        }
        let name = shape.name.clone();
        let work: Option<String> = link
            .with(move |connection| {
                connection
                    .query_row("SELECT work FROM _clonedeck_done WHERE tbl=?1", [name], |row| row.get(0))
                    .optional()
            })
            .await?;
        sum.add(work.and_then(|work| serde_json::from_str(&work).ok()).unwrap_or_default());
    }
    Ok(sum)
}

struct Step {
    rows: u64,
    end: bool,
}

/// A row that is to change: its key, and the new cells with their columns.
struct Change {
    key: Vec<Value>,
    cells: Vec<(usize, Value)>,
}

/// Rewrites the next rows of a table and writes down, in the same transaction, how far that went.
fn batch(connection: &mut Connection, shape: &Shape, rewriting: &Rewriting) -> rusqlite::Result<Step> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let before: Option<(Option<i64>, String)> = transaction
        .query_row("SELECT upto, work FROM _clonedeck_done WHERE tbl=?1", [&shape.name], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (from, mut work) = match before {
        // Done to its end: no number stands for that.
        Some((None, _)) => return Ok(Step { rows: 0, end: true }),
        Some((Some(from), work)) => (Some(from), serde_json::from_str(&work).unwrap_or_default()),
        None => (None, Rewritten::default()),
    };
    let (changes, seen, upto) = if shape.key.is_empty() {
        (Vec::new(), 0, None)
    } else {
        read(&transaction, shape, rewriting, from, &mut work)?
    };
    for change in changes {
        write(&transaction, shape, change, &mut work)?;
    }
    transaction.execute(
        "INSERT INTO _clonedeck_done (tbl, upto, work) VALUES (?1, ?2, ?3) \
         ON CONFLICT (tbl) DO UPDATE SET upto=excluded.upto, work=excluded.work",
        (&shape.name, upto, serde_json::to_string(&work).expect("counts are JSON")),
    )?;
    transaction.commit()?;
    Ok(Step { rows: seen, end: upto.is_none() })
}

/// Reads rows and says what is to change in them. Rows without numbers are all read at once: a key of theirs may itself change, and
/// would then be met again.
fn read(
    connection: &Connection,
    shape: &Shape,
    rewriting: &Rewriting,
    from: Option<i64>,
    work: &mut Rewritten,
) -> rusqlite::Result<(Vec<Change>, u64, Option<i64>)> {
    let keys = list(&shape.key);
    let order = if shape.numbered {
        format!("WHERE {keys} > ?1 ORDER BY {keys}")
    } else {
        "WHERE ?1 IS NOT NULL".to_owned()
    };
    let sql = format!("SELECT {keys},{} FROM {} {order}", list(&shape.columns), quoted(&shape.name));
    let mut statement = connection.prepare_cached(&sql)?;
    // The smallest number itself is free in practice, and is looked at by the comparison with one below it where it is not.
    let mut found = statement.query([from.unwrap_or(i64::MIN)])?;
    let (mut changes, mut seen, mut bytes, mut last) = (Vec::new(), 0_u64, 0, None);
    let kept: Vec<bool> = shape.columns.iter().map(|column| rewriting.keeps(&shape.name, column)).collect();
    while let Some(row) = found.next()? {
        seen += 1;
        if shape.numbered {
            last = Some(row.get::<_, i64>(0)?);
        }
        let key: Vec<Value> = (0..shape.key.len()).map(|at| row.get(at)).collect::<Result<_, _>>()?;
        let mut cells = Vec::new();
        for (at, column) in shape.columns.iter().enumerate() {
            let (value, text) = match row.get_ref(shape.key.len() + at)? {
                ValueRef::Text(value) => (value, true),
                ValueRef::Blob(value) => (value, false),
                _ => continue,
            };
            bytes += value.len();
            if kept[at] {
                continue;
            }
            if let Some(new) = rewriting.cell(value, &shape.name, column, || named(&key), work) {
                let new = if text {
                    String::from_utf8(new).map_or_else(|raw| Value::Blob(raw.into_bytes()), Value::Text)
                } else {
                    Value::Blob(new)
                };
                cells.push((at, new));
            }
        }
        if !cells.is_empty() {
            changes.push(Change { key, cells });
        }
        if shape.numbered && (seen as usize == BATCH_ROWS || bytes >= BATCH_BYTES) {
            return Ok((changes, seen, last));
        }
    }
    Ok((changes, seen, None))
}

fn write(
    connection: &Connection,
    shape: &Shape,
    change: Change,
    work: &mut Rewritten,
) -> rusqlite::Result<()> {
    let sets: Vec<String> =
        change.cells.iter().map(|(at, _)| format!("{}=?", quoted(&shape.columns[*at]))).collect();
    let tests: Vec<String> = shape.key.iter().map(|name| format!("{}=?", quoted(name))).collect();
    let sql = format!("UPDATE {} SET {} WHERE {}", quoted(&shape.name), sets.join(","), tests.join(" AND "));
    let values = change.cells.iter().map(|(_, value)| value).chain(&change.key);
    match connection.prepare_cached(&sql)?.execute(params_from_iter(values)) {
        Ok(_) => Ok(()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            for (at, _) in &change.cells {
                work.cells_changed -= 1;
                work.unsafe_count += 1;
                work.unchanged_unsafe.push(UnsafeCell {
                    table: shape.name.clone(),
                    key: named(&change.key),
                    column: shape.columns[*at].clone(),
                    reason: format!("the changed row would break a rule of its table: {error}"),
                });
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

pub(super) fn named(key: &[Value]) -> String {
    key.iter()
        .map(|value| match value {
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => number.to_string(),
            Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Value::Blob(bytes) => {
                format!("X'{}'", crate::databases::hex(bytes))
            }
            Value::Null => "NULL".to_owned(),
        })
        .collect::<Vec<_>>()
        .join(",")
}
