//! How long still.
//!
//! Each step that is to come takes about as long as it did in earlier jobs of the kind on this machine, in proportion to
//! its weight; the step at work as long as its rate says. A step that no earlier job knows is taken to go as this job has
//! gone so far, with much doubt. What comes out is a range, from a good to a bad run; as long as for some step nothing is
//! known, nothing is said. Only active time counts, so pauses and sleep do not spoil it.

use clonedeck_store::rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::state::{Intent, State};
use crate::view::{JobView, StepState, StepView};

/// Seconds of active time that are still to come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Eta {
    /// If it goes well.
    pub low: f64,
    /// If it goes badly.
    pub high: f64,
}

/// How many earlier jobs are looked at.
const SAMPLES: usize = 20;
/// How far the current rate may be off, either way.
const DOUBT: f64 = 0.25;
/// How many times faster or slower than this job so far a step may be of which nothing else is known.
const MUCH_DOUBT: f64 = 2.0;
/// What a job must have done before it says anything about itself: this part of its work, and this long.
const ENOUGH: (f64, f64) = (0.03, 2.0);

pub(crate) fn of(db: &Connection, job: &JobView) -> Result<Option<Eta>> {
    if !matches!(job.state, State::Running) || job.intent.undoes() || job.intent == Intent::Pause {
        return Ok(None);
    }
    let mut sum = Eta { low: 0.0, high: 0.0 };
    for (index, step) in job.steps.iter().enumerate() {
        if step.state.is_done() {
            continue;
        }
        let part = match by_rate(step) {
            Some(part) => Some(part),
            None => match by_history(db, &job.kind, index, step)? {
                Some(part) => Some(part),
                None => by_this_job(&job.steps, step),
            },
        };
        let Some(part) = part else { return Ok(None) };
        if step.state == StepState::Running {
            // It works beside all that comes before it.
            sum = Eta { low: sum.low.max(part.low), high: sum.high.max(part.high) };
        } else {
            sum = Eta { low: sum.low + part.low, high: sum.high + part.high };
        }
    }
    Ok(Some(sum))
}

fn by_rate(step: &StepView) -> Option<Eta> {
    if step.state != StepState::Running {
        return None;
    }
    let rate = step.rate.filter(|rate| *rate > 0.0)?;
    let left = step.total?.saturating_sub(step.done) as f64 / rate;
    Some(Eta { low: left * (1.0 - DOUBT), high: left * (1.0 + DOUBT) })
}

/// As long as the job's work so far took, in proportion to the weights.
fn by_this_job(steps: &[StepView], step: &StepView) -> Option<Eta> {
    let whole: f64 = steps.iter().map(|step| step.weight).sum();
    let worked = steps.iter().filter(|step| step.state != StepState::Skipped);
    let (weight, seconds) = worked.fold((0.0, 0.0), |(weight, seconds), step| {
        (weight + step.weight * step.progress / 100.0, seconds + step.active_ms as f64 / 1000.0)
    });
    if weight < whole * ENOUGH.0 || seconds < ENOUGH.1 {
        return None;
    }
    let left = seconds / weight * step.weight * (1.0 - step.progress / 100.0);
    Some(Eta { low: left / MUCH_DOUBT, high: left * MUCH_DOUBT })
}

fn by_history(db: &Connection, kind: &str, index: usize, step: &StepView) -> Result<Option<Eta>> {
    let mut query = db.prepare_cached(
        "SELECT s.active_ms, json_extract(j.line, '$[' || ?2 || '].weight')
         FROM job j JOIN step s ON s.job = j.seq AND s.idx = ?2
         WHERE j.kind = ?1 AND s.name = ?3 AND s.state = 'completed' ORDER BY j.seq DESC LIMIT ?4",
    )?;
    let rows = query.query_map(
        clonedeck_store::rusqlite::params![kind, index as i64, step.name, SAMPLES as i64],
        |row| Ok((row.get::<_, i64>(0)? as f64, row.get::<_, Option<f64>>(1)?.unwrap_or(1.0))),
    )?;
    let mut paces = Vec::new();
    for row in rows {
        let (active_ms, weight) = row?;
        if weight > 0.0 {
            paces.push(active_ms / 1000.0 / weight);
        }
    }
    if paces.is_empty() {
        return Ok(if step.weight <= 0.0 { Some(Eta { low: 0.0, high: 0.0 }) } else { None });
    }
    paces.sort_by(f64::total_cmp);
    let at = |part: f64| paces[((paces.len() - 1) as f64 * part).round() as usize] * step.weight;
    let spent = step.active_ms as f64 / 1000.0;
    let left = |whole: f64| (whole - spent).max(0.0);
    let (mut low, mut high) = (left(at(0.2)), left(at(0.8)));
    if paces.len() < 5 {
        low *= 1.0 - DOUBT;
        high *= 1.0 + DOUBT;
    }
    Ok(Some(Eta { low, high }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(state: StepState, weight: f64, progress: f64, active_ms: u64) -> StepView {
        StepView {
            name: "copy".into(),
            title: "Copy".into(),
            state,
            progress,
            done: 0,
            total: None,
            unit: None,
            rate: None,
            attempts: 1,
            weight,
            started_at: None,
            finished_at: None,
            active_ms,
            message: None,
            error: None,
        }
    }

    #[test]
    fn a_step_nobody_knows_is_taken_to_go_as_the_job_has_gone_so_far() {
        let steps = [
            step(StepState::Completed, 20.0, 100.0, 10_000),
            step(StepState::Running, 40.0, 50.0, 10_000),
            step(StepState::Pending, 40.0, 0.0, 0),
        ];
        // Forty of a hundred parts took twenty seconds, so that the forty to come take twenty more.
        assert_eq!(by_this_job(&steps, &steps[2]), Some(Eta { low: 10.0, high: 40.0 }));
        assert_eq!(by_this_job(&steps, &steps[1]), Some(Eta { low: 5.0, high: 20.0 }));
    }

    #[test]
    fn a_job_that_has_hardly_begun_says_nothing_about_itself() {
        let steps = [step(StepState::Completed, 1.0, 100.0, 60_000), step(StepState::Pending, 99.0, 0.0, 0)];
        assert_eq!(by_this_job(&steps, &steps[1]), None);
        let steps = [step(StepState::Completed, 50.0, 100.0, 20), step(StepState::Pending, 50.0, 0.0, 0)];
        assert_eq!(by_this_job(&steps, &steps[1]), None);
    }
}
