//! What is told to an operator who looks elsewhere, as OS notifications: each thing once. The [inbox](crate::inbox) keeps it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use clonedeck_queue::{BatchId, BatchView, Filter, Happening, JobId, Milestone, News, State, Subscription};
use jiff::Timestamp;

use crate::inbox::{notice, notice_of};
use crate::wire::{Notice, Problem, Settings};
use crate::{Clonedeck, convert, settings};

/// Notices of the time before this start that are told one by one; more are told as one.
const MISSED: usize = 3;
/// Without any progress for this long a running job counts as stalled.
const STALL: Duration = Duration::from_mins(10);
/// How soon the queue is heard again after it could not be read.
const AGAIN: Duration = Duration::from_secs(1);
/// How often stalls are looked for.
const LOOK: Duration = Duration::from_secs(20);
/// How often it is noted down to where everything was heard, while there is nothing to tell.
const NOTE: Duration = Duration::from_secs(10);

impl Clonedeck {
    /// What is to be announced from now on, and what was missed since the last time.
    pub async fn announcements(&self) -> Result<Announcements, Problem> {
        let heard = self.inbox.announced();
        let subscription = self.queue.subscribe(None).await.map_err(convert::queue_problem)?;
        let mut pulse = Pulse::default();
        let now = Instant::now();
        for job in subscription.snapshot.jobs.iter().filter(|job| job.state == State::Running) {
            pulse.beat(job.id, now);
        }
        let mut announcements = Announcements {
            clonedeck: self.clone(),
            heard: subscription.snapshot.seq,
            subscription,
            ready: VecDeque::new(),
            noted: now,
            pulse,
            look: tokio::time::interval(LOOK),
            batches: HashSet::new(),
        };
        // What happened before the first start of the window was never anyone's to hear.
        if let Some(heard) = heard {
            announcements.catch_up(heard).await?;
        }
        if heard != Some(announcements.heard) {
            announcements.keep();
        }
        Ok(announcements)
    }
}

/// What is to be announced, as it comes.
pub struct Announcements {
    clonedeck: Clonedeck,
    subscription: Subscription,
    ready: VecDeque<Notice>,
    /// The last event that was heard.
    heard: i64,
    /// When that was noted down last.
    noted: Instant,
    pulse: Pulse,
    look: tokio::time::Interval,
    /// Batches whose summary was told.
    batches: HashSet<BatchId>,
}

impl Announcements {
    /// The next notice; waits for it. None when the queue is closed.
    pub async fn next(&mut self) -> Option<Notice> {
        loop {
            if let Some(notice) = self.ready.pop_front() {
                let settings = settings::read(&self.clonedeck.data_dir);
                if wanted(&notice, &settings, jiff::Zoned::now().time()) {
                    return Some(notice);
                }
                continue;
            }
            tokio::select! {
                news = self.subscription.next() => match news {
                    Ok(news) => self.take(news).await,
                    Err(clonedeck_queue::Error::Store(clonedeck_queue::StoreError::Closed)) => return None,
                    // What happens meanwhile is heard once the queue can be read again.
                    Err(why) => {
                        tracing::warn!(%why, "nothing can be announced right now");
                        tokio::time::sleep(AGAIN).await;
                    }
                },
                _ = self.look.tick() => self.look_for_stalls().await,
            }
        }
    }

    async fn take(&mut self, news: News) {
        let now = Instant::now();
        for tick in &news.progress {
            self.pulse.beat(tick.job, now);
        }
        self.heard = news.seq;
        if !news.events.is_empty()
            && let Err(problem) = self.hear(news.events).await
        {
            tracing::warn!(code = problem.code, "something could not be announced: {}", problem.message);
        }
        // Events that say nothing are heard again after a crash, and say nothing again.
        if !self.ready.is_empty() || self.noted.elapsed() >= NOTE {
            self.keep();
        }
    }

