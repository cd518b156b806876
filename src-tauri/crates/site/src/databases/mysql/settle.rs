//! Bringing the copy to one moment of the source.
//!
//! The account says, range by range, which moment of the source the copy shows. Where it is the same for all, as after a copy that
//! nothing disturbed, there is nothing to do. Else one new moment is compared with the count and the checksum of each range from
//! before rewriting, and the ranges that differ are brought over from that moment. Only the source is read for the comparison, so that
//! it does not matter what rewriting made of the copy.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::account::{self, Range, State};
use super::copy::{cuts, way};
use super::define::{self, counters};
use super::programs;
use super::range::{Clash, From, Moment, Way, bring, empty, sums};
use super::session::Session;
use super::shape::{Shape, shapes};
use super::source::{self, Source};
use super::target::Target;
use crate::databases::{Rewriting, Settled, TableRows};
use crate::{Level, Problem, Result, Unit, Watch};

/// Which moment of the source the copy is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// One: the one it shows already, if it does.
    One,
    /// The present one.
    Now,
}

/// Settles the copy in at most `passes` passes.
pub(crate) async fn settle(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    to: To,
    passes: u32,
    watch: &dyn Watch,
) -> Result<Settled> {
    let way = way(source, target, rewriting);
    let mut settled = Settled::default();
    let mut reading = source.session().await?;
    let mut writing = target.session().await?;
    programs::still_triggers(&mut writing).await?;
    let all = shapes(&mut reading, &source.name).await?;
    let shapes: Vec<Arc<Shape>> =
        all.iter().filter(|shape| shape.holds_rows()).cloned().map(Arc::new).collect();
    let mut left = match to {
        To::One => open(&mut writing, &shapes).await?,
        To::Now => shapes.clone(),
    };
    if left.is_empty() {
        settled.passes = 1;
    } else {
        define::tables(&mut reading, &mut writing, source, target, &all, watch).await?;
    }
    while settled.passes < passes.max(1) && !left.is_empty() {
        settled.passes += 1;
        // Later passes are for engines that cannot read one moment: their tables are looked at until they stand still.
        let mut moment = Moment::of(source).await?;
        left = pass(&mut moment, &mut writing, &way, &left, &mut settled, watch).await?;
        moment.session.close().await;
    }
    settled.moving = left.iter().map(|shape| shape.name.clone()).collect();
    for table in &settled.moving {
        watch.note(Level::Warn, &format!("{table} kept changing and its engine cannot read one moment"));
    }
    for shape in &shapes {
        let rows_source =
            account::ranges(&mut writing, &shape.name).await?.iter().map(|range| range.held.rows).sum();
        let rows_target = source::rows(&mut writing, &target.name, shape).await?;
        if rows_source != rows_target {
            return Err(Problem::transient(
                "copy.differs",
                format!("{} holds {rows_target} rows where the source held {rows_source}.", shape.name),
            )
            .help("Something else writes to the copy while it is made. Keep it away and try again.")
            .with("table", &shape.name));
        }
        settled.tables.push(TableRows { name: shape.name.clone(), rows_source, rows_target });
    }
    counters(&mut reading, &mut writing, source, target).await?;
    settled.changes = programs::bring(&mut reading, &mut writing, source, target, watch).await?;
    reading.close().await;
    writing.close().await;
    Ok(settled)
}

/// The tables that have to be compared: none of the transactional ones when all of them show one moment, and every one of the others.
async fn open(writing: &mut Session, shapes: &[Arc<Shape>]) -> Result<Vec<Arc<Shape>>> {
    let mut moments = std::collections::BTreeSet::new();
    for shape in shapes.iter().filter(|shape| shape.transactional()) {
        let ranges = account::ranges(writing, &shape.name).await?;
        if ranges.is_empty() {
            moments.insert(0);
        }
        moments
            .extend(ranges.iter().map(|range| if range.state == State::Copied { range.moment } else { 0 }));
    }
    let one = moments.len() < 2 && !moments.contains(&0);
    Ok(shapes.iter().filter(|shape| !one || !shape.transactional()).cloned().collect())
}

/// One moment compared and brought over; answers the tables that differed and whose engine knows no moments.
async fn pass(
    moment: &mut Moment,
    writing: &mut Session,
    way: &Way,
    shapes: &[Arc<Shape>],
    settled: &mut Settled,
    watch: &dyn Watch,
) -> Result<Vec<Arc<Shape>>> {
    let total: u64 = shapes.iter().map(|shape| shape.rows).sum();
    let mut done = 0;
    let mut moved = Vec::new();
    settled.compared = 0;
    for shape in shapes {
        watch.safe_point().await?;
        watch.doing(&shape.name);
        let mut ranges = account::ranges(writing, &shape.name).await?;
        if ranges.is_empty() {
            let cuts = moment.letting_go(async |session| cuts(session, &way.source, shape).await).await?;
            account::plan(writing, &[(shape, cuts)]).await?;
            ranges = account::ranges(writing, &shape.name).await?;
        }
        settled.compared += ranges.len() as u64;
        let mut differing = Vec::new();
        let mut same = Vec::new();
        for range in ranges {
            watch.safe_point().await?;
            let within = shape.between(range.low.as_deref(), range.high.as_deref());
            let now =
                moment.letting_go(async |session| sums(session, &way.source, shape, &within).await).await?;
            if range.state == State::Planned || now != range.held {
                differing.push(range);
            } else {
                same.push(range.id);
            }
            done += now.rows;
            watch.progress(done, total.max(done), Unit::Rows);
        }
        account::shows(writing, &same, moment.number).await?;
        if differing.is_empty() {
            continue;
        }
        settled.brought += differing.len() as u64;
        settled.renewed.push(shape.name.clone());
        clear(writing, way, shape, &mut differing).await?;
        for range in &differing {
            watch.safe_point().await?;
            bring_again(moment, writing, way, shape, range)
                .await
                .map_err(|problem| problem.with("table", &shape.name))?;
        }
        if !shape.transactional() {
            moved.push(Arc::clone(shape));
        }
    }
    Ok(moved)
}

/// Reads a range in the moment and writes it at the same time.
async fn bring_again(
    moment: &mut Moment,
    writing: &mut Session,
    way: &Way,
    shape: &Arc<Shape>,
    range: &Range,
) -> Result<()> {
    let (to, pieces) = mpsc::unbounded_channel();
    let from = From::Reader(moment.number, pieces);
    let reading = async {
        moment.read(way, shape, range, &to).await;
    };
    let ((), written) = futures::join!(reading, bring(writing, way, shape, range, from, Clash::Fail));
    written.map(drop)
}

/// Empties the ranges first, all of a table: a unique value may have moved from one to another.
async fn clear(writing: &mut Session, way: &Way, shape: &Shape, ranges: &mut [Range]) -> Result<()> {
    writing.run("START TRANSACTION").await?;
    for range in ranges.iter_mut() {
        account::forget(writing, range).await?;
        empty(writing, way, shape, range).await?;
        range.state = State::Planned;
    }
    writing.run("COMMIT").await?;
    Ok(())
}
