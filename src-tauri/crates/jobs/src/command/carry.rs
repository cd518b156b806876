//! Carries out one call as a step of a job.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clonedeck_queue::{Ctx, Done, Handle, Level, Step, StepError, Undone};
use clonedeck_site::process::{Driven, Ending, Line, Listener, Program, Running, Silent, Stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

use super::call::{Call, Checked};
use super::catalogue::Effect;
use super::progress::{Patterns, Told, may_be_protocol, protocol};
use super::shelf::Commands;
use crate::{Bounds, step_error};

/// Where a call stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    stage: Stage,
    checkpoint: Option<Value>,
    phase: Option<String>,
    done: u64,
    total: u64,
    #[serde(default)]
    stats: BTreeMap<String, u64>,
    /// The step's active milliseconds from which the deadline counts: cut-off runs belong to the one that goes on.
    #[serde(default)]
    since_ms: u64,
}

/// Where a call stands, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The phase it is in.
    pub phase: Option<String>,
    /// How much is done.
    pub done: u64,
    /// Of how much; 0 while not known.
    pub total: u64,
    /// Where it could go on.
    pub checkpoint: Option<String>,
    /// Counts by name.
    pub stats: BTreeMap<String, u64>,
}

impl Standing {
    /// Read out of what the queue keeps of a call's step: its cursor while it is not done, its output afterwards.
    pub fn read(cursor: Option<&str>, output: Option<&str>) -> Self {
        let cursor: Cursor = cursor.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let output: Outcome = output.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Self {
            checkpoint: cursor.checkpoint.as_ref().map(text_of),
            phase: cursor.phase,
            done: cursor.done,
            total: cursor.total,
            stats: if output.stats.is_empty() { cursor.stats } else { output.stats },
        }
    }
}

/// A checkpoint as it is handed back: a text as it is, anything else as JSON.
fn text_of(checkpoint: &Value) -> String {
    checkpoint.as_str().map_or_else(|| checkpoint.to_string(), str::to_owned)
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stage {
    /// It never ran.
    #[default]
    New,
    /// It is running, or was when Clonedeck was cut off.
    Running,
    /// It has ended by itself, not well.
    Ended,
    /// A person was asked whether to run it again; going on is the answer.
    Asked,
}

/// What a call left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What was run, for people.
    pub ran: String,
    /// Counts by name.
    pub stats: BTreeMap<String, u64>,
    /// Lines it wrote.
    pub lines: u64,
    /// Active time, milliseconds.
    pub took_ms: u64,
    /// Most memory seen, bytes.
    pub peak_memory: u64,
}

/// Listens to a program on behalf of a job.
struct Ear {
    handle: Handle,
    patterns: Patterns,
    heard: Mutex<Heard>,
    has_checkpoint: Notify,
}

#[derive(Default)]
struct Heard {
    cursor: Cursor,
    is_new: bool,
}

impl Ear {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it stands, to be kept.
    fn take_cursor(&self) -> Cursor {
        let mut heard = self.heard();
        heard.is_new = false;
        heard.cursor.clone()
    }

    fn take_in(&self, told: Told) {
        let mut heard = self.heard();
        let mut says_more = !told.stats.is_empty();
        if let Some(phase) = told.phase
            && heard.cursor.phase.as_ref() != Some(&phase)
        {
            self.handle.log(Level::Info, format!("Phase: {phase}"));
            heard.cursor.phase = Some(phase);
            (heard.cursor.done, heard.cursor.total) = (0, 0);
            says_more = true;
        }
        if told.done.is_some() || told.total.is_some() {
            heard.cursor.done = told.done.unwrap_or(heard.cursor.done);
            heard.cursor.total = told.total.unwrap_or(heard.cursor.total);
            self.handle.progress(heard.cursor.done, heard.cursor.total);
        }
        heard.cursor.stats.extend(told.stats);
        if says_more {
            self.handle.message(heard.cursor.says());
        }
        if told.checkpoint.is_some() && told.checkpoint != heard.cursor.checkpoint {
            heard.cursor.checkpoint = told.checkpoint;
            heard.is_new = true;
            self.has_checkpoint.notify_one();
        }
    }
}