    /// Keeps what is about to be told, before it is told: a crash in between loses a notice of the desktop, and tells none twice.
    fn keep(&mut self) {
        self.noted = Instant::now();
        if let Err(problem) = self.clonedeck.inbox.announce(self.heard, self.ready.make_contiguous()) {
            tracing::warn!(code = problem.code, "{}", problem.message);
        }
    }

    /// What became of jobs since the event that was heard last before this start.
    async fn catch_up(&mut self, since: i64) -> Result<(), Problem> {
        let milestones =
            self.clonedeck.queue.meanwhile(since, self.heard).await.map_err(convert::queue_problem)?;
        let (mut went_on, mut batches, mut missed) = (Vec::new(), Vec::new(), Vec::new());
        for milestone in milestones {
            if milestone.rescued
                && !milestone.state.is_final()
                && goes_on(&self.clonedeck, milestone.job).await
            {
                went_on.push(milestone.job);
            }
            match (milestone.state, milestone.batch) {
                // Each is asked about once, however many of its jobs ended.
                (State::Completed | State::Failed | State::Cancelled, Some(batch))
                    if !batches.contains(&batch) =>
                {
                    batches.push(batch);
                }
                (State::Completed | State::Failed, None) => missed.push(milestone),
                (State::Waiting, _) if milestone.needs_person => missed.push(milestone),
                _ => {}
            }
        }
        for batch in batches {
            self.hear_batch(batch).await?;
        }
        if missed.len() > MISSED {
            self.ready.push_back(missed_notice(&missed));
        } else {
            for milestone in missed {
                // A job that retention took away meanwhile is nobody's to hear of.
                if let Ok(job) = self.clonedeck.queue.job(milestone.job).await {
                    self.ready.extend(notice_of(&job));
                }
            }
        }
        self.tell_went_on(&went_on).await
    }

    async fn tell_went_on(&mut self, jobs: &[JobId]) -> Result<(), Problem> {
        if !jobs.is_empty() {
            let notice = went_on_notice(&self.clonedeck, jobs).await?;
            self.ready.push_back(notice);
        }
        Ok(())
    }

    async fn hear(&mut self, events: Vec<Happening>) -> Result<(), Problem> {
        let mut went_on = Vec::new();
        for event in events {
            let Some(id) = event.job else { continue };
            match event.name.as_str() {
                "job.rescued" if goes_on(&self.clonedeck, id).await => went_on.push(id),
                "job.completed" | "job.failed" | "job.waiting" => {
                    self.pulse.end(id);
                    let Ok(job) = self.clonedeck.queue.job(id).await else { continue };
                    if let Some(batch) = job.batch
                        && job.state != State::Waiting
                    {
                        self.hear_batch(batch).await?;
                        continue;
                    }
                    // The job may have moved on since: what it waits for or became is told as it is now.
                    if format!("job.{}", job.state.word()) == event.name {
                        self.ready.extend(notice_of(&job));
                    }
                }
                "job.running" => {
                    self.pulse.beat(id, Instant::now());
                    self.hear_begun(id).await?;
                }
                "job.paused" => self.pulse.end(id),
                "job.cancelled" => {
                    self.pulse.end(id);
                    let job = self.clonedeck.queue.job(id).await;
                    if let Some(batch) = job.ok().and_then(|job| job.batch) {
                        self.hear_batch(batch).await?;
                    }
                }
                _ => {}
            }
        }
        self.tell_went_on(&went_on).await
    }

    /// A job of a batch that had ended is tried again: the batch will have another end.
    async fn hear_begun(&mut self, id: JobId) -> Result<(), Problem> {
        if self.batches.is_empty() {
            return Ok(());
        }
        let Ok(job) = self.clonedeck.queue.job(id).await else { return Ok(()) };
        if let Some(id) = job.batch.filter(|batch| self.batches.contains(batch)) {
            let batch = self.clonedeck.queue.batch(id).await.map_err(convert::queue_problem)?;
            if batch.open > 0 {
                self.batches.remove(&id);
            }
        }
        Ok(())
    }

