//! Taking jobs from the line.

use std::collections::HashMap;
use std::sync::Arc;

use clonedeck_store::rusqlite::{Connection, params};
use uuid::Uuid;

use crate::admission::Ledger;
use crate::advance::{begin_step, first_open};
use crate::event::record;
use crate::job::Needs;
use crate::line::{AnySpec, Kind, Placed, Planned, as_begun, written};
use crate::state::Intent;
use crate::wait::WaitNote;
use crate::{Error, JobId, Registry, Result, StepError};

/// How far down the line a turn looks for a job that fits.
const DEPTH: usize = 2_000;

/// The line's order, as the claim reads it.
pub(crate) const CANDIDATES: &str =
    "SELECT seq, kind, needs, intent, rank, wait, started_at IS NOT NULL FROM job
     WHERE state = 'queued' ORDER BY rank, seq LIMIT ?1";

/// A job that was taken, with everything its attempt begins with.
pub(crate) struct Claimed {
    pub seq: i64,
    pub id: JobId,
    pub kind: Arc<Kind>,
    pub epoch: i64,
    pub rank: i64,
    pub needs: Arc<Needs>,
    /// What is to be done, or why that cannot be told.
    pub work: Result<Work, StepError>,
    pub intent: Intent,
    pub step: usize,
    pub cursor: Option<String>,
    pub failures: u32,
    pub step_active_ms: i64,
    pub active_ms: i64,
    pub outputs: HashMap<String, String>,
    /// Steps to undo with their cursors, the last one first.
    pub undos: Vec<(usize, Option<String>)>,
}

/// An order and the line that was laid out for it.
pub(crate) struct Work {
    pub spec: AnySpec,
    pub line: Vec<Placed>,
}

/// Who takes the jobs.
#[derive(Clone, Debug)]
pub(crate) struct Claimant {
    pub owner: Uuid,
    pub boot: String,
}

impl Claimed {
    /// What is to be done, once.
    pub fn take_work(&mut self) -> Result<Work, StepError> {
        std::mem::replace(
            &mut self.work,
            Err(StepError::permanent("work-taken", "Its work was taken before.")),
        )
    }
}

struct Candidate {
    seq: i64,
    kind: String,
    needs: Option<String>,
    intent: Intent,
    rank: i64,
    wait: Option<String>,
    begun: bool,
}

/// Takes every job that fits, best rank first.
pub(crate) fn claim(
    db: &Connection,
    now: i64,
    registry: &Registry,
    who: &Claimant,
    ledger: &mut Ledger<'_>,
) -> Result<Vec<Claimed>> {
    let mut claimed = Vec::new();
    if !ledger.has_slot() {
        return Ok(claimed);
    }
    let mut taken = Vec::new();
    let mut held_up = Vec::new();
    {
        let mut query = db.prepare_cached(CANDIDATES)?;
        let mut rows = query.query([DEPTH as i64])?;
        while ledger.has_slot()
            && let Some(row) = rows.next()?
        {
            let job = Candidate {
                seq: row.get(0)?,
                kind: row.get(1)?,
                needs: row.get(2)?,
                intent: Intent::parse(row.get_ref(3)?.as_str().unwrap_or("go")).unwrap_or(Intent::Go),
                rank: row.get(4)?,
                wait: row.get(5)?,
                begun: row.get(6)?,
            };
            let Some(kind) = registry.get(&job.kind) else {
                let text = format!("This program knows no job of kind {}.", job.kind);
                held_up.push((job, WaitNote::new("unknown-kind", text).person("Update the program.")));
                continue;
            };
            let needs = match &job.needs {
                Some(text) => serde_json::from_str(text).unwrap_or_default(),
                None => Needs::nothing(),
            };
            let obstacle = obstacle(db, ledger, &job, &needs, &taken)?;
            if let Some(note) = obstacle {
                ledger.reserve(job.rank, &needs, &note.code);
                held_up.push((job, note));
            } else {
                ledger.take(job.rank, &needs);
                taken.push((job, Arc::clone(kind), Arc::new(needs)));
            }
        }
    }
    for (job, note) in held_up {
        note_obstacle(db, &job, note)?;
    }
    for (job, kind, needs) in taken {
        claimed.push(take(db, now, who, job, kind, needs)?);
    }
    Ok(claimed)
}

