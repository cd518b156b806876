//! What came of jobs while nobody followed.

use clonedeck_store::rusqlite::{Connection, params};

use crate::state::State;
use crate::wait::WaitNote;
use crate::{BatchId, JobId, Queue, Result};

/// Where a job got to while nobody followed: it ended, waits, or was taken up again after a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// The job.
    pub job: JobId,
    /// The batch that it belongs to.
    pub batch: Option<BatchId>,
    /// As it is now.
    pub state: State,
    /// It waits, and for a person.
    pub needs_person: bool,
    /// A stop of the program had cut it off meanwhile.
    pub rescued: bool,
}

impl Queue {
    /// The jobs that got somewhere in the events after `after`, up to and with `until`, each once, in the order of their last event:
    /// those that ended or came to wait and are so still, and those that were cut off by a stop. However many events there are, this is
    /// one look.
    pub async fn meanwhile(&self, after: i64, until: i64) -> Result<Vec<Milestone>> {
        self.read(move |db| milestones(db, after, until)).await
    }
}

fn milestones(db: &Connection, after: i64, until: i64) -> Result<Vec<Milestone>> {
    let mut query = db.prepare_cached(
        "SELECT j.id, b.id, j.state, j.wait, max(e.name = 'job.rescued')
         FROM event e JOIN job j ON j.seq = e.job LEFT JOIN batch b ON b.seq = j.batch
         WHERE e.seq > ?1 AND e.seq <= ?2
           AND (e.name = 'job.rescued'
                OR e.name IN ('job.completed', 'job.failed', 'job.cancelled', 'job.waiting') AND e.name = 'job.' || j.state)
         GROUP BY j.seq ORDER BY max(e.seq)",
    )?;
    let rows = query.query_map(params![after, until], |row| {
        let state = State::parse(&row.get::<_, String>(2)?).unwrap_or(State::Failed);
        let note = row.get::<_, Option<String>>(3)?.as_deref().and_then(WaitNote::parse);
        Ok(Milestone {
            job: JobId::from_bytes(&row.get::<_, Vec<u8>>(0)?),
            batch: row.get::<_, Option<Vec<u8>>>(1)?.map(|bytes| BatchId::from_bytes(&bytes)),
            state,
            needs_person: state == State::Waiting && note.is_some_and(|note| note.person),
            rescued: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
