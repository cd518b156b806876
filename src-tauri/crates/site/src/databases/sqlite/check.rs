use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use super::link::Link;
use super::rewrite::named;
use super::shape::{Shape, list, quoted, rows, shapes};
use super::target::{Source, Target};
use crate::databases::{Checked, Known, LeftOver, Rewriting, TableRows};
use crate::{Result, Unit, Watch};

pub(crate) async fn check(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    known: Known<'_>,
    watch: &dyn Watch,
) -> Result<Checked> {
    let mut reading = Link::read(&source.path).await?;
    let mut copy = Link::read(&target.path).await?;
    let shapes = copy.with(|connection| shapes(connection)).await?;
    let total = shapes.len() as u64;
    let mut checked = Checked::default();
    for (done, shape) in shapes.into_iter().enumerate() {
        watch.safe_point().await?;
        watch.doing(&shape.name);
        watch.progress(done as u64, total, Unit::Tables);
        let name = shape.name.clone();
        let rows_source = match known.rows(&name) {
            Some(rows) => rows,
            // A table of the copy alone is told by its rows.
            None => reading.with(move |connection| rows(connection, &name)).await.unwrap_or_default(),
        };
        let rewriting = rewriting.cloned();
        let (rows_target, left) = copy
            .with(move |connection| {
                let left = match &rewriting {
                    Some(rewriting) => left_over(connection, &shape, rewriting)?,
                    None => Vec::new(),
                };
                Ok((
                    TableRows { rows_source, rows_target: rows(connection, &shape.name)?, name: shape.name },
                    left,
                ))
            })
            .await?;
        checked.tables.push(rows_target);
        checked.left_over.extend(left);
    }
    watch.progress(total, total, Unit::Tables);
    Ok(checked)
}

fn left_over(
    connection: &Connection,
    shape: &Shape,
    rewriting: &Rewriting,
) -> rusqlite::Result<Vec<LeftOver>> {
    let mut found: Vec<LeftOver> = Vec::new();
    let all = if shape.key.is_empty() {
        list(&shape.columns)
    } else {
        format!("{},{}", list(&shape.key), list(&shape.columns))
    };
    let mut statement = connection.prepare(&format!("SELECT {all} FROM {}", quoted(&shape.name)))?;
    let mut read = statement.query([])?;
    while let Some(row) = read.next()? {
        for (at, column) in shape.columns.iter().enumerate() {
            let (ValueRef::Text(value) | ValueRef::Blob(value)) = row.get_ref(shape.key.len() + at)? else {
                continue;
            };
            if rewriting.keeps(&shape.name, column) || !rewriting.holds_old(value) {
                continue;
            }
            if let Some(known) = found.iter_mut().find(|known| known.column == *column) {
                known.cells += 1;
            } else {
                let key: Vec<Value> = (0..shape.key.len()).map(|at| row.get(at)).collect::<Result<_, _>>()?;
                found.push(LeftOver {
                    table: shape.name.clone(),
                    column: column.clone(),
                    cells: 1,
                    example: named(&key),
                });
            }
        }
    }
    Ok(found)
}