impl Listener for Ear {
    fn line(&self, line: &Line) {
        let told = self.patterns.read(&line.text);
        // The protocol is for us; its phases are told as such.
        if protocol(&line.text).is_none() {
            let level = if line.stream == Stream::Out { Level::Info } else { Level::Warn };
            self.handle.log(level, &line.text);
        }
        if let Some(told) = told {
            self.take_in(told);
        }
    }

    fn showing(&self, _: Stream, text: &str) {
        if let Some(told) = self.patterns.read(text) {
            self.take_in(told);
        }
    }

    fn stalled(&self, silent: Duration) {
        let text = crate::programs::stalled(silent);
        self.handle.message(&text);
        self.handle.log(Level::Warn, text);
    }

    fn must_hear(&self, line: &[u8]) -> bool {
        may_be_protocol(line)
    }
}

/// Runs a call as the step `S`, or goes on with it.
pub(super) async fn carry<S>(
    ctx: &mut Ctx<S>,
    commands: &Commands,
    site: &Path,
    call: &Call,
    bounds: Bounds,
) -> Result<Done<Outcome>, StepError>
where
    S: Step<Cursor = Cursor, Output = Outcome>,
{
    let catalogue = commands.catalogue().map_err(step_error)?;
    let checked = catalogue.check(site, call).map_err(step_error)?;
    let patterns = Patterns::new(&checked.command.progress)
        .map_err(|reason| StepError::permanent("command.catalogue", reason))?;
    let heard = Heard { cursor: ctx.cursor().clone(), ..Heard::default() };
    let ear = Ear { handle: ctx.handle(), patterns, heard: Mutex::new(heard), has_checkpoint: Notify::new() };
    ctx.unit("items");
    let mut running = match commands.programs().take_held(ctx) {
        Some(running) => {
            running.let_go();
            ctx.log(Level::Info, "It goes on where it was held.");
            running
        }
        None => begin(ctx, commands, &checked, call, bounds, &ear).await?,
    };
    let ending = loop {
        let stop = async {
            tokio::select! {
                () = ctx.stop_requested() => (),
                () = ear.has_checkpoint.notified() => (),
            }
        };
        match running.drive(&ear, stop).await {
            Driven::Ended(ending) => break ending,
            Driven::Stopped => {
                let kept = ctx.checkpoint(&ear.take_cursor()).await;
                if let Err(error) = kept {
                    commands.programs().give_way(ctx, running, &ear).await;
                    if ear.heard().is_new {
                        // It used its last moment well.
                        let _ = ctx.checkpoint(&ear.take_cursor()).await;
                    }
                    return Err(error);
                }
            }
        }
    };
    finish(ctx, &ear, &checked, &ending).await
}

async fn finish<S>(
    ctx: &mut Ctx<S>,
    ear: &Ear,
    checked: &Checked<'_>,
    ending: &Ending,
) -> Result<Done<Outcome>, StepError>
where
    S: Step<Cursor = Cursor, Output = Outcome>,
{
    let mut cursor = ear.heard().cursor.clone();
    if let Some(problem) = ending.problem(&checked.command.title) {
        cursor.stage = Stage::Ended;
        ctx.checkpoint(&cursor).await?;
        let at = place(&cursor).map_or_else(String::new, |at| format!(" It was at {at}."));
        let problem = clonedeck_site::Problem { message: problem.message.clone() + &at, ..problem };
        return Err(step_error(problem));
    }
    let stats = std::mem::take(&mut cursor.stats);
    if !stats.is_empty() {
        ctx.set_result(serde_json::json!({ "stats": stats }))?;
    }
    Ok(Done::Completed(Outcome {
        ran: checked.shown(),
        stats,
        lines: ending.lines,
        took_ms: ending.took.as_millis() as u64,
        peak_memory: ending.peak_memory,
    }))
}

