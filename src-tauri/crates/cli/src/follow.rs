//! Watches one job to its end: as a moving bar on a terminal, as a line for each finished step elsewhere, as JSON for scripts.

use std::collections::HashSet;

use clonedeck_api::wire::{JobState, JobView, Problem, StepState, Tick, Update};
use clonedeck_api::{Clonedeck, Runner};
use indicatif::{ProgressBar, ProgressStyle};

use crate::say::{Code, Failure, Say, amount, code_of, time};
use crate::verbs::show;

/// Why a job does not move that nobody runs, and what is said of it.
const NO_RUNNER: &str = "no-runner";
const RUN_THE_QUEUE: &str = "No program runs the queue right now. Run it: clonedeck work";

/// Says so when a job that could move is run by nobody.
pub fn remark_on_runner(job: &JobView, say: Say) {
    if job.waiting_for.as_ref().is_some_and(|why| why.code == NO_RUNNER) {
        say.remark(RUN_THE_QUEUE);
    }
}

/// What happens after a job was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Print its id and return.
    Return,
    /// Follow it; run the queue here when nobody else does.
    Follow,
    /// The same, and print what its programs write.
    Listen,
}

/// Says that a job was added, and does what is asked then.
pub async fn launched(clonedeck: &Clonedeck, id: &str, then: Then, say: Say) -> Result<Code, Failure> {
    if say.json {
        say.line(&serde_json::json!({ "id": id }));
    } else if then == Then::Return {
        say.text(id);
    } else {
        say.remark(&format!("Job {id} is in the queue."));
    }
    if then == Then::Return {
        return Ok(Code::Done);
    }
    let runner = clonedeck.work_if_nobody_does().await?;
    end(clonedeck, id, runner, then, say).await
}

/// Watches a job that runs elsewhere, or will.
pub async fn to_the_end(clonedeck: &Clonedeck, id: &str, say: Say) -> Result<Code, Failure> {
    end(clonedeck, id, None, Then::Follow, say).await
}

async fn end(
    clonedeck: &Clonedeck,
    id: &str,
    runner: Option<Runner>,
    then: Then,
    say: Say,
) -> Result<Code, Failure> {
    let here = runner.is_some();
    let outcome = tokio::select! {
        job = ended(clonedeck, id, then, say) => Some(job),
        () = interrupt() => None,
    };
    if let Some(runner) = runner {
        runner.stop().await;
    }
    match outcome {
        Some(job) => {
            let job = job?;
            if say.json {
                say.line(&job);
            } else {
                show::result(&job, say);
                if job.state == JobState::Waiting {
                    if job.error.is_none()
                        && let Some(why) = &job.waiting_for
                    {
                        eprintln!("The job waits: {}", why.message);
                    }
                    eprintln!(
                        "The job waits for you. Then: clonedeck retry {id}; or take it back: clonedeck cancel {id}",
                        id = job.id
                    );
                } else if job.state == JobState::Completed
                    && job.result.as_ref().is_some_and(|result| result.username.is_some())
                {
                    say.remark(&format!("The password: clonedeck show --secrets {}", job.id));
                }
            }
            Ok(code_of(&job))
        }
        None => {
            say.remark(&if here {
                "The job stays in the queue. It goes on where it stood when the queue is run: clonedeck work"
                    .to_owned()
            } else {
                format!("The job goes on. Watch it: clonedeck watch {id}")
            });
            Ok(Code::Interrupted)
        }
    }
}

/// Follows a job until it has ended or waits for a person.
async fn ended(clonedeck: &Clonedeck, id: &str, then: Then, say: Say) -> Result<JobView, Problem> {
    let mut follower = clonedeck.follow(None).await?;
    let mut seen = Seen::new(say);
    let mut heard = (then == Then::Listen && !say.json).then_some(0);
    loop {
        let job = clonedeck.job(id).await?;
        seen.output(clonedeck, id, &mut heard).await?;
        seen.steps(&job);
        let waits_for_person =
            job.state == JobState::Waiting && job.waiting_for.as_ref().is_some_and(|why| why.needs_person);
        if matches!(job.state, JobState::Completed | JobState::Failed | JobState::Cancelled)
            || waits_for_person
        {
            seen.finish();
            return Ok(job);
        }
        // Whole views are read only when the job changed; ticks alone move the bar.
        loop {
            let update = follower.next().await?;
            let changed = update.changed.iter().any(|row| row.id == id);
            seen.update(&update, id);
            seen.output(clonedeck, id, &mut heard).await?;
            if changed {
                break;
            }
        }
    }
}

/// What of a job was already said.
struct Seen {
    say: Say,
    bar: Option<ProgressBar>,
    steps: HashSet<String>,
}

