//! The copy: every table in ranges. One session reads them all, in one moment of the source; several write, because writing costs a
//! server a multiple of reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::account::{self, Range, State};
use super::back::Back;
use super::define;
use super::quote;
use super::range::{Clash, From, Moment, Room, Way, bring};
use super::ranges::{Line, Open, Ranges};
use super::session::Session;
use super::shape::{Shape, shapes};
use super::source::Source;
use super::target::Target;
use crate::databases::{Copied, Rewriting, Rewritten};
use crate::{Class, Level, Problem, Result, Unit, Watch};

/// Copies everything that is not in the target yet.
pub(crate) async fn copy(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    connections: usize,
    watch: &dyn Watch,
) -> Result<Copied> {
    let way = way(source, target, rewriting);
    // The moment comes first: a table that is altered after it cannot be read in it, so what follows speaks of the same tables.
    let moment = if way.inside() { None } else { Some(Moment::of(source).await?) };
    let mut reading = source.session().await?;
    let mut writing = target.session().await?;
    let shapes = shapes(&mut reading, &source.name).await?;
    let changes = define::tables(&mut reading, &mut writing, source, target, &shapes, watch).await?;
    watch.note(
        Level::Info,
        &format!(
            "{} tables, about {} rows, {}",
            shapes.len(),
            shapes.iter().map(|shape| shape.rows).sum::<u64>(),
            way.words()
        ),
    );

    let tables = shapes.len() as u64;
    let mut cutting = Vec::new();
    for shape in shapes.iter().filter(|shape| shape.holds_rows()) {
        watch.safe_point().await?;
        watch.doing(&shape.name);
        if account::ranges(&mut writing, &shape.name).await?.is_empty() {
            let whole = reorders(source, target, shape);
            let cuts = if whole { Vec::new() } else { cuts(&mut reading, &source.name, shape).await? };
            cutting.push((shape, cuts));
        }
    }
    account::plan(&mut writing, &cutting).await?;
    let mut lines = Vec::new();
    let mut plan = Plan { back: Back::of(&way), ..Plan::default() };
    for shape in shapes.into_iter().filter(Shape::holds_rows) {
        let shape = Arc::new(shape);
        let ranges = account::ranges(&mut writing, &shape.name).await?;
        let wanting =
            |range: &Range| range.state == State::Planned || rewriting.is_some() && !range.rewritten;
        let done: u64 = ranges.iter().filter(|range| !wanting(range)).map(|range| range.held.rows).sum();
        plan.done += done;
        plan.total += shape.rows.max(done);
        let all = ranges.len();
        let open: std::collections::VecDeque<Open> =
            ranges.into_iter().filter(wanting).map(Open::new).collect();
        // Of what an earlier try brought nothing is known any more.
        if open.len() == all && way.reads_back(&shape) {
            plan.back.expect(&shape.name, all);
        }
        plan.ranges += open.len();
        if open.is_empty() {
            define::indexes(&mut writing, target, &shape).await?;
        } else {
            lines.push(Line { shape, open, busy: 0 });
        }
    }
    reading.close().await;
    watch.progress(plan.done, plan.total, Unit::Rows);
    if !lines.is_empty() {
        super::programs::still_triggers(&mut writing).await?;
        // The largest first, so that none of them is left for one connection at the end.
        lines.sort_by_key(|line| std::cmp::Reverse(line.shape.bytes));
        carry(target, &way, moment, lines, &plan, connections, watch).await?;
    }
    let rows = account::rows(&mut writing).await?;
    watch.progress(rows, rows, Unit::Rows);
    writing.close().await;
    Ok(Copied { tables, rows, way: way.words().to_owned(), changes, read_back: plan.back.whole() })
}

/// How much there is to do, what was done before, and what was read back.
#[derive(Default)]
struct Plan {
    ranges: usize,
    done: u64,
    total: u64,
    back: Back,
}

/// A range on its way to a writer.
struct Load {
    shape: Arc<Shape>,
    open: Open,
    from: From,
}

/// Brings all open ranges over.
async fn carry(
    target: &Target,
    way: &Way,
    moment: Option<Moment>,
    lines: Vec<Line>,
    plan: &Plan,
    connections: usize,
    watch: &dyn Watch,
) -> Result<()> {
    let ranges = Arc::new(Ranges::new(lines));
    let (to, loads) = mpsc::channel(1);
    let mut reader = JoinSet::new();
    reader.spawn(hand_out(moment, way.clone(), Arc::clone(&ranges), to));
    let loads = Mutex::new(loads);
    let rows = AtomicU64::new(plan.done);
    let writers = (0..connections.clamp(1, plan.ranges)).map(|_| async {
        let mut writing = target.session().await?;
        let mut reading = None;
        loop {
            watch.safe_point().await?;
            let load = loads.lock().await.recv().await;
            let Some(Load { shape, open, from }) = load else { break };
            watch.doing(&shape.name);
            match bring(&mut writing, way, &shape, &open.range, from, Clash::Leave).await {
                Ok(brought) => {
                    let held = brought.held.rows;
                    let done = rows.fetch_add(held, Ordering::Relaxed) + held;
                    watch.progress(done, plan.total.max(done), Unit::Rows);
                    plan.back
                        .read(&mut reading, target, way, &shape, &open.range, brought)
                        .await
                        .map_err(|problem| problem.with("table", &shape.name))?;
                    if ranges.done(&shape.name) {
                        define::indexes(&mut writing, target, &shape).await?;
                    }
                }
                Err(problem) if problem.code == "database.busy" && ranges.again(&shape.name, open) => {
                    watch.note(Level::Warn, &format!("{}: {}", shape.name, problem.message));
                }
                Err(problem) if problem.class == Class::Stopped => return Err(problem),
                Err(problem) => return Err(problem.with("table", &shape.name)),
            }
        }
        writing.close().await;
        if let Some(reading) = reading {
            reading.close().await;
        }
        Ok::<_, Problem>(())
    });
    futures::future::try_join_all(writers).await?;
    while let Some(done) = reader.join_next().await {
        done.expect("the reader does not panic");
    }
    Ok(())
}

/// Reads range after range and hands them to whoever writes next, until none is left or nobody takes them.
async fn hand_out(mut moment: Option<Moment>, way: Way, ranges: Arc<Ranges>, to: mpsc::Sender<Load>) {
    while let Some((shape, open)) = ranges.next().await {
        let Some(moment) = &mut moment else {
            if to.send(Load { shape, open, from: From::Inside }).await.is_err() {
                return;
            }
            continue;
        };
        let (pieces, received) = mpsc::unbounded_channel();
        let (read, range) = (Arc::clone(&shape), open.range.clone());
        let from = From::Reader(moment.number, received);
        if to.send(Load { shape, open, from }).await.is_err()
            || !moment.read(&way, &read, &range, &pieces).await
        {
            return;
        }
    }
    if let Some(moment) = moment {
        moment.session.close().await;
    }
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
        room: Room::default(),
    }
}

impl Way {
    fn words(&self) -> &'static str {
        match (self.beside, self.inside()) {
            (true, true) => "copied inside the server",
            (true, false) => "streamed through this program, which rewrites addresses",
            (false, _) => "streamed between two servers",
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
    if shape.key_columns.is_empty() || !shape.deletes() {
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
