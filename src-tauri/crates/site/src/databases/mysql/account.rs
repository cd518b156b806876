//! The account of a job: tables in the target itself that say whose it is and how far the copy came.
//!
//! What a range of rows holds and that it holds it are committed in one transaction, so the account is never ahead of the rows and
//! never behind them. The tables go when the job is done.

use std::collections::BTreeMap;

use super::quote;
use super::session::Session;
use super::shape::Shape;
use crate::databases::{Rewritten, UnsafeCell};
use crate::{Problem, Result};

pub(super) const JOB: &str = "_clonedeck_job";
pub(super) const MADE: &str = "_clonedeck_made";
pub(super) const RANGE: &str = "_clonedeck_range";
pub(super) const UNSAFE: &str = "_clonedeck_unsafe";

/// A range of rows of a table: those after `low` up to `high`, the latter included.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub id: u64,
    pub low: Option<Vec<String>>,
    pub high: Option<Vec<String>>,
    pub state: State,
    pub held: Held,
    /// The moment of the source that it shows; 0 for one of its own.
    pub moment: u64,
    /// Whether addresses were rewritten on the way.
    pub rewritten: bool,
}

/// How far a range is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing of it is in the target, or nothing that counts.
    Planned,
    /// It is in the target as [`Held`] says.
    Copied,
}

/// Which rows of the source a range holds: how many, and the sum of their checksums before anything was rewritten. Two ranges with
/// different rows look alike once in four thousand million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Held {
    pub rows: u64,
    pub sum: u64,
}

impl Held {
    /// Adds a row.
    pub(super) fn row(&mut self, sum: u64) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(sum);
    }

    /// Adds rows.
    pub(super) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// The same rows, but it is open which versions of them: differs from everything that a source can hold.
    pub(super) fn open(self) -> Self {
        Self { sum: u64::MAX, ..self }
    }
}

/// Makes the account's tables. Harmless where they are.
pub(super) async fn open(session: &mut Session) -> Result<()> {
    let names = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
    for sql in [
        format!(
            "CREATE TABLE IF NOT EXISTS `{JOB}` (job VARCHAR(191) {names} NOT NULL PRIMARY KEY, made_database TINYINT NOT NULL, \
             aside VARCHAR(64) {names} NOT NULL, step VARCHAR(64) {names} NOT NULL) ENGINE=InnoDB"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS `{MADE}` (kind VARCHAR(16) {names} NOT NULL, name VARCHAR(191) {names} NOT NULL, \
             note LONGTEXT {names}, PRIMARY KEY (kind, name)) ENGINE=InnoDB"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS `{RANGE}` (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, tbl VARCHAR(64) {names} \
             NOT NULL, low LONGTEXT {names}, high LONGTEXT {names}, copied TINYINT NOT NULL DEFAULT 0, rewritten TINYINT NOT NULL DEFAULT 0, moment BIGINT UNSIGNED \
             NOT NULL DEFAULT 0, n BIGINT UNSIGNED NOT NULL DEFAULT 0, s BIGINT UNSIGNED NOT NULL DEFAULT 0, cells BIGINT UNSIGNED NOT NULL \
             DEFAULT 0, changed BIGINT UNSIGNED NOT NULL DEFAULT 0, broken BIGINT UNSIGNED NOT NULL DEFAULT 0, kinds LONGTEXT {names}, \
             KEY (tbl)) ENGINE=InnoDB"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS `{UNSAFE}` (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, range_id BIGINT UNSIGNED \
             NOT NULL, tbl VARCHAR(64) {names} NOT NULL, rowkey LONGTEXT {names} NOT NULL, col VARCHAR(64) {names} NOT NULL, \
             reason LONGTEXT {names} NOT NULL, KEY (range_id)) ENGINE=InnoDB"
        ),
    ] {
        session.run(sql).await?;
    }
    Ok(())
}

/// Writes down that the job is about to make a thing.
pub(super) async fn will_make(session: &mut Session, kind: &str, name: &str, note: &str) -> Result<()> {
    session
        .run(format!(
            "REPLACE INTO `{MADE}` (kind, name, note) VALUES ({}, {}, {})",
            quote::text(kind),
            quote::text(name),
            quote::text(note)
        ))
        .await?;
    Ok(())
}

/// What the job made of a kind, with its notes.
pub(super) async fn made(session: &mut Session, kind: &str) -> Result<Vec<(String, String)>> {
    let sql = format!("SELECT name, note FROM `{MADE}` WHERE kind={} ORDER BY name", quote::text(kind));
    Ok(session.rows(sql).await?.iter().map(|row| (row.text(0), row.text(1))).collect())
}

/// The note with which the job wrote down that it makes a thing; empty where it did not.
pub(super) async fn note(session: &mut Session, kind: &str, name: &str) -> Result<String> {
    session
        .text(format!(
            "SELECT note FROM `{MADE}` WHERE kind={} AND name={}",
            quote::text(kind),
            quote::text(name)
        ))
        .await
}

/// The ranges of a table, in order; none when it is not planned yet.
pub(super) async fn ranges(session: &mut Session, table: &str) -> Result<Vec<Range>> {
    let sql = format!(
        "SELECT id, low, high, copied, n, s, rewritten, moment FROM `{RANGE}` WHERE tbl={} ORDER BY id",
        quote::text(table)
    );
    session
        .rows(sql)
        .await?
        .iter()
        .map(|row| {
            Ok(Range {
                id: row.number(0),
                low: bound(row.maybe_text(1))?,
                high: bound(row.maybe_text(2))?,
                state: if row.number(3) == 1 { State::Copied } else { State::Planned },
                held: Held { rows: row.number(4), sum: row.number(5) },
                rewritten: row.number(6) == 1,
                moment: row.number(7),
            })
        })
        .collect()
}

