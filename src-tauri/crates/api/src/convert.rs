//! From the queue's and the site's words to those that cross the border.

use clonedeck_queue::{BatchId, Eta, FailureView, JobId, JobView, State, StepState, StepView};
use clonedeck_site::Class;
use serde_json::Value;

use crate::wire;

/// A refusal of the queue.
pub fn queue_problem(error: clonedeck_queue::Error) -> wire::Problem {
    let code = match error.code() {
        // Codes of the command line's contract are in the words of the field.
        "unknown-job" => "job.unknown".to_owned(),
        "ambiguous-job" => "job.ambiguous".to_owned(),
        "refused" => "job.state".to_owned(),
        code => format!("queue.{code}"),
    };
    let mut message = error.to_string();
    if let Some(first) = message.get(..1) {
        message = first.to_uppercase() + &message[1..];
    }
    if !message.ends_with('.') {
        message.push('.');
    }
    wire::Problem {
        code,
        message,
        help: error.help(),
        context: std::collections::BTreeMap::new(),
        retryable: error.is_retryable(),
    }
}

/// A thread of the program that broke off.
pub fn lost_thread(why: tokio::task::JoinError) -> wire::Problem {
    site_problem(clonedeck_jobs::lost_thread(why))
}

/// A problem with a site.
pub fn site_problem(problem: clonedeck_site::Problem) -> wire::Problem {
    wire::Problem {
        code: problem.code.to_owned(),
        message: problem.message,
        help: problem.help,
        context: problem.context,
        retryable: problem.class == Class::Transient,
    }
}

fn failure(failure: FailureView) -> wire::Problem {
    wire::Problem {
        code: failure.code,
        message: failure.message,
        help: failure.help,
        context: failure.context,
        retryable: failure.retryable,
    }
}

/// The state of a job.
pub fn state(state: State) -> wire::JobState {
    match state {
        State::Queued => wire::JobState::Queued,
        State::Running => wire::JobState::Running,
        State::Waiting => wire::JobState::Waiting,
        State::Paused => wire::JobState::Paused,
        State::Completed => wire::JobState::Completed,
        State::Failed => wire::JobState::Failed,
        State::Cancelled => wire::JobState::Cancelled,
    }
}

/// The state of a job, as the queue knows it.
pub fn state_of(state: wire::JobState) -> State {
    match state {
        wire::JobState::Queued => State::Queued,
        wire::JobState::Running => State::Running,
        wire::JobState::Waiting => State::Waiting,
        wire::JobState::Paused => State::Paused,
        wire::JobState::Completed => State::Completed,
        wire::JobState::Failed => State::Failed,
        wire::JobState::Cancelled => State::Cancelled,
    }
}

/// A range of seconds.
pub fn eta(eta: Eta) -> wire::Eta {
    wire::Eta { low: eta.low, high: eta.high }
}

/// A step; what came out of the cache counts as done.
fn step(step: StepView) -> wire::StepView {
    let is_kept = step.message.as_deref() == Some(clonedeck_jobs::build::FROM_CACHE);
    wire::StepView {
        name: step.name,
        title: step.title,
        state: match step.state {
            StepState::Pending => wire::StepState::Pending,
            StepState::Running => wire::StepState::Running,
            StepState::Waiting => wire::StepState::Waiting,
            StepState::Completed => wire::StepState::Completed,
            StepState::Skipped if is_kept => wire::StepState::Completed,
            StepState::Skipped => wire::StepState::Skipped,
            StepState::Failed => wire::StepState::Failed,
            StepState::Undone => wire::StepState::Undone,
        },
        progress: step.progress,
        done: step.done,
        total: step.total.unwrap_or(0),
        unit: step.unit.unwrap_or_default(),
        rate: step.rate.unwrap_or(0.0),
        attempts: step.attempts,
        started_at: step.started_at.map(|at| at.to_string()),
        finished_at: step.finished_at.map(|at| at.to_string()),
        active_ms: step.active_ms,
        message: step.message.unwrap_or_default(),
        error: step.error.map(failure),
    }
}