    async fn hear_batch(&mut self, id: BatchId) -> Result<(), Problem> {
        let batch = self.clonedeck.queue.batch(id).await.map_err(convert::queue_problem)?;
        // One that somebody cancelled as a whole is no news to anybody.
        let is_news = batch.open == 0 && batch.completed + batch.failed > 0;
        if !is_news || !self.batches.insert(id) {
            return Ok(());
        }
        // A click brings up the job that wants a look, if one does.
        let states = if batch.failed > 0 { vec![State::Failed] } else { Vec::new() };
        let filter = Filter { batch: Some(id), states, limit: Some(1), ..Filter::default() };
        let page = self.clonedeck.queue.list(filter).await.map_err(convert::queue_problem)?;
        let body = batch_words(&batch);
        let mut notice = notice("batch", batch.title, body, Timestamp::now());
        notice.job = page.jobs.first().map(|job| job.id.to_string());
        self.ready.push_back(notice);
        Ok(())
    }

    async fn look_for_stalls(&mut self) {
        for id in self.pulse.stalled(Instant::now()) {
            let Ok(job) = self.clonedeck.queue.job(id).await else { continue };
            if job.state != State::Running {
                self.pulse.end(id);
                continue;
            }
            let doing =
                job.current_step.as_ref().and_then(|name| job.steps.iter().find(|step| step.name == *name));
            let what = doing.map_or(String::new(), |step| match &step.message {
                Some(message) if !message.is_empty() => format!(" at {} · {message}", step.title),
                _ => format!(" at {}", step.title),
            });
            let body = format!("No progress for {} minutes{what}.", STALL.as_secs() / 60);
            let mut notice = notice("stalled", job.title, body, Timestamp::now());
            notice.job = Some(id.to_string());
            self.ready.push_back(notice);
        }
        if !self.ready.is_empty() {
            self.keep();
        }
    }
}

/// When each running job last showed progress, and whether its stall was told.
#[derive(Debug, Default)]
struct Pulse(HashMap<JobId, (Instant, bool)>);

impl Pulse {
    fn beat(&mut self, job: JobId, now: Instant) {
        self.0.insert(job, (now, false));
    }

    fn end(&mut self, job: JobId) {
        self.0.remove(&job);
    }

    /// Those whose stall is to be told, each once for each time that it stalls.
    fn stalled(&mut self, now: Instant) -> Vec<JobId> {
        let still =
            self.0.iter_mut().filter(|(_, (since, told))| !told && now.duration_since(*since) > STALL);
        still
            .map(|(job, (_, told))| {
                *told = true;
                *job
            })
            .collect()
    }
}

fn batch_words(batch: &BatchView) -> String {
    match (batch.failed, batch.cancelled) {
        (0, 0) => format!("All {} jobs went well", batch.total),
        (0, cancelled) => {
            format!("{} of {} jobs went well, {cancelled} cancelled", batch.completed, batch.total)
        }
        (failed, _) => format!("{failed} of {} jobs failed", batch.total),
    }
}

/// One notice for what ended before this start.
fn missed_notice(missed: &[Milestone]) -> Notice {
    let failed = missed.iter().filter(|milestone| milestone.state != State::Completed).count();
    let body = match failed {
        0 => "All of them went well.".to_owned(),
        1 => "One of them needs a look.".to_owned(),
        many => format!("{many} of them need a look."),
    };
    let waits = missed.iter().any(|milestone| !milestone.state.is_final());
    let title = format!(
        "{} jobs ended{} while the window was closed",
        missed.len(),
        if waits { " or came to need you" } else { "" }
    );
    notice("finished", title, body, Timestamp::now())
}

/// Whether a job that a stop had cut off was let go on, and not set aside or left paused.
async fn goes_on(clonedeck: &Clonedeck, id: JobId) -> bool {
    clonedeck.queue.job(id).await.is_ok_and(|job| {
        job.state != State::Paused && job.waiting_for.is_none_or(|why| why.code != "set-aside")
    })
}

