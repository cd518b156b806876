use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::process::{Family, Identity};
use crate::{Problem, Result};

/// How long a server may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// A server that was started, as any process finds it in the data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The job that it belongs to; also its name among previews.
    pub job: String,
    /// What is served, for people.
    pub title: String,
    /// Where it answers.
    pub url: String,
    /// The folder that is served.
    pub root: PathBuf,
    /// The server.
    pub process: Identity,
    /// The mark that the server and everything it starts carry in their environment.
    pub mark: String,
    /// The program that started it, if the server is to end with that program.
    pub owner: Option<Identity>,
    /// What the server writes.
    pub log: PathBuf,
}

impl Record {
    /// Keeps the record in `data`, in the place of an earlier one of the same job.
    pub fn keep(&self, data: &Path) -> Result<()> {
        let folder = folder(data, &self.job);
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(&folder)?;
            let new = folder.join("record.json.new");
            fs::write(&new, serde_json::to_vec(self)?)?;
            fs::rename(new, folder.join("record.json"))
        };
        write().map_err(|error| {
            Problem::permanent(
                "preview.record",
                format!("The preview cannot be written down in {}: {error}.", folder.display()),
            )
        })
    }

    /// Whether the server runs.
    pub fn is_running(&self) -> bool {
        self.process.is_alive()
    }

    /// The server and everything it started.
    fn family(&self) -> Family {
        Family::known(Some(self.process.clone()), self.mark.as_str())
    }

    fn forget(&self, data: &Path) {
        let _ = fs::remove_dir_all(folder(data, &self.job));
    }
}

/// Where everything of one preview is.
pub(super) fn folder(data: &Path, job: &str) -> PathBuf {
    let name: String =
        job.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    data.join("previews").join(name)
}

/// The previews that run, by job. Records of servers that are gone are removed.
pub fn list(data: &Path) -> Vec<Record> {
    let mut running = Vec::new();
    for record in records(data) {
        if record.is_running() {
            running.push(record);
        } else {
            record.forget(data);
        }
    }
    running.sort_by(|left, right| left.job.cmp(&right.job));
    running
}

/// Stops the preview of `job`, whichever process started it. Answers whether one ran.
pub async fn stop(data: &Path, job: &str) -> Result<bool> {
    let Some(record) = records(data).into_iter().find(|record| record.job == job) else { return Ok(false) };
    let ran = record.is_running();
    if !record.family().end(GRACE).await {
        return Err(Problem::transient(
            "preview.stays",
            format!("The preview at {} does not end.", record.url),
        )
        .help("Try again; it may be another user's process.")
        .with("pid", record.process.pid));
    }
    record.forget(data);
    Ok(ran)
}

/// Ends the servers whose program is gone though they were to end with it: it was killed, or the machine lost power. For the start of
/// the program.
pub async fn sweep(data: &Path) -> Vec<Record> {
    let mut ended = Vec::new();
    for record in records(data) {
        let left = record.owner.as_ref().is_some_and(|owner| !owner.is_alive());
        let ran = record.is_running();
        let gone = if left { record.family().end(GRACE).await } else { !ran };
        if gone {
            record.forget(data);
        }
        if left && ran {
            ended.push(record);
        }
    }
    ended
}

fn records(data: &Path) -> Vec<Record> {
    let folders = fs::read_dir(data.join("previews")).into_iter().flatten().flatten();
    folders
        .filter_map(|entry| serde_json::from_slice(&fs::read(entry.path().join("record.json")).ok()?).ok())
        .collect()
}
