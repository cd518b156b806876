//! The copy: every table in ranges, several at a time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::account::{self, Range, State};
use super::define;
use super::quote;
use super::range::{Carrier, Clash, Way};
use super::session::Session;
use super::shape::{Shape, shapes};
use super::source::Source;
use super::target::Target;
use crate::databases::{Copied, Rewriting, Rewritten};
use crate::{Class, Level, Problem, Result, Unit, Watch};

/// How often a range is tried again at once when somebody else holds its rows.
const TRIES: u32 = 5;

/// Copies everything that is not in the target yet.
pub(crate) async fn copy(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    connections: usize,
    watch: &dyn Watch,
) -> Result<Copied> {
    let mut reading = source.session().await?;
    let mut writing = target.session().await?;
    let shapes = shapes(&mut reading, &source.name).await?;
    let changes = define::tables(&mut reading, &mut writing, source, target, &shapes, watch).await?;
    let way = way(source, target, rewriting);
    watch.note(
        Level::Info,
        &format!(
            "{} tables, about {} rows, {}",
            shapes.len(),
            shapes.iter().map(|shape| shape.rows).sum::<u64>(),
            way.words()
        ),
    );

    let mut lines = Vec::new();
    let mut total = 0;
    let mut before = 0;
    for shape in shapes {
        watch.safe_point().await?;
        watch.doing(&shape.name);
        let shape = Arc::new(shape);
        let mut ranges = account::ranges(&mut writing, &shape.name).await?;
        if ranges.is_empty() {
            let cuts = if reorders(source, target, &shape) {
                Vec::new()
            } else {
                cuts(&mut reading, &source.name, &shape).await?
            };
            account::plan(&mut writing, &shape, &cuts).await?;
            ranges = account::ranges(&mut writing, &shape.name).await?;
        }
        let wanting =
            |range: &Range| range.state == State::Planned || rewriting.is_some() && !range.rewritten;
        let done: u64 = ranges.iter().filter(|range| !wanting(range)).map(|range| range.held.rows).sum();
        before += done;
        total += shape.rows.max(done);
        let open: VecDeque<Range> = ranges.into_iter().filter(wanting).collect();
        lines.push(Line { shape, open, busy: 0 });
    }
    reading.close().await;
    if lines.iter().any(|line| !line.open.is_empty()) {
        super::programs::still_triggers(&mut writing).await?;
    }
    // The largest first, so that none of them is left for one connection at the end.
    lines.sort_by_key(|line| std::cmp::Reverse(line.shape.bytes));
    let tables = lines.len() as u64;
    let rows = AtomicU64::new(before);
    watch.progress(rows.load(Ordering::Relaxed), total, Unit::Rows);

    let lines = Mutex::new(lines);
    let carriers = (0..connections.max(1)).map(|_| async {
        let mut carrier = Carrier { reading: source.session().await?, writing: target.session().await? };
        while let Some((shape, range)) = next(&lines) {
            watch.safe_point().await?;
            watch.doing(&shape.name);
            let held = bring(&mut carrier, &way, &shape, &range, watch).await?;
            let done = rows.fetch_add(held.rows, Ordering::Relaxed) + held.rows;
            watch.progress(done, total.max(done), Unit::Rows);
            release(&lines, &shape.name);
        }
        Ok::<_, Problem>(carrier)
    });
    for carrier in futures::future::try_join_all(carriers).await? {
        carrier.reading.close().await;
        carrier.writing.close().await;
    }
    let rows = account::rows(&mut writing).await?;
    watch.progress(rows, rows, Unit::Rows);
    writing.close().await;
    Ok(Copied { tables, rows, way: way.words().to_owned(), changes })
}

/// Rewrites what was copied without, by bringing it again, and answers what rewriting did in all.
pub(crate) async fn rewrite(
    source: &Source,
    target: &Target,
    rewriting: &Rewriting,
    connections: usize,
    watch: &dyn Watch,
) -> Result<Rewritten> {
    copy(source, target, Some(rewriting), connections, watch).await?;
    let mut writing = target.session().await?;
    let rewritten = account::rewritten(&mut writing).await?;
    writing.close().await;
    Ok(rewritten)
}

pub(super) fn way(source: &Source, target: &Target, rewriting: Option<&Rewriting>) -> Way {
    Way {
        source: source.name.clone(),
        target: target.name.clone(),
        beside: target.beside,
        rewriting: rewriting.cloned(),
    }
}