/// One notice for all jobs that went on after a stop: which, and from where.
async fn went_on_notice(clonedeck: &Clonedeck, jobs: &[JobId]) -> Result<Notice, Problem> {
    let mut lines = Vec::new();
    for id in jobs.iter().take(5) {
        let job = clonedeck.queue.job(*id).await.map_err(convert::queue_problem)?;
        let step =
            job.current_step.as_ref().and_then(|name| job.steps.iter().find(|step| step.name == *name));
        lines.push(match step {
            Some(step) => format!("{}: {}", job.title, step.title),
            None => job.title,
        });
    }
    if jobs.len() > 5 {
        lines.push(format!("and {} more", jobs.len() - 5));
    }
    let title = match jobs.len() {
        1 => "A job went on after a stop".to_owned(),
        many => format!("{many} jobs went on after a stop"),
    };
    let mut notice = notice("resumed", title, lines.join("\n"), Timestamp::now());
    notice.job = jobs.first().filter(|_| jobs.len() == 1).map(ToString::to_string);
    Ok(notice)
}

/// Whether a notice is to be shown, by what is set and the time of day.
fn wanted(notice: &Notice, settings: &Settings, now: jiff::civil::Time) -> bool {
    let asked = match notice.kind.as_str() {
        "finished" => settings.notify_finished,
        "failed" | "stalled" => settings.notify_failed,
        "needs-person" => settings.notify_needs_person,
        "batch" => settings.notify_batch,
        _ => true,
    };
    asked && !is_quiet(settings, now)
}

fn is_quiet(settings: &Settings, now: jiff::civil::Time) -> bool {
    let time = |text: &str| jiff::civil::Time::strptime("%H:%M", text).ok();
    match (time(&settings.quiet_from), time(&settings.quiet_to)) {
        (Some(from), Some(to)) if from <= to => from <= now && now < to,
        // Over midnight.
        (Some(from), Some(to)) => now >= from || now < to,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_may_lie_over_midnight() {
        let settings =
            Settings { quiet_from: "22:00".into(), quiet_to: "07:00".into(), ..Settings::default() };
        let at = |hour| jiff::civil::time(hour, 30, 0, 0);
        assert!(is_quiet(&settings, at(23)));
        assert!(is_quiet(&settings, at(3)));
        assert!(!is_quiet(&settings, at(12)));
        let settings =
            Settings { quiet_from: "12:00".into(), quiet_to: "13:00".into(), ..Settings::default() };
        assert!(is_quiet(&settings, at(12)));
        assert!(!is_quiet(&settings, at(23)));
        assert!(!is_quiet(&Settings::default(), at(3)));
    }

    #[test]
    fn only_what_is_asked_for_is_shown() {
        let settings = Settings { notify_finished: false, ..Settings::default() };
        let noon = jiff::civil::time(12, 0, 0, 0);
        let of = |kind: &str| notice(kind, String::new(), String::new(), Timestamp::now());
        assert!(!wanted(&of("finished"), &settings, noon));
        assert!(wanted(&of("failed"), &settings, noon));
        assert!(wanted(&of("resumed"), &settings, noon));
    }

    #[test]
    fn a_stall_is_told_once_until_the_job_moves_again() {
        let mut pulse = Pulse::default();
        let job: JobId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let other: JobId = "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap();
        let began = Instant::now();
        let after = |minutes| began + Duration::from_mins(minutes);
        pulse.beat(job, began);
        pulse.beat(other, began);
        assert_eq!(pulse.stalled(after(9)), []);
        pulse.beat(other, after(9));
        assert_eq!(pulse.stalled(after(11)), [job]);
        assert_eq!(pulse.stalled(after(12)), []);
        pulse.beat(job, after(13));
        pulse.end(other);
        assert_eq!(pulse.stalled(after(22)), []);
        assert_eq!(pulse.stalled(after(24)), [job]);
    }
}
