//! Making the tables of the copy, empty, as the source defines them.

use super::account;
use super::dialect;
use super::qualified;
use super::quote;
use super::session::Session;
use super::shape::Shape;
use super::source::Source;
use super::target::Target;
use crate::databases::Change;
use crate::{Level, Result, Watch};

/// Bytes of a table from which on its indexes are made when its rows are in it.
const LATER_BYTES: u64 = 4 << 20;

/// Makes every table that is not there yet. Harmless to repeat.
pub(super) async fn tables(
    reading: &mut Session,
    writing: &mut Session,
    source: &Source,
    target: &Target,
    shapes: &[Shape],
    watch: &dyn Watch,
) -> Result<Vec<Change>> {
    // Old row formats hold rows that a new server would refuse to define; they are what the source has.
    let _ = writing.run("SET innodb_strict_mode = OFF").await;
    let made = account::made(writing, "TABLE").await?;
    let there = there(writing, &target.name).await?;
    let linked = linked(reading, &source.name).await?;
    let mut changes = Vec::new();
    for name in sequences(reading, &source.name).await? {
        let row =
            reading.first(format!("SHOW CREATE SEQUENCE {}", quote::table(&source.name, &name))).await?;
        if !there.contains(&name) {
            watch.doing(&name);
            account::will_make(writing, "SEQUENCE", &name, "").await?;
            writing.run(row.map(|row| row.text(1)).unwrap_or_default()).await?;
        }
    }
    let mut making = Vec::new();
    for shape in shapes {
        let row =
            reading.first(format!("SHOW CREATE TABLE {}", quote::table(&source.name, &shape.name))).await?;
        let definition = row.map(|row| row.text(1)).unwrap_or_default();
        let (definition, how) = dialect::adapt(&definition, &source.product, &target.product);
        let definition = qualified::moved(&definition, &source.name, &target.name).unwrap_or(definition);
        let kept = [
            (shape.versioned, "holds its rows as they are now; their history stays with the source"),
            (shape.is_computed(), "has no column but computed ones; its rows are not copied"),
            (shape.is_abroad(), "reaches the same rows outside the server as the source's table does"),
        ];
        let kept = kept.into_iter().filter(|(is, _)| *is).map(|(_, how)| how.to_owned());
        for how in how.into_iter().chain(kept) {
            watch.note(Level::Info, &format!("{}: {how}", shape.name));
            changes.push(Change { what: shape.name.clone(), how });
        }
        if there.contains(&shape.name) && made.iter().any(|(name, _)| *name == shape.name) {
            continue;
        }
        let (definition, later) = if shape.bytes < LATER_BYTES || linked.contains(&shape.name) {
            (definition, Vec::new())
        } else {
            without_plain_keys(&definition)
        };
        making.push((&shape.name, definition, later.join("\n")));
    }
    // Written down at once: each commit waits for the disk.
    writing.run("START TRANSACTION").await?;
    for (name, _, later) in &making {
        account::will_make(writing, "TABLE", name, later).await?;
    }
    writing.run("COMMIT").await?;
    for (name, definition, _) in making {
        watch.doing(name);
        writing.run(definition).await?;
    }
    Ok(changes)
}

/// Makes the indexes of a table that were left for when its rows are in it. Harmless to repeat.
pub(super) async fn indexes(writing: &mut Session, target: &Target, shape: &Shape) -> Result<()> {
    let note = account::note(writing, "TABLE", &shape.name).await?;
    if note.is_empty() {
        return Ok(());
    }
    let there = writing
        .rows(format!(
            "SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema={} AND table_name={}",
            quote::text(&target.name),
            quote::text(&shape.name)
        ))
        .await?;
    let missing: Vec<String> = note
        .lines()
        .filter(|key| {
            !there.iter().any(|row| key.starts_with(&format!("KEY {} ", quote::name(&row.text(0)))))
        })
        .map(|key| format!("ADD {key}"))
        .collect();
    if !missing.is_empty() {
        let table = quote::table(&target.name, &shape.name);
        writing.run(format!("ALTER TABLE {table} {}", missing.join(", "))).await?;
    }
    Ok(())
}

/// What the definition of a key that is not unique begins with, as the server writes it.
const KEY: &str = "  KEY ";