/// Starts the program: afresh, or from its checkpoint, or not at all before a person has said so.
async fn begin<S>(
    ctx: &mut Ctx<S>,
    commands: &Commands,
    checked: &Checked<'_>,
    call: &Call,
    bounds: Bounds,
    ear: &Ear,
) -> Result<Running, StepError>
where
    S: Step<Cursor = Cursor, Output = Outcome>,
{
    // What an earlier start left of it has ended before anybody is asked about it.
    commands.programs().sweep().await.map_err(step_error)?;
    let mut cursor = ctx.cursor().clone();
    let command = checked.command;
    let mut more = Vec::new();
    let active = ctx.active();
    let since_ms = cursor.counts_from(active);
    match (cursor.stage, &command.resume) {
        (Stage::New, _) => {}
        (Stage::Running | Stage::Ended | Stage::Asked, Some(resume)) => {
            more = resume.words(cursor.checkpoint.as_ref());
            ctx.log(Level::Info, "It goes on from where it stood.");
        }
        (Stage::Running, None) if command.effect != Effect::Reads && !call.dry_run => {
            cursor.stage = Stage::Asked;
            ctx.checkpoint(&cursor).await?;
            let at = place(&cursor).unwrap_or_else(|| "an unknown place".into());
            return Err(StepError::needs_person(
                "command.interrupted",
                format!("{}: Clonedeck was stopped while it ran. It was at {at}. Run it again?", command.title),
            )
            .help("It changes the site and cannot go on by itself. Look at the site; resume the job to run it again, or cancel it."));
        }
        _ => cursor = Cursor::default(),
    }
    (cursor.stage, cursor.since_ms) = (Stage::Running, since_ms);
    ear.heard().cursor = cursor.clone();
    // Durable before the program starts: should all be cut off now, it counts as begun.
    ctx.checkpoint(&cursor).await?;
    let usual = Bounds {
        deadline_seconds: Some(u64::from(command.deadline_hours) * 3600),
        stall_seconds: Some(u64::from(command.stall_minutes) * 60),
        ..Bounds::default()
    };
    let program = checked.to_run(&more).goes_on_after(active.saturating_sub(Duration::from_millis(since_ms)));
    commands.programs().start(ctx, program, bounds, usual).await.map_err(step_error)
}

/// Takes a call back: ends what is held. What it did to the site stays.
pub(super) async fn abandon<S>(ctx: &Ctx<S>, commands: &Commands) -> Undone
where
    S: Step<Cursor = Cursor, Output = Outcome>,
{
    if let Some(running) = commands.programs().take_held(ctx) {
        commands.programs().give_way(ctx, running, &Silent).await;
        ctx.log(Level::Warn, "It was ended.");
    }
    Undone::Nothing
}

impl Checked<'_> {
    /// What will be run, as one line for people.
    pub fn shown(&self) -> String {
        self.to_run(&[]).shown()
    }

    fn to_run(&self, more: &[String]) -> Program {
        Program::new(&self.program[0], &self.site).args(&self.program[1..]).args(&self.arguments).args(more)
    }
}

impl super::Resume {
    fn words(&self, checkpoint: Option<&Value>) -> Vec<String> {
        let Some(checkpoint) = checkpoint else { return self.without.clone() };
        let text = text_of(checkpoint);
        self.with.iter().map(|word| word.replace("{checkpoint}", &text)).collect()
    }
}

impl Cursor {
    /// From where the deadline counts for a run that begins at this active time of the step: on, after a stop; anew, after an end or
    /// when a person has said so.
    fn counts_from(&self, active: Duration) -> u64 {
        if self.stage == Stage::Running { self.since_ms } else { active.as_millis() as u64 }
    }

    /// The phase and what was counted, in one line.
    fn says(&self) -> String {
        let counts = self.stats.iter().map(|(name, count)| format!("{name} {count}"));
        self.phase.iter().cloned().chain(counts).collect::<Vec<_>>().join(" · ")
    }
}

fn place(cursor: &Cursor) -> Option<String> {
    let counts = match (cursor.done, cursor.total) {
        (0, 0) => None,
        (done, 0) => Some(done.to_string()),
        (done, total) => Some(format!("{done} of {total}")),
    };
    match (&cursor.phase, counts) {
        (Some(phase), Some(counts)) => Some(format!("“{phase}”, {counts}")),
        (Some(phase), None) => Some(format!("“{phase}”")),
        (None, counts) => counts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_counts_on_after_a_stop_and_anew_after_an_end() {
        let at = |stage| Cursor { stage, since_ms: 2_000, ..Cursor::default() };
        let active = Duration::from_mins(1);
        assert_eq!(at(Stage::Running).counts_from(active), 2_000);
        for stage in [Stage::New, Stage::Ended, Stage::Asked] {
            assert_eq!(at(stage).counts_from(active), 60_000, "{stage:?}");
        }
    }
}