fn waiting_for(why: clonedeck_queue::WaitingFor) -> wire::WaitingFor {
    wire::WaitingFor {
        code: why.code,
        message: why.message,
        until: why.until.map(|at| at.to_string()),
        needs_person: why.needs_person,
        help: why.help,
    }
}

/// A text of the job's order or result.
fn text(value: Option<&Value>, name: &str) -> Option<String> {
    value?.get(name)?.as_str().map(str::to_owned)
}

fn result(job: &JobView) -> Option<wire::JobResult> {
    let value = job.result.as_ref().filter(|_| job.state == State::Completed)?;
    let text = |name| text(Some(value), name);
    Some(wire::JobResult {
        url: text("url"),
        username: text("username"),
        folder: text("folder"),
        database: text("database"),
        deleted: value.get("deleted").and_then(Value::as_bool),
        findings: value.get("findings").and_then(Value::as_u64).unwrap_or(0) as u32,
        stats: value
            .get("stats")
            .and_then(|stats| serde_json::from_value(stats.clone()).ok())
            .unwrap_or_default(),
        port: value.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok()),
        log: text("log"),
    })
}

/// A job whole.
pub fn job(job: JobView, seq: i64) -> wire::JobView {
    let result = result(&job);
    wire::JobView {
        id: job.id.to_string(),
        kind: job.kind.clone(),
        title: job.title,
        source: text(Some(&job.spec), "source").or_else(|| text(Some(&job.spec), "site")),
        target: text(Some(&job.spec), "target"),
        platform: text(job.result.as_ref(), "platform"),
        state: state(job.state),
        priority: job.priority,
        progress: job.progress,
        current_step: job.current_step,
        created_at: job.created_at.to_string(),
        started_at: job.started_at.map(|at| at.to_string()),
        finished_at: job.finished_at.map(|at| at.to_string()),
        active_ms: job.active_ms,
        attempts: job.attempts,
        crashes: job.crashes,
        resumed: job.resumed,
        eta_seconds: job.eta_seconds.map(eta),
        waiting_for: job.waiting_for.map(waiting_for),
        steps: job.steps.into_iter().map(step).collect(),
        result,
        error: job.error.map(failure),
        batch: job.batch.map(|batch| batch.to_string()),
        batch_title: job.batch_title.clone(),
        spec: job.spec,
        seq: seq.max(0) as u64,
    }
}

/// A job in a list.
pub fn row(job: &JobView, seq: i64) -> wire::JobRow {
    let current = job.current_step.as_ref().and_then(|name| job.steps.iter().find(|step| step.name == *name));
    wire::JobRow {
        id: job.id.to_string(),
        kind: job.kind.clone(),
        title: job.title.clone(),
        source: text(Some(&job.spec), "source").or_else(|| text(Some(&job.spec), "site")),
        target: text(Some(&job.spec), "target"),
        state: state(job.state),
        priority: job.priority,
        progress: job.progress,
        current_step: job.current_step.clone(),
        current_title: current.map(|step| step.title.clone()),
        message: current.and_then(|step| step.message.clone()).unwrap_or_default(),
        eta_seconds: job.eta_seconds.map(eta),
        waiting_for: job.waiting_for.clone().map(waiting_for),
        error: job.error.clone().map(failure),
        created_at: job.created_at.to_string(),
        started_at: job.started_at.map(|at| at.to_string()),
        finished_at: job.finished_at.map(|at| at.to_string()),
        active_ms: job.active_ms,
        resumed: job.resumed,
        batch: job.batch.map(|batch| batch.to_string()),
        batch_title: job.batch_title.clone(),
        findings: result(job).map_or(0, |result| result.findings),
        seq: seq.max(0) as u64,
    }
}

/// An id that came over the border whole.
pub fn job_id(id: &str) -> Result<JobId, wire::Problem> {
    id.parse().map_err(|_| {
        crate::problem(
            "job.unknown",
            format!("'{id}' is not the id of a job."),
            "List the jobs to see their ids: clonedeck jobs",
        )
    })
}

/// The id of a batch that came over the border whole.
pub fn batch_id(id: &str) -> Result<BatchId, wire::Problem> {
    id.parse().map_err(|_| {
        crate::problem("batch.unknown", format!("'{id}' is not the id of a batch."), "Choose it in the list.")
    })
}
