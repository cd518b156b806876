//! Bringing the copy to one moment of the source.
//!
//! The account says, range by range, which rows of the source the copy holds, as a count and a checksum from before rewriting. One
//! snapshot of the source is compared with it, and the ranges that differ are brought over from that same snapshot. What the copy
//! holds afterwards is that snapshot. Only the source is read for the comparison, so that it does not matter what rewriting made of
//! the copy.

use std::sync::Arc;

use super::account::{self, Range, State};
use super::copy::{cuts, way};
use super::define::counters;
use super::programs;
use super::quote;
use super::range::{Carrier, Clash, Way, sums};
use super::shape::{Shape, shapes};
use super::source::{self, Source};
use super::target::Target;
use crate::databases::{Rewriting, Settled, TableRows};
use crate::{Level, Problem, Result, Unit, Watch};

/// Settles the copy in at most `passes` passes.
pub(crate) async fn settle(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    passes: u32,
    watch: &dyn Watch,
) -> Result<Settled> {
    let way = way(source, target, rewriting);
    let mut settled = Settled::default();
    let mut carrier = Carrier { reading: source.session().await?, writing: target.session().await? };
    programs::still_triggers(&mut carrier.writing).await?;
    let shapes: Vec<Arc<Shape>> =
        shapes(&mut carrier.reading, &source.name).await?.into_iter().map(Arc::new).collect();
    let mut left: Vec<Arc<Shape>> = shapes.clone();
    while settled.passes < passes.max(1) && !left.is_empty() {
        settled.passes += 1;
        // Later passes are for engines that cannot read one moment: their tables are looked at until they stand still.
        left = pass(&mut carrier, &way, &left, &mut settled, watch).await?;
    }
    settled.moving = left.iter().map(|shape| shape.name.clone()).collect();
    for table in &settled.moving {
        watch.note(Level::Warn, &format!("{table} kept changing and its engine cannot read one moment"));
    }
    for shape in &shapes {
        let rows_source = account::ranges(&mut carrier.writing, &shape.name)
            .await?
            .iter()
            .map(|range| range.held.rows)
            .sum();
        let rows_target = source::rows(&mut carrier.writing, &target.name, shape).await?;
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
    counters(&mut carrier, source, target).await?;
    settled.changes =
        programs::bring(&mut carrier.reading, &mut carrier.writing, source, target, watch).await?;
    carrier.reading.close().await;
    carrier.writing.close().await;
    Ok(settled)
}

/// One snapshot compared and brought over; answers the tables that differed and whose engine has no snapshots.
async fn pass(
    carrier: &mut Carrier,
    way: &Way,
    shapes: &[Arc<Shape>],
    settled: &mut Settled,
    watch: &dyn Watch,
) -> Result<Vec<Arc<Shape>>> {
    carrier.reading.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await?;
    let total: u64 = shapes.iter().map(|shape| shape.rows).sum();
    let mut done = 0;
    let mut moved = Vec::new();
    settled.compared = 0;
    for shape in shapes {
        watch.safe_point().await?;
        watch.doing(&shape.name);
        let mut ranges = account::ranges(&mut carrier.writing, &shape.name).await?;
        if ranges.is_empty() {
            let cuts = cuts(&mut carrier.reading, &way.source, shape).await?;
            account::plan(&mut carrier.writing, shape, &cuts).await?;
            ranges = account::ranges(&mut carrier.writing, &shape.name).await?;
        }
        settled.compared += ranges.len() as u64;
        let mut differing = Vec::new();
        for range in ranges {
            watch.safe_point().await?;
            let within = shape.between(range.low.as_deref(), range.high.as_deref());
            let now = sums(&mut carrier.reading, &way.source, shape, &within).await?;
            if range.state == State::Planned || now != range.held {
                differing.push(range);
            }
            done += now.rows;
            watch.progress(done, total.max(done), Unit::Rows);
        }
        if differing.is_empty() {
            continue;
        }
        settled.brought += differing.len() as u64;
        clear(carrier, way, shape, &mut differing).await?;
        for range in &differing {
            watch.safe_point().await?;
            carrier
                .bring(way, shape, range, Clash::Fail)
                .await
                .map_err(|problem| problem.with("table", &shape.name))?;
        }
        if !shape.transactional() {
            moved.push(Arc::clone(shape));
        }
    }
    carrier.reading.run("COMMIT").await?;
    Ok(moved)
}

/// Empties the ranges first, all of a table: a unique value may have moved from one to another.
async fn clear(carrier: &mut Carrier, way: &Way, shape: &Shape, ranges: &mut [Range]) -> Result<()> {
    carrier.writing.run("START TRANSACTION").await?;
    for range in ranges.iter_mut() {
        let within = shape.between(range.low.as_deref(), range.high.as_deref());
        account::forget(&mut carrier.writing, range).await?;
        carrier
            .writing
            .run(format!("DELETE FROM {} WHERE {within}", quote::table(&way.target, &shape.name)))
            .await?;
        range.state = State::Planned;
    }
    carrier.writing.run("COMMIT").await?;
    Ok(())
}
