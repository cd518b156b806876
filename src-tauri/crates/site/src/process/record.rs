use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::family::Family;
use super::identity::{self, Identity};
use crate::{Problem, Result};

/// Which programs run, written down in a folder: one file for each, gone when the program is.
#[derive(Debug, Clone)]
pub struct Records {
    folder: PathBuf,
}

/// What is written down of a program.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Written {
    mark: String,
    note: String,
    keep: bool,
    boot: Option<String>,
    owner: Option<Identity>,
    /// Not there when Clonedeck was cut off in the very moment of the start.
    leader: Option<Identity>,
}

/// The record of one program. It stays until [`remove`](Self::remove): dropping it means nothing.
#[derive(Debug)]
pub struct Record {
    file: PathBuf,
    written: Written,
}

/// A program that an earlier start of Clonedeck left running and that is meant to be kept.
#[derive(Debug)]
pub struct Leftover {
    /// The program and its kin.
    pub family: Family,
    /// What was noted when it was started.
    pub note: String,
    /// Its record, now owned by this start of Clonedeck.
    pub record: Record,
}

/// A program on record, whoever started it.
#[derive(Debug)]
pub struct Known {
    /// The program and its kin.
    pub family: Family,
    /// What was noted when it was started.
    pub note: String,
    /// Whether it outlives whoever started it.
    pub keep: bool,
    /// The start of Clonedeck that it belongs to.
    pub owner: Option<Identity>,
    /// Its record.
    pub record: Record,
}

impl Records {
    /// Every program on record that still runs.
    pub fn list(&self) -> Result<Vec<Known>> {
        let known = self.all()?.into_iter().map(|record| {
            let Written { mark, owner, leader, keep, note, .. } = record.written.clone();
            Known { family: Family::known(leader, mark), note, keep, owner, record }
        });
        Ok(known.filter(|known| known.family.is_alive()).collect())
    }

    /// Records in `folder`, which is made if it is not there.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(|error| cannot_write(&folder, &error))?;
        Ok(Self { folder })
    }

    pub(super) fn begin(&self, mark: &str, note: &str, keep: bool) -> Result<Record> {
        let written = Written {
            mark: mark.to_owned(),
            note: note.to_owned(),
            keep,
            boot: identity::boot(),
            owner: Identity::own(),
            leader: None,
        };
        let record = Record { file: self.folder.join(format!("{mark}.json")), written };
        record.write()?;
        Ok(record)
    }

    /// Ends what earlier starts of Clonedeck left running, and answers how many programs that were and what is meant to be kept.
    ///
    /// Only programs whose record's owner is gone are touched, and of these only processes that match in number, start time and
    /// boot, or that carry the very mark of the record in their environment.
    pub async fn sweep(&self, grace: Duration) -> Result<(usize, Vec<Leftover>)> {
        let (mut ending, mut kept) = (Vec::new(), Vec::new());
        for record in self.all()? {
            let Written { mark, owner, leader, boot, keep, note } = record.written.clone();
            if owner.as_ref().is_some_and(Identity::is_alive) {
                continue;
            }
            let family = Family::known(leader, mark);
            let is_this_boot = boot.is_some() && boot == identity::boot();
            if !is_this_boot || !family.is_alive() {
                record.remove();
            } else if keep && family.leader().is_some_and(Identity::is_alive) {
                let mut record = record;
                record.written.owner = Identity::own();
                record.write()?;
                kept.push(Leftover { family, note, record });
            } else {
                ending.push((family, record));
            }
        }
        let count = ending.len();
        futures::future::join_all(ending.into_iter().map(|(family, record)| async move {
            if family.end(grace).await {
                record.remove();
            } else {
                tracing::warn!(mark = family.mark(), "a program that an earlier start left cannot be ended");
            }
        }))
        .await;
        Ok((count, kept))
    }

    fn all(&self) -> Result<Vec<Record>> {
        let entries = fs::read_dir(&self.folder).map_err(|error| cannot_write(&self.folder, &error))?;
        let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
        Ok(files
            .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
            .filter_map(|file| {
                let written = serde_json::from_slice(&fs::read(&file).ok()?);
                written
                    .inspect_err(
                        |error| tracing::warn!(file = %file.display(), %error, "a record cannot be read"),
                    )
                    .ok()
                    .map(|written| Record { file: file.clone(), written })
            })
            .collect())
    }
}

impl Record {
    pub(super) fn started(&mut self, leader: &Identity) -> Result<()> {
        self.written.leader = Some(leader.clone());
        self.write()
    }

    /// The program is gone.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(file = %self.file.display(), %error, "a record cannot be removed");
        }
    }

    /// In one move, so that a reader never sees half of it. Not synced: what a power cut takes from the disk, it took from the
    /// processor as well.
    fn write(&self) -> Result<()> {
        let new = self.file.with_extension("new");
        let text = serde_json::to_vec(&self.written).unwrap_or_default();
        fs::write(&new, text)
            .and_then(|()| fs::rename(&new, &self.file))
            .map_err(|error| cannot_write(&self.file, &error))
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Problem {
    let path = path.display();
    Problem::transient(
        "process.record",
        format!("{path} cannot be used for the records of running programs: {error}."),
    )
    .help("Make room on that disk or give this user the right to write there.")
    .with("path", path)
}
