//! What is told to an operator who looks elsewhere: as OS notifications once, and in an inbox until read.
//!
//! Nothing is stored twice: the inbox is the newest ended jobs and those that wait for a person, and what of it is unread follows from
//! one moment kept in `notices.json`. Beside it stands the last event that was announced, so that nothing is announced twice.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use clonedeck_queue::{BatchId, Filter, JobId, JobView, State, Subscription};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::wire::{Notice, Problem, Settings};
use crate::{Clonedeck, convert, settings};

const FILE: &str = "notices.json";
/// Notices that the inbox shows.
const INBOX: usize = 100;
/// Notices of the time before this start that are told one by one; more are told as one.
const MISSED: usize = 3;
/// Without any progress for this long a running job counts as stalled.
const STALL: Duration = Duration::from_mins(10);
/// How often stalls are looked for.
const LOOK: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Told {
    /// The last event that was announced.
    announced: i64,
    /// Everything up to this moment was read.
    read_until: Option<Timestamp>,
}

impl Clonedeck {
    fn told(&self) -> Told {
        settings::read_file(&self.data_dir.join(FILE)).unwrap_or_default()
    }

    fn tell(&self, change: impl FnOnce(&mut Told)) -> Result<(), Problem> {
        let mut told = self.told();
        change(&mut told);
        settings::write_file(&self.data_dir.join(FILE), &told)
    }

    /// The newest notices, newest first.
    pub async fn notices(&self) -> Result<Vec<Notice>, Problem> {
        let filter = Filter {
            states: vec![State::Completed, State::Failed, State::Waiting],
            limit: Some(INBOX),
            ..Filter::default()
        };
        let page = self.queue.list(filter).await.map_err(convert::queue_problem)?;
        let read_until = self.told().read_until;
        let mut notices: Vec<Notice> =
            page.jobs.iter().filter_map(|job| notice_of(job, read_until)).collect();
        notices.sort_by(|one, other| other.at.cmp(&one.at));
        Ok(notices)
    }

    /// How many of them are unread.
    pub async fn unread(&self) -> Result<u64, Problem> {
        Ok(self.notices().await?.iter().filter(|notice| !notice.read).count() as u64)
    }

    /// Marks all of them as read.
    pub async fn notices_read(&self) -> Result<(), Problem> {
        self.tell(|told| told.read_until = Some(Timestamp::now()))?;
        self.nudge();
        Ok(())
    }

    /// What is to be announced from now on, and what was missed since the last time.
    pub async fn announcements(&self) -> Result<Announcements, Problem> {
        let told = self.told();
        let subscription =
            self.queue.subscribe(Some(told.announced)).await.map_err(convert::queue_problem)?;
        let now = subscription.snapshot.seq;
        Ok(Announcements {
            clonedeck: self.clone(),
            subscription,
            ready: VecDeque::new(),
            started_at: now,
            first_ever: told.announced == 0,
            alive: HashMap::new(),
            batches: HashSet::new(),
        })
    }
}

fn notice_of(job: &JobView, read_until: Option<Timestamp>) -> Option<Notice> {
    let (kind, body) = match job.state {
        State::Completed => ("finished", finished(job)),
        State::Failed => {
            ("failed", job.error.as_ref().map(|error| error.message.clone()).unwrap_or_default())
        }
        State::Waiting => {
            let why = job.waiting_for.as_ref().filter(|why| why.needs_person)?;
            ("needs-person", why.message.clone())
        }
        _ => return None,
    };
    let at = job.finished_at.or(job.started_at).unwrap_or(job.created_at);
    Some(Notice {
        id: at.as_millisecond().max(0) as u64,
        at: at.to_string(),
        kind: kind.to_owned(),
        job: Some(job.id.to_string()),
        title: job.title.clone(),
        body,
        read: read_until.is_some_and(|until| at <= until),
    })
}

fn finished(job: &JobView) -> String {
    let value = |name: &str| job.result.as_ref().and_then(|result| result.get(name));
    let findings = value("findings").and_then(serde_json::Value::as_u64).unwrap_or(0);
    let address = value("url").and_then(serde_json::Value::as_str);
    match (address, findings) {
        (Some(address), 0) => format!("Ready at {address}"),
        (Some(address), 1) => format!("Ready at {address}, with 1 finding"),
        (Some(address), many) => format!("Ready at {address}, with {many} findings"),
        (None, _) => "Done".to_owned(),
    }
}

