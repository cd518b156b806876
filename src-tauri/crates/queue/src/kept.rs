//! What the queue keeps of a step.

use clonedeck_store::rusqlite::OptionalExtension;

use crate::steer::seq_of;
use crate::{JobId, Queue, Result};

/// What a step left in the database, as the step itself wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Where it stood at its last checkpoint; `None` before the first one and once it is done.
    pub cursor: Option<String>,
    /// What it handed on; `None` until it is done.
    pub output: Option<String>,
}

impl Queue {
    /// What is kept of the step with this index, counted from 0; nothing when it has not begun.
    pub async fn kept(&self, id: JobId, index: usize) -> Result<Kept> {
        self.read(move |db| {
            let seq = seq_of(db, id)?;
            let found = db
                .prepare_cached("SELECT cursor, output FROM step WHERE job = ?1 AND idx = ?2")?
                .query_row((seq, index as i64), |row| Ok(Kept { cursor: row.get(0)?, output: row.get(1)? }))
                .optional()?;
            Ok(found.unwrap_or_default())
        })
        .await
    }
}
