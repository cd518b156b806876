//! Taking over what a program left running when it ended.
//!
//! Whoever holds the runner lock knows that nobody else runs jobs. So nothing has to be waited for: every job that is
//! marked as running belongs to a program that is gone.

use clonedeck_store::rusqlite::{Connection, OptionalExtension, params};

use crate::claim::Claimant;
use crate::event::record;
use crate::standing::{Hold, Standing};
use crate::state::{Event, State};
use crate::wait::WaitNote;
use crate::{Policy, Registry, Result};

/// Puts abandoned jobs back in line, or aside when the program has died under them too often. Returns how many there
/// were. A restart of the machine is nobody's fault and is not counted as a crash.
pub(crate) fn rescue(db: &Connection, now: i64, registry: &Registry, who: &Claimant) -> Result<usize> {
    let left = Standing::all_in(db, State::Running)?;
    for mut job in left.iter().cloned() {
        fail::fail_point!("queue::rescue", |_| std::process::abort());
        let boot: Option<String> = db
            .prepare_cached("SELECT boot FROM job WHERE seq = ?1")?
            .query_row([job.seq], |row| row.get(0))
            .optional()?
            .flatten();
        let crashed = i64::from(boot.as_deref() == Some(&who.boot));
        // The epoch grows here too, so that nothing of the old attempt can be written from now on.
        db.prepare_cached(
            "UPDATE job SET epoch = epoch + 1, crashes = crashes + ?2, interrupted = 1 WHERE seq = ?1",
        )?
        .execute([job.seq, crashed])?;
        db.prepare_cached("UPDATE step SET state = 'pending' WHERE job = ?1 AND state = 'running'")?
            .execute([job.seq])?;
        let crashes = job.crashes + crashed as u32;
        let budget = registry.get(&job.kind).map_or(Policy::default().crashes, |kind| kind.policy.crashes);
        record(db, now, job.seq, "job.rescued", None, Some(&format!("{{\"crashes\":{crashes}}}")))?;
        if crashed == 1 && crashes >= budget {
            let text = format!("The program ended {crashes} times while this job ran. It was set aside.");
            let note = WaitNote::new("set-aside", text)
                .person("Look at its log. Retry the job to run it again, or cancel it.");
            let to = job.after(Event::SetAside)?;
            let note = if to.state == State::Paused { WaitNote::paused() } else { note };
            job.rest(db, now, to, Hold::because(note))?;
        } else {
            let to = job.after(Event::Rescue)?;
            let hold =
                if to.state == State::Paused { Hold::because(WaitNote::paused()) } else { Hold::default() };
            job.rest(db, now, to, hold)?;
        }
    }
    Ok(left.len())
}

/// Brings waits for retries into the time of this runner: none is longer than it was meant to be, however the clock of
/// the machine was set in between.
pub(crate) fn adopt_timers(db: &Connection, now: i64, longest: i64) -> Result<()> {
    db.prepare_cached("UPDATE job SET due_at = ?1 WHERE timer = 'active' AND due_at > ?1")?
        .execute(params![now.saturating_add(longest)])?;
    Ok(())
}
