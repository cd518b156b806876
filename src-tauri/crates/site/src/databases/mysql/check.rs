//! Looking whether the copy is one.

use super::quote;
use super::session::Session;
use super::shape::{Shape, shapes};
use super::source::{self, Source};
use super::target::Target;
use crate::databases::{Checked, LeftOver, Rewriting, TableRows};
use crate::{Result, Unit, Watch};

/// Counts rows on both sides and looks for old addresses in every column of text.
pub(crate) async fn check(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    watch: &dyn Watch,
) -> Result<Checked> {
    let mut reading = source.session().await?;
    let mut copy = target.login.open(&target.name, super::session::Mode::Read).await?;
    let shapes = shapes(&mut copy, &target.name).await?;
    let total = shapes.len() as u64;
    let mut checked = Checked::default();
    for (done, shape) in shapes.iter().enumerate() {
        watch.safe_point().await?;
        watch.doing(&shape.name);
        watch.progress(done as u64, total, Unit::Tables);
        let rows_source = source::rows(&mut reading, &source.name, shape).await?;
        let rows_target = source::rows(&mut copy, &target.name, shape).await?;
        checked.tables.push(TableRows { name: shape.name.clone(), rows_source, rows_target });
        if let Some(rewriting) = rewriting {
            left_over(&mut copy, &target.name, shape, rewriting, &mut checked).await?;
        }
    }
    watch.progress(total, total, Unit::Tables);
    reading.close().await;
    copy.close().await;
    Ok(checked)
}

async fn left_over(
    copy: &mut Session,
    database: &str,
    shape: &Shape,
    rewriting: &Rewriting,
    checked: &mut Checked,
) -> Result<()> {
    let columns: Vec<usize> = (0..shape.columns.len())
        .filter(|at| {
            shape.columns[*at].kind.holds_text() && !rewriting.keeps(&shape.name, &shape.columns[*at].name)
        })
        .collect();
    if columns.is_empty() {
        return Ok(());
    }
    let mut found: Vec<LeftOver> = Vec::new();
    // The key first, then the columns to look at, and nothing else of a row.
    let keys = shape.key_columns.len();
    let read: Vec<String> =
        shape.key_columns.iter().chain(&columns).map(|at| shape.columns[*at].read()).collect();
    let mut rows = copy
        .stream(format!("SELECT {} FROM {}", read.join(","), quote::table(database, &shape.name)))
        .await?;
    while let Some(row) = rows.next().await? {
        for (place, at) in columns.iter().enumerate() {
            let Some(value) = row.bytes(keys + place) else { continue };
            if !rewriting.holds_old(value) {
                continue;
            }
            let column = &shape.columns[*at].name;
            if let Some(known) = found.iter_mut().find(|known| known.column == *column) {
                known.cells += 1;
            } else {
                found.push(LeftOver {
                    table: shape.name.clone(),
                    column: column.clone(),
                    cells: 1,
                    example: shape.literals((0..keys).filter_map(|at| row.bytes(at))).join(","),
                });
            }
        }
    }
    checked.left_over.append(&mut found);
    Ok(())
}
