//! The inbox: what was told, for whoever looks later.
//!
//! Ends of jobs and jobs that wait for a person are not stored here: they follow from the jobs themselves. What follows from no job
//! (a stall, a stop that jobs went on after, the summary of a batch) is kept in `notices.json`, beside the moment up to which
//! everything was read and the last event that was announced, so that nothing is announced twice.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clonedeck_queue::{Filter, JobView, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::wire::{Notice, Problem};
use crate::{Clonedeck, convert, settings};

const FILE: &str = "notices.json";
/// Notices that the inbox shows.
const SHOWN: usize = 100;
/// Notices that are kept of those that follow from no job.
const KEPT: usize = 30;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Told {
    /// The last event that was announced; none before the first start of the window.
    announced: Option<i64>,
    /// Everything up to this moment was read.
    read_until: Option<Timestamp>,
    /// What was told and follows from no job, oldest first.
    kept: Vec<Notice>,
}

/// The file of the inbox. Clones share it.
#[derive(Debug, Clone)]
pub struct Inbox {
    file: PathBuf,
    changing: Arc<Mutex<()>>,
}

impl Inbox {
    /// That of a data directory.
    pub fn of(data_dir: &Path) -> Self {
        Self { file: data_dir.join(FILE), changing: Arc::default() }
    }

    fn read(&self) -> Told {
        settings::read_file(&self.file).unwrap_or_default()
    }

    fn change(&self, change: impl FnOnce(&mut Told)) -> Result<(), Problem> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = self.read();
        change(&mut told);
        settings::write_file(&self.file, &told)
    }

    /// The last event that was announced; none before the first start of the window.
    pub fn announced(&self) -> Option<i64> {
        self.read().announced
    }

    /// Notes that everything up to `seq` is announced, and keeps those of `notices` that follow from no job.
    pub fn announce(&self, seq: i64, notices: &[Notice]) -> Result<(), Problem> {
        self.change(|told| {
            told.announced = told.announced.max(Some(seq));
            told.kept.extend(notices.iter().filter(|notice| !is_derived(&notice.kind)).cloned());
            let surplus = told.kept.len().saturating_sub(KEPT);
            told.kept.drain(..surplus);
        })
    }
}

/// Whether notices of this kind follow from the jobs as they are.
fn is_derived(kind: &str) -> bool {
    matches!(kind, "finished" | "failed" | "needs-person")
}

impl Clonedeck {
    /// The newest notices, newest first.
    pub async fn notices(&self) -> Result<Vec<Notice>, Problem> {
        let filter = Filter {
            states: vec![State::Completed, State::Failed, State::Waiting],
            limit: Some(SHOWN),
            ..Filter::default()
        };
        let page = self.queue.list(filter).await.map_err(convert::queue_problem)?;
        let told = self.inbox.read();
        let mut notices: Vec<Notice> = page.jobs.iter().filter_map(notice_of).chain(told.kept).collect();
        notices.sort_by_key(|notice| notice.id);
        let mut last = 0;
        for notice in &mut notices {
            notice.read = told.read_until.is_some_and(|until| notice.id <= number(until));
            // Two may be of one moment, and a number names one.
            notice.id = notice.id.max(last + 1);
            last = notice.id;
        }
        notices.reverse();
        notices.truncate(SHOWN);
        Ok(notices)
    }

    /// How many of them are unread.
    pub async fn unread(&self) -> Result<u64, Problem> {
        Ok(self.notices().await?.iter().filter(|notice| !notice.read).count() as u64)
    }

    /// Marks all of them as read.
    pub async fn notices_read(&self) -> Result<(), Problem> {
        self.inbox.change(|told| told.read_until = Some(Timestamp::now()))?;
        self.nudge();
        Ok(())
    }
}

/// What is said of a job as it stands; none when that is nothing to be told.
pub fn notice_of(job: &JobView) -> Option<Notice> {
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
    Some(Notice { job: Some(job.id.to_string()), ..notice(kind, job.title.clone(), body, at) })
}

/// A notice that speaks of no job yet.
pub fn notice(kind: &str, title: String, body: String, at: Timestamp) -> Notice {
    Notice { id: number(at), at: at.to_string(), kind: kind.to_owned(), job: None, title, body, read: false }
}

fn number(at: Timestamp) -> u64 {
    at.as_millisecond().max(0) as u64
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_no_job_is_kept_up_to_a_limit_and_marks_of_others_stay() {
        let home = tempfile::tempdir().unwrap();
        let inbox = Inbox::of(home.path());
        let said = |kind: &str, title: &str| notice(kind, title.to_owned(), String::new(), Timestamp::now());
        inbox.announce(7, &[said("batch", "Autumn"), said("finished", "shop")]).unwrap();
        inbox.change(|told| told.read_until = Some(Timestamp::now())).unwrap();
        inbox.announce(3, &[]).unwrap();
        let told = inbox.read();
        assert_eq!((told.announced, told.kept.len()), (Some(7), 1));
        assert!(told.read_until.is_some());
        let many: Vec<_> = (0..KEPT + 5).map(|number| said("stalled", &number.to_string())).collect();
        inbox.announce(8, &many).unwrap();
        let kept = inbox.read().kept;
        assert_eq!((kept.len(), kept[0].title.as_str()), (KEPT, "5"));
    }
}
