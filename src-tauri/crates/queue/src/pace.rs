//! How fast the steps of a kind of job went on this machine, for whoever wants to say beforehand how long one will take.

use std::collections::BTreeMap;

use clonedeck_store::rusqlite::{Connection, params};

use crate::{Queue, Result};

/// How many earlier jobs are looked at.
const SAMPLES: usize = 20;

/// What a step did in one earlier job, and how long that took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// What it counted: `bytes`, `rows`; `None` where it counted nothing.
    pub unit: Option<String>,
    /// Units done.
    pub done: u64,
    /// Active time, in milliseconds.
    pub active_ms: u64,
}

impl Queue {
    /// The paces of the steps of `kind` in the latest jobs that completed, by name of the step, the latest first.
    pub async fn paces(&self, kind: &str) -> Result<BTreeMap<String, Vec<Pace>>> {
        let kind = kind.to_owned();
        self.read(move |db| paces(db, &kind)).await
    }
}

fn paces(db: &Connection, kind: &str) -> Result<BTreeMap<String, Vec<Pace>>> {
    let mut query = db.prepare_cached(
        "SELECT s.name, s.unit, s.done, s.active_ms FROM step s
         WHERE s.state = 'completed' AND s.job IN
           (SELECT seq FROM job WHERE kind = ?1 AND state = 'completed' ORDER BY seq DESC LIMIT ?2)
         ORDER BY s.job DESC, s.idx",
    )?;
    let mut rows = query.query(params![kind, SAMPLES as i64])?;
    let mut paces: BTreeMap<String, Vec<Pace>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        paces.entry(row.get(0)?).or_default().push(Pace {
            unit: row.get(1)?,
            done: row.get::<_, i64>(2)?.max(0) as u64,
            active_ms: row.get::<_, i64>(3)?.max(0) as u64,
        });
    }
    Ok(paces)
}