fn bound(text: Option<String>) -> Result<Option<Vec<String>>> {
    text.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| {
        Problem::permanent("target.account", format!("The account of the copy cannot be read: {error}."))
    })
}

/// Cuts tables at the given keys, all at once: each commit waits for the disk.
pub(super) async fn plan(session: &mut Session, tables: &[(&Shape, Vec<Vec<String>>)]) -> Result<()> {
    session.run("START TRANSACTION").await?;
    for (shape, cuts) in tables {
        cut(session, shape, cuts).await?;
    }
    session.run("COMMIT").await?;
    Ok(())
}

async fn cut(session: &mut Session, shape: &Shape, cuts: &[Vec<String>]) -> Result<()> {
    session.run(format!("DELETE FROM `{RANGE}` WHERE tbl={}", quote::text(&shape.name))).await?;
    let as_sql = |bound: Option<&Vec<String>>| {
        bound.map_or("NULL".to_owned(), |bound| {
            quote::text(&serde_json::to_string(bound).expect("strings are JSON"))
        })
    };
    let mut values = Vec::new();
    for place in 0..=cuts.len() {
        let low = place.checked_sub(1).map(|before| &cuts[before]);
        values.push(format!("({}, {}, {})", quote::text(&shape.name), as_sql(low), as_sql(cuts.get(place))));
    }
    for some in values.chunks(1000) {
        session.run(format!("INSERT INTO `{RANGE}` (tbl, low, high) VALUES {}", some.join(","))).await?;
    }
    Ok(())
}

/// Writes down, in the transaction of the rows, what a range holds now and which moment of the source that is.
pub(super) async fn copied(
    session: &mut Session,
    range: &Range,
    held: Held,
    moment: u64,
    work: Option<&Rewritten>,
) -> Result<()> {
    let rewritten = u8::from(work.is_some());
    let none = Rewritten::default();
    let work = work.unwrap_or(&none);
    session.run(format!("DELETE FROM `{UNSAFE}` WHERE range_id={}", range.id)).await?;
    for some in work.unchanged_unsafe.chunks(200) {
        let values: Vec<String> = some
            .iter()
            .map(|cell| {
                format!(
                    "({}, {}, {}, {}, {})",
                    range.id,
                    quote::text(&cell.table),
                    quote::text(&cell.key),
                    quote::text(&cell.column),
                    quote::text(&cell.reason)
                )
            })
            .collect();
        session
            .run(format!(
                "INSERT INTO `{UNSAFE}` (range_id, tbl, rowkey, col, reason) VALUES {}",
                values.join(",")
            ))
            .await?;
    }
    let kinds = serde_json::to_string(&work.by_kind).expect("counts are JSON");
    let done = session
        .run(format!(
            "UPDATE `{RANGE}` SET copied=1, rewritten={rewritten}, moment={moment}, n={}, s={}, cells={}, changed={}, broken={}, kinds={} WHERE id={}",
            held.rows,
            held.sum,
            work.cells_scanned,
            work.cells_changed,
            work.newly_broken,
            quote::text(&kinds),
            range.id
        ))
        .await?;
    debug_assert!(done.affected <= 1, "an id names one range");
    Ok(())
}

/// Writes down that what a range holds does not count any more.
pub(super) async fn forget(session: &mut Session, range: &Range) -> Result<()> {
    session.run(format!("UPDATE `{RANGE}` SET copied=0 WHERE id={}", range.id)).await?;
    Ok(())
}

/// Writes down that ranges, given by their ids, hold what a moment of the source shows.
pub(super) async fn shows(session: &mut Session, ids: &[u64], moment: u64) -> Result<()> {
    for some in ids.chunks(1000) {
        let ids = some.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        session.run(format!("UPDATE `{RANGE}` SET moment={moment} WHERE id IN ({ids})")).await?;
    }
    Ok(())
}

/// Rows of the copied ranges of all tables.
pub(super) async fn rows(session: &mut Session) -> Result<u64> {
    session.number(format!("SELECT COALESCE(SUM(n),0) FROM `{RANGE}` WHERE copied=1")).await
}

/// The sum of what rewriting did in all ranges.
pub(super) async fn rewritten(session: &mut Session) -> Result<Rewritten> {
    let mut sum = Rewritten::default();
    for row in session
        .rows(format!(
            "SELECT SUM(cells), SUM(changed), SUM(broken), kinds FROM `{RANGE}` WHERE copied=1 GROUP BY kinds"
        ))
        .await?
    {
        sum.cells_scanned += row.number(0);
        sum.cells_changed += row.number(1);
        sum.newly_broken += row.number(2);
    }
    for row in session.rows(format!("SELECT kinds FROM `{RANGE}` WHERE copied=1 AND kinds<>'{{}}'")).await? {
        let kinds: BTreeMap<String, u64> = serde_json::from_str(&row.text(0)).unwrap_or_default();
        for (kind, count) in kinds {
            *sum.by_kind.entry(kind).or_default() += count;
        }
    }
    sum.unsafe_count = session.number(format!("SELECT COUNT(*) FROM `{UNSAFE}`")).await?;
    for row in session
        .rows(format!(
            "SELECT tbl, rowkey, col, reason FROM `{UNSAFE}` ORDER BY tbl, id LIMIT {}",
            Rewritten::LISTED
        ))
        .await?
    {
        sum.unchanged_unsafe.push(UnsafeCell {
            table: row.text(0),
            key: row.text(1),
            column: row.text(2),
            reason: row.text(3),
        });
    }
    Ok(sum)
}
