//! Rows with a value that is too long to be held several times over.
//!
//! Such a row travels alone: its long values are read in parts, and other rows leave it the room that it takes until it is written.

use tokio::sync::mpsc;

use super::quote;
use super::range::{Part, Piece, Way};
use super::rows::Rows;
use super::session::{Cells, Session};
use super::shape::Shape;
use crate::Result;

/// Bytes from which on a value is read in parts.
pub(super) const GIANT: usize = 1 << 20;

/// Bytes that are read at a time.
const PART: usize = 2 << 20;

/// How many times over a long value is in memory at most: as it was read, and as it is rewritten.
const TIMES: usize = 2;

/// Reads the rows with these keys, one after the other as there is room, and sends each.
pub(super) async fn read(
    session: &mut Session,
    way: &Way,
    shape: &Shape,
    keys: Vec<Vec<String>>,
    to: &mpsc::UnboundedSender<Piece>,
) -> Result<()> {
    for key in keys {
        let part = one(session, way, shape, &shape.is(&key)).await?;
        if to.send(Ok(Some(part))).is_err() {
            break;
        }
    }
    Ok(())
}

async fn one(session: &mut Session, way: &Way, shape: &Shape, is: &str) -> Result<Part> {
    let from = format!("FROM {} WHERE {is}", quote::table(&way.source, &shape.name));
    let lengths: Vec<String> =
        shape.columns.iter().map(|column| format!("LENGTH({})", column.read())).collect();
    let lengths = session.first(format!("SELECT {} {from}", lengths.join(","))).await?;
    let bytes = lengths.iter().flat_map(|row| (0..shape.columns.len()).map(|at| length(row, at)));
    let taken = way.room.take(bytes.fold(0, usize::saturating_add).saturating_mul(TIMES)).await;
    let small = session.first(format!("SELECT {} {from}", shape.reads_up_to(GIANT))).await?;
    let mut rows = Rows::of(shape.columns.len());
    let (Some(lengths), Some(small)) = (lengths, small) else { return Ok(Part { rows, taken }) };
    for (at, column) in shape.columns.iter().enumerate() {
        let length = length(&lengths, at);
        if small.bytes(at).is_some() || lengths.bytes(at).is_none() {
            rows.cell(small.bytes(at));
            continue;
        }
        rows.begin(length);
        for start in (0..length).step_by(PART) {
            let bytes = format!("SUBSTRING(CAST({} AS BINARY),{},{PART})", column.read(), start + 1);
            let part = session.first(format!("SELECT {bytes} {from}")).await?;
            rows.part(part.as_ref().and_then(|part| part.bytes(0)).unwrap_or_default());
        }
        rows.end();
    }
    Ok(Part { rows, taken })
}

fn length(lengths: &Cells, at: usize) -> usize {
    usize::try_from(lengths.number(at)).unwrap_or(usize::MAX)
}