/// Takes the keys out of a definition that are neither unique nor needed while rows come in, in the order in which the server lists
/// them. Sorting a whole table's keys at once costs a fraction of putting them in one by one.
fn without_plain_keys(definition: &str) -> (String, Vec<String>) {
    let lines: Vec<&str> = definition.lines().collect();
    let Some(end) = lines.iter().rposition(|line| line.starts_with(')')) else {
        return (definition.to_owned(), Vec::new());
    };
    // A number that counts up has to be the first column of a key from the start.
    let counter = lines[1..end]
        .iter()
        .find(|line| line.contains(" AUTO_INCREMENT"))
        .and_then(|line| line.trim_start().split_inclusive('`').nth(1).map(|name| format!("(`{name}")));
    let parts: Vec<&str> = lines[1..end].iter().map(|line| line.trim_end_matches(',')).collect();
    // Keys stay in their order, so what comes before that one is needed with it.
    let needed = counter
        .and_then(|counter| parts.iter().rposition(|part| part.starts_with(KEY) && part.contains(&counter)));
    let is_later = |at: usize, part: &str| part.starts_with(KEY) && needed.is_none_or(|needed| at > needed);
    let (later, now): (Vec<_>, Vec<_>) =
        parts.iter().copied().enumerate().partition(|(at, part)| is_later(*at, part));
    let now: Vec<&str> = now.into_iter().map(|(_, part)| part).collect();
    let later = later.into_iter().map(|(_, part)| part.trim_start().to_owned()).collect();
    (format!("{}\n{}\n{}", lines[0], now.join(",\n"), lines[end..].join("\n")), later)
}

/// The tables that a foreign key leaves or reaches: the server wants their indexes from the start.
async fn linked(session: &mut Session, database: &str) -> Result<Vec<String>> {
    let schema = quote::text(database);
    super::shape::names(
        session,
        &format!(
            "SELECT table_name FROM information_schema.key_column_usage WHERE table_schema={schema} AND referenced_table_name IS NOT \
             NULL UNION SELECT referenced_table_name FROM information_schema.key_column_usage WHERE table_schema={schema} AND \
             referenced_table_name IS NOT NULL"
        ),
    )
    .await
}

async fn there(session: &mut Session, database: &str) -> Result<Vec<String>> {
    super::shape::names(
        session,
        &format!(
            "SELECT table_name FROM information_schema.tables WHERE table_schema={}",
            quote::text(database)
        ),
    )
    .await
}

async fn sequences(session: &mut Session, database: &str) -> Result<Vec<String>> {
    let sql = format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema={} AND table_type='SEQUENCE' ORDER BY 1",
        quote::text(database)
    );
    super::shape::names(session, &sql).await
}

/// Lets the copy count on where the source does: sequences, and the next numbers of rows.
pub(super) async fn counters(
    reading: &mut Session,
    writing: &mut Session,
    source: &Source,
    target: &Target,
) -> Result<()> {
    for name in sequences(reading, &source.name).await? {
        // Past its end the next value is none that it can have: then its last one is used.
        let sql = format!(
            "SELECT LEAST(GREATEST(next_not_cached_value, minimum_value), maximum_value), \
             next_not_cached_value NOT BETWEEN minimum_value AND maximum_value FROM {}",
            quote::table(&source.name, &name)
        );
        if let Some(row) = reading.first(sql).await? {
            let (next, is_used) = (row.text(0), row.text(1));
            writing
                .run(format!("SELECT SETVAL({}, {next}, {is_used})", quote::table(&target.name, &name)))
                .await?;
        }
    }
    let next = |database: &str| {
        format!(
            "SELECT table_name, auto_increment FROM information_schema.tables WHERE table_schema={} AND auto_increment IS NOT NULL \
             ORDER BY 1",
            quote::text(database)
        )
    };
    let ours = writing.rows(next(&target.name)).await?;
    for row in reading.rows(next(&source.name)).await? {
        let differs = ours.iter().any(|own| own.text(0) == row.text(0) && own.number(1) != row.number(1));
        if differs {
            let table = quote::table(&target.name, &row.text(0));
            writing.run(format!("ALTER TABLE {table} AUTO_INCREMENT={}", row.number(1))).await?;
        }
    }
    Ok(())
}
