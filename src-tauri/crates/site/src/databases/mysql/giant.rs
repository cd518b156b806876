//! Rows with a value that is too long to be held several times over.
//!
//! Such a row travels alone: its long values are read in parts, and no other such row is in memory until it is written.

use tokio::sync::mpsc;

use super::quote;
use super::range::{Part, Piece, Way};
use super::rows::Rows;
use super::session::Session;
use super::shape::Shape;
use crate::Result;

/// Bytes from which on a value is read in parts.
pub(super) const GIANT: usize = 1 << 20;

/// Bytes that are read at a time.
const PART: usize = 4 << 20;

/// Reads the rows with these keys, one after the other as the turn comes, and sends each.
pub(super) async fn read(
    session: &mut Session,
    way: &Way,
    shape: &Shape,
    keys: Vec<Vec<String>>,
    to: &mpsc::UnboundedSender<Piece>,
) -> Result<()> {
    for key in keys {
        let taken = way.room.giants.clone().acquire_owned().await.expect("never closed");
        let rows = one(session, way, shape, &shape.is(&key)).await?;
        if to.send(Ok(Some(Part { rows, taken }))).is_err() {
            break;
        }
    }
    Ok(())
}

async fn one(session: &mut Session, way: &Way, shape: &Shape, is: &str) -> Result<Rows> {
    let from = format!("FROM {} WHERE {is}", quote::table(&way.source, &shape.name));
    let lengths: Vec<String> =
        shape.columns.iter().map(|column| format!("LENGTH({})", column.read())).collect();
    let lengths = session.first(format!("SELECT {} {from}", lengths.join(","))).await?;
    let small = session.first(format!("SELECT {} {from}", shape.reads_up_to(GIANT))).await?;
    let mut rows = Rows::of(shape.columns.len());
    let (Some(lengths), Some(small)) = (lengths, small) else { return Ok(rows) };
    for (at, column) in shape.columns.iter().enumerate() {
        let length = usize::try_from(lengths.number(at)).unwrap_or(usize::MAX);
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
    Ok(rows)
}