type Taken = (Candidate, Arc<Kind>, Arc<Needs>);

fn obstacle(
    db: &Connection,
    ledger: &mut Ledger<'_>,
    job: &Candidate,
    needs: &Needs,
    taken: &[Taken],
) -> Result<Option<WaitNote>> {
    for key in &needs.exclusive {
        let mut query = db.prepare_cached(
            "SELECT j.id, j.state FROM hold h JOIN job j ON j.seq = h.job WHERE h.key = ?1 AND h.job <> ?2",
        )?;
        let mut rows = query.query(params![key, job.seq])?;
        if let Some(row) = rows.next()? {
            let other = JobId::from_bytes(&row.get::<_, Vec<u8>>(0)?);
            let state: String = row.get(1)?;
            let text = format!("Job {other} ({state}) works on {key}.");
            return Ok(Some(WaitNote::new("target", text)));
        }
        if let Some((other, ..)) = taken.iter().find(|(_, _, held)| held.exclusive.contains(key)) {
            let text = format!("Another job ({}) works on {key}.", other.kind);
            return Ok(Some(WaitNote::new("target", text)));
        }
    }
    // Taking back gives room; it waits for nothing but its target.
    Ok(if job.intent.undoes() { None } else { ledger.obstacle(needs) })
}

/// Keeps the reason with the job, when it is a new one.
fn note_obstacle(db: &Connection, job: &Candidate, note: WaitNote) -> Result<()> {
    let known = job.wait.as_deref().and_then(WaitNote::parse);
    if known
        .is_some_and(|known| known.code == note.code && (note.code == "cpu" || known.message == note.message))
    {
        return Ok(());
    }
    db.prepare_cached("UPDATE job SET wait = ?2 WHERE seq = ?1 AND state = 'queued'")?
        .execute(params![job.seq, note.to_json()])?;
    Ok(())
}

fn take(
    db: &Connection,
    now: i64,
    who: &Claimant,
    job: Candidate,
    kind: Arc<Kind>,
    needs: Arc<Needs>,
) -> Result<Claimed> {
    fail::fail_point!("queue::claim", |_| std::process::abort());
    let work = lay_out(db, &job, &kind)?;
    let mut claimed = db
        .prepare_cached(
            "UPDATE job SET state = 'running', epoch = epoch + 1, owner = ?2, boot = ?3, wait = NULL, timer = NULL,
                    due_at = NULL, started_at = coalesce(started_at, ?4), attempts = max(attempts, 1),
                    resumed = resumed + interrupted, interrupted = 0
             WHERE seq = ?1 AND state = 'queued'
             RETURNING id, epoch, step, active_ms",
        )?
        .query_row(params![job.seq, who.owner.as_bytes().as_slice(), who.boot, now], |row| {
            Ok(Claimed {
                seq: job.seq,
                id: JobId::from_bytes(&row.get::<_, Vec<u8>>(0)?),
                kind: Arc::clone(&kind),
                epoch: row.get(1)?,
                rank: job.rank,
                needs: Arc::clone(&needs),
                work,
                intent: job.intent,
                step: row.get::<_, i64>(2)?.max(0) as usize,
                cursor: None,
                failures: 0,
                step_active_ms: 0,
                active_ms: row.get(3)?,
                outputs: HashMap::new(),
                undos: Vec::new(),
            })
        })?;
    let data = format!("{{\"epoch\":{}}}", claimed.epoch);
    record(db, now, job.seq, "job.running", None, Some(&data))?;
    for key in &needs.exclusive {
        db.prepare_cached("INSERT OR IGNORE INTO hold (key, job) VALUES (?1, ?2)")?
            .execute(params![key, job.seq])?;
    }
    if job.begun {
        if !job.intent.undoes() {
            claimed.step = first_open(db, job.seq, claimed.step)?;
            db.prepare_cached("UPDATE job SET step = ?2 WHERE seq = ?1")?
                .execute([job.seq, claimed.step as i64])?;
        }
        recall(db, &mut claimed)?;
    }
    if !job.intent.undoes()
        && let Some(step) = claimed.work.as_ref().ok().and_then(|work| work.line.get(claimed.step))
    {
        begin_step(db, now, job.seq, claimed.step, &step.name)?;
    }
    Ok(claimed)
}