impl Way {
    fn words(&self) -> &'static str {
        match (self.beside, self.rewriting.is_some()) {
            (true, false) => "copied inside the server",
            (true, true) => {
                "streamed through this program where addresses are rewritten, else copied inside the server"
            }
            (false, _) => "streamed between two servers",
        }
    }
}

/// A table and its ranges that are still to be brought.
struct Line {
    shape: Arc<Shape>,
    open: VecDeque<Range>,
    busy: u32,
}

/// The next range: of the table at which the fewest work already, so that they stay out of each other's pages.
fn next(lines: &Mutex<Vec<Line>>) -> Option<(Arc<Shape>, Range)> {
    let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    let line = lines.iter_mut().filter(|line| !line.open.is_empty()).min_by_key(|line| line.busy)?;
    line.busy += 1;
    Some((Arc::clone(&line.shape), line.open.pop_front()?))
}

fn release(lines: &Mutex<Vec<Line>>, table: &str) {
    let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(line) = lines.iter_mut().find(|line| line.shape.name == table) {
        line.busy -= 1;
    }
}

async fn bring(
    carrier: &mut Carrier,
    way: &Way,
    shape: &Arc<Shape>,
    range: &Range,
    watch: &dyn Watch,
) -> Result<account::Held> {
    let mut tries = 0;
    loop {
        match carrier.bring(way, shape, range, Clash::Leave).await {
            Err(problem) if problem.code == "database.busy" && tries < TRIES => {
                tries += 1;
                watch.note(Level::Warn, &format!("{}: {}", shape.name, problem.message));
            }
            Err(problem) if problem.class != Class::Stopped => return Err(problem.with("table", &shape.name)),
            done => return done,
        }
    }
}

/// Whether the target may order the table's key otherwise than the source does: text under a collation that only one of them knows.
fn reorders(source: &Source, target: &Target, shape: &Shape) -> bool {
    source.product.mariadb != target.product.mariadb
        && shape.key_columns.iter().any(|at| matches!(shape.columns[*at].kind, super::shape::Kind::Text(_)))
}

/// The keys at which a table is cut into ranges of about the same number of rows.
pub(super) async fn cuts(session: &mut Session, database: &str, shape: &Shape) -> Result<Vec<Vec<String>>> {
    if shape.key_columns.is_empty() {
        return Ok(Vec::new());
    }
    let step = shape.range_rows();
    let table = quote::table(database, &shape.name);
    let keys = shape.key_names();
    if let Some(cuts) = even_cuts(session, &table, shape, step).await? {
        return Ok(cuts);
    }
    let mut cuts: Vec<Vec<String>> = Vec::new();
    loop {
        let within = shape.between(cuts.last().map(Vec::as_slice), None);
        let row = session
            .first(format!(
                "SELECT {keys} FROM {table}{} WHERE {within} ORDER BY {keys} LIMIT 1 OFFSET {step}",
                shape.along()
            ))
            .await?;
        let Some(row) = row else { return Ok(cuts) };
        cuts.push(shape.literals(row.0.iter().map(|value| value.as_deref().unwrap_or_default())));
    }
}

/// Cuts at even distances for a number that counts up with few gaps; none for every other key. Spares walking over the index.
async fn even_cuts(
    session: &mut Session,
    table: &str,
    shape: &Shape,
    step: u64,
) -> Result<Option<Vec<Vec<String>>>> {
    let [key] = shape.key_columns[..] else { return Ok(None) };
    let column = &shape.columns[key];
    if column.kind != super::shape::Kind::Number {
        return Ok(None);
    }
    let name = column.quoted();
    let Some(row) = session.first(format!("SELECT MIN({name}), MAX({name}) FROM {table}")).await? else {
        return Ok(None);
    };
    let (Ok(low), Ok(high)) = (row.text(0).parse::<u64>(), row.text(1).parse::<u64>()) else {
        return Ok(None);
    };
    if (high - low) / 4 > shape.rows {
        return Ok(None);
    }
    // The rows a range holds on average stay the same when a part of the numbers is missing.
    let step = step.saturating_mul(high - low + 1) / shape.rows.max(1);
    let step = step.max(1);
    let mut cuts = Vec::new();
    let mut cut = low.saturating_add(step);
    while cut < high {
        cuts.push(vec![cut.to_string()]);
        cut = cut.saturating_add(step);
    }
    Ok(Some(cuts))
}