/// What is to be announced, as it comes.
pub struct Announcements {
    clonedeck: Clonedeck,
    subscription: Subscription,
    ready: VecDeque<Notice>,
    /// The last event before this start.
    started_at: i64,
    first_ever: bool,
    /// When each running job last showed progress, and whether its stall was told.
    alive: HashMap<JobId, (Instant, bool)>,
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
            match tokio::time::timeout(LOOK, self.subscription.next()).await {
                Ok(Ok(news)) => {
                    for tick in &news.progress {
                        self.alive.insert(tick.job, (Instant::now(), false));
                    }
                    let seq = news.seq;
                    if let Err(problem) = self.hear(news).await {
                        tracing::warn!(
                            code = problem.code,
                            "something could not be announced: {}",
                            problem.message
                        );
                    }
                    let first_ever = std::mem::take(&mut self.first_ever);
                    // What happened before the first start of the window was never anyone's to hear.
                    if first_ever && seq <= self.started_at {
                        self.ready.clear();
                    }
                    if let Err(problem) = self.clonedeck.tell(|told| told.announced = seq.max(told.announced))
                    {
                        tracing::warn!(code = problem.code, "{}", problem.message);
                    }
                }
                Ok(Err(why)) => {
                    tracing::warn!(%why, "nothing can be announced any more");
                    return None;
                }
                Err(_) => self.look_for_stalls().await,
            }
        }
    }

    async fn hear(&mut self, news: clonedeck_queue::News) -> Result<(), Problem> {
        let mut missed = Vec::new();
        let mut went_on = Vec::new();
        for event in news.events {
            let Some(id) = event.job else { continue };
            match event.name.as_str() {
                "job.rescued" => went_on.push(id),
                "job.completed" | "job.failed" | "job.waiting" => {
                    self.alive.remove(&id);
                    let Ok(job) = self.clonedeck.queue.job(id).await else { continue };
                    if let Some(batch) = job.batch {
                        self.hear_batch(batch).await?;
                        continue;
                    }
                    // The job may have moved on since: what it waits for or became is told as it is now.
                    let told_now = format!("job.{}", job.state.word()) == event.name;
                    let Some(notice) = notice_of(&job, None).filter(|_| told_now) else { continue };
                    if event.seq <= self.started_at {
                        missed.push(notice);
                    } else {
                        self.ready.push_back(notice);
                    }
                }
                "job.running" => {
                    self.alive.insert(id, (Instant::now(), false));
                }
                "job.paused" | "job.cancelled" => {
                    self.alive.remove(&id);
                }
                _ => {}
            }
        }
        if missed.len() > MISSED {
            let failed = missed.iter().filter(|notice| notice.kind != "finished").count();
            let body = match failed {
                0 => "All of them went well.".to_owned(),
                1 => "One of them needs a look.".to_owned(),
                many => format!("{many} of them need a look."),
            };
            self.ready.push_back(plain(
                "finished",
                format!("{} jobs ended while the window was closed", missed.len()),
                body,
            ));
        } else {
            self.ready.extend(missed);
        }
        if !went_on.is_empty() {
            let notice = went_on_notice(&self.clonedeck, &went_on).await?;
            self.ready.push_back(notice);
        }
        Ok(())
    }

    async fn hear_batch(&mut self, id: BatchId) -> Result<(), Problem> {
        let batch = self.clonedeck.queue.batch(id).await.map_err(convert::queue_problem)?;
        if batch.open > 0 || !self.batches.insert(id) {
            return Ok(());
        }
        let body = if batch.failed == 0 {
            format!("All {} jobs went well", batch.total)
        } else {
            format!("{} of {} jobs failed", batch.failed, batch.total)
        };
        self.ready.push_back(plain("batch", batch.title, body));
        Ok(())
    }

    async fn look_for_stalls(&mut self) {
        let stalled: Vec<JobId> = self
            .alive
            .iter()
            .filter(|(_, (since, told))| !told && since.elapsed() > STALL)
            .map(|(id, _)| *id)
            .collect();
        for id in stalled {
            if let Some(entry) = self.alive.get_mut(&id) {
                entry.1 = true;
            }
            let Ok(job) = self.clonedeck.queue.job(id).await else { continue };
            if job.state != State::Running {
                self.alive.remove(&id);
                continue;
            }
            let doing =
                job.current_step.as_ref().and_then(|name| job.steps.iter().find(|step| step.name == *name));
            let what = doing.map_or(String::new(), |step| match &step.message {
                Some(message) if !message.is_empty() => format!(" at {} · {message}", step.title),
                _ => format!(" at {}", step.title),
            });
            let mut notice = plain(
                "stalled",
                job.title,
                format!("No progress for {} minutes{what}.", STALL.as_secs() / 60),
            );
            notice.job = Some(id.to_string());
            self.ready.push_back(notice);
        }
    }
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
    let mut notice = plain("resumed", title, lines.join("\n"));
    notice.job = jobs.first().filter(|_| jobs.len() == 1).map(ToString::to_string);
    Ok(notice)
}

fn plain(kind: &str, title: String, body: String) -> Notice {
    let at = Timestamp::now();
    Notice {
        id: at.as_millisecond().max(0) as u64,
        at: at.to_string(),
        kind: kind.to_owned(),
        job: None,
        title,
        body,
        read: false,
    }
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
        assert!(!wanted(&plain("finished", String::new(), String::new()), &settings, noon));
        assert!(wanted(&plain("failed", String::new(), String::new()), &settings, noon));
        assert!(wanted(&plain("resumed", String::new(), String::new()), &settings, noon));
    }
}