/// Reads what earlier attempts left.
fn recall(db: &Connection, claimed: &mut Claimed) -> Result<()> {
    let mut query = db.prepare_cached(
        "SELECT idx, name, state, cursor, output, failures, active_ms, undone FROM step WHERE job = ?1 ORDER BY idx DESC",
    )?;
    let mut rows = query.query([claimed.seq])?;
    while let Some(row) = rows.next()? {
        let index = row.get::<_, i64>(0)?.max(0) as usize;
        let state: String = row.get(2)?;
        let cursor: Option<String> = row.get(3)?;
        if let Some(output) = row.get::<_, Option<String>>(4)? {
            claimed.outputs.insert(row.get(1)?, output);
        }
        if claimed.intent.undoes() {
            if !row.get::<_, bool>(7)? && state != "skipped" && state != "undone" {
                if claimed.undos.is_empty() {
                    claimed.failures = row.get(5)?;
                }
                claimed.undos.push((index, cursor));
            }
        } else if index == claimed.step {
            claimed.cursor = cursor;
            claimed.failures = row.get(5)?;
            claimed.step_active_ms = row.get(6)?;
        }
    }
    Ok(())
}

/// Reads the order of a job and lays out its line, or says why this program cannot.
///
/// Where another version of the kind laid it out, a job that has not begun takes the new line, one that takes back what it did
/// goes by the names of its steps, and one in the middle is for a person to decide.
fn lay_out(db: &Connection, job: &Candidate, kind: &Kind) -> Result<Result<Work, StepError>> {
    let (text, stored): (String, String) = db
        .prepare_cached("SELECT spec, line FROM job WHERE seq = ?1")?
        .query_row([job.seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let read = || {
        let spec = kind.parse(&text)?;
        let line = kind.line(&*spec)?;
        Ok(Work { spec, line })
    };
    let mut work = match read() {
        Ok(work) => work,
        Err(error) => return Ok(Err(unreadable(&error, job.intent))),
    };
    let stored: Vec<Planned> = serde_json::from_str(&stored).unwrap_or_default();
    let is_same = stored.len() == work.line.len()
        && stored.iter().zip(&work.line).all(|(old, new)| old.name == new.name);
    if !is_same && job.intent.undoes() {
        work.line = as_begun(work.line, stored);
    } else if !is_same && job.begun {
        return Ok(Err(StepError::needs_person(
            "line-changed",
            "Its steps were laid out by another version of the program.",
        )
        .help("Try it again from its first step (clonedeck retry --from-start JOB), cancel it, or finish it with the version that began it.")));
    } else if !is_same {
        let text = serde_json::to_string(&written(&work.line, &*work.spec))
            .map_err(|error| Error::invalid("the line of a job", error))?;
        db.prepare_cached("UPDATE job SET line = ?2 WHERE seq = ?1")?.execute(params![job.seq, text])?;
    }
    Ok(Ok(work))
}

fn unreadable(error: &Error, intent: Intent) -> StepError {
    let text = format!("This version of the program cannot read what the job was to do ({error}).");
    if intent.undoes() {
        StepError::permanent("spec-unfit", text)
            .help("What it did so far is still there; look at the job's log and remove it by hand.")
    } else {
        StepError::needs_person("spec-unfit", text)
            .help("Resume it with the version of the program that added it, or cancel it.")
    }
}