impl Seen {
    fn new(say: Say) -> Self {
        let bar = say.can_move().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {wide_msg}")
                .expect("the template is fixed");
            ProgressBar::new(1000).with_style(style.progress_chars("━╸─"))
        });
        Self { say, bar, steps: HashSet::new() }
    }

    fn text(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// Prints the lines of the log from `next` on, where they are asked for.
    async fn output(&self, clonedeck: &Clonedeck, id: &str, next: &mut Option<u64>) -> Result<(), Problem> {
        let Some(next) = next else { return Ok(()) };
        loop {
            let page = clonedeck.log_page(id, *next, 1000).await?;
            let Some(last) = page.lines.last() else { return Ok(()) };
            *next = last.n + 1;
            let print = || page.lines.iter().for_each(|line| self.say.text(&line.text));
            match &self.bar {
                Some(bar) => bar.suspend(print),
                None => print(),
            }
        }
    }

    fn steps(&mut self, job: &JobView) {
        if self.say.json || self.say.quiet {
            return;
        }
        if job.waiting_for.as_ref().is_some_and(|why| why.code == NO_RUNNER)
            && self.steps.insert(NO_RUNNER.to_owned())
        {
            self.text(RUN_THE_QUEUE);
        }
        for step in &job.steps {
            let over = matches!(
                step.state,
                StepState::Completed | StepState::Skipped | StepState::Failed | StepState::Undone
            );
            if over && self.steps.insert(format!("{}{:?}", step.name, step.state)) {
                self.text(&show::step_line(step));
            }
            if step.state == StepState::Waiting
                && let Some(error) = &step.error
                && self.steps.insert(format!("{}{}", step.name, step.attempts))
            {
                self.text(&format!("  … {}: {}", step.title, error.message));
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_position((job.progress * 10.0) as u64);
            if let Some(why) = &job.waiting_for {
                bar.set_message(why.message.clone());
            }
        }
    }

    fn update(&self, update: &Update, id: &str) {
        if self.say.json {
            for row in update.changed.iter().filter(|row| row.id == id) {
                self.say.line(&serde_json::json!({ "event": "changed", "job": row }));
            }
            for tick in update.ticks.iter().filter(|tick| tick.job == id) {
                self.say.line(&serde_json::json!({ "event": "progress", "tick": tick }));
            }
        } else if let Some(bar) = &self.bar
            && let Some(tick) = update.ticks.iter().rev().find(|tick| tick.job == id)
        {
            bar.set_position((tick.progress * 10.0) as u64);
            bar.set_message(tick_line(tick));
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn tick_line(tick: &Tick) -> String {
    let mut line = tick.step.clone();
    if !tick.message.is_empty() {
        line.push_str(&format!(" · {}", tick.message));
    }
    if tick.total > 0 {
        line.push_str(&format!(" · {} of {}", amount(tick.done, &tick.unit), amount(tick.total, &tick.unit)));
    }
    if let Some(eta) = tick.eta_seconds {
        line.push_str(&format!(
            " · {}–{} left",
            time((eta.low * 1000.0) as u64),
            time((eta.high * 1000.0) as u64)
        ));
    }
    line
}

/// Prints a log from where it stood.
pub struct LogPrinter {
    step: Option<String>,
    next: u64,
}

impl LogPrinter {
    /// From the first line; only those of `step` when given.
    pub fn new(step: Option<String>) -> Self {
        Self { step, next: 0 }
    }

    /// Prints the lines that came since.
    pub async fn print_new(&mut self, clonedeck: &Clonedeck, id: &str, say: Say) -> Result<(), Problem> {
        loop {
            let page = clonedeck.log_page(id, self.next, 1000).await?;
            let Some(last) = page.lines.last() else { return Ok(()) };
            self.next = last.n + 1;
            for line in
                page.lines.iter().filter(|line| self.step.as_ref().is_none_or(|step| *step == line.step))
            {
                if say.json {
                    say.line(line);
                } else {
                    say.text(&format!("{} {:<20} {}", line.at, line.step, line.text));
                }
            }
        }
    }
}

/// Prints a log and what is added to it, until the job ends.
pub async fn log(clonedeck: &Clonedeck, id: &str, step: Option<&str>, say: Say) -> Result<Code, Failure> {
    let mut printer = LogPrinter::new(step.map(str::to_owned));
    let follow = async {
        let mut follower = clonedeck.follow(None).await?;
        loop {
            let job = clonedeck.job(id).await?;
            printer.print_new(clonedeck, id, say).await?;
            if matches!(job.state, JobState::Completed | JobState::Failed | JobState::Cancelled) {
                return Ok::<_, Problem>(job);
            }
            loop {
                let update = follower.next().await?;
                if update.changed.iter().any(|row| row.id == id)
                    || update.ticks.iter().any(|tick| tick.job == id)
                {
                    break;
                }
            }
        }
    };
    tokio::select! {
        job = follow => {
            let job = job?;
            if say.json {
                say.line(&job);
            }
            Ok(code_of(&job))
        }
        () = interrupt() => Ok(Code::Interrupted),
    }
}

/// Waits for Ctrl-C or a polite request to end.
pub async fn interrupt() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
