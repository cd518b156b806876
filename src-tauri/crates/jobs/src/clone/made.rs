use std::path::{Path, PathBuf};

use clonedeck_site::databases::{self, Access, DatabaseAddress, Marks};
use clonedeck_site::defaults::{self, Tables, Target};
use clonedeck_site::fence::{Aside, Claim};
use clonedeck_site::files::{self, RelPath};
use clonedeck_site::neutral::{self, Switches};
use clonedeck_site::platforms::{self, Hints, Site};
use clonedeck_site::preview;
use clonedeck_site::{Problem, Result, Secret, Watch};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{CloneSpec, Planned, plan, source, succession};
use crate::words::counted;
use crate::{Previews, Secrets};

/// What a clone made and where, kept in the job's folder: for its undo, for a later check, for deleting the copy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Made {
    /// The source, as it was recognised.
    pub site: Site,
    /// Where everything went.
    pub planned: Planned,
    /// Folders that the job made.
    pub claim: Claim,
    /// What was set aside for it.
    pub aside: Option<Aside>,
    /// Its place in the line of all that clones of this data directory made: a later one is higher.
    #[serde(default)]
    pub turn: u64,
}

const FILE: &str = "made.json";
/// What the job's marks in the copy's database said, once they are taken away.
pub(super) const MARKS: &str = "marks.json";

/// The job whose copy is removed, and what belongs to it.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The job's id.
    pub job: &'a str,
    /// The job's own folder.
    pub job_dir: &'a Path,
    /// Whether the job has completed: its marks in the copy's database are gone then.
    pub finished: bool,
    /// What the job was asked for.
    pub spec: &'a CloneSpec,
    /// Where passwords are kept.
    pub secrets: &'a Secrets,
    /// Where copies are served.
    pub previews: &'a Previews,
}

impl Made {
    /// What the job of this folder made, for work on it; none when it never came to make anything. Refused with `copy.replaced` when
    /// a later clone has taken its place: what stands there now is not this job's.
    pub fn standing(job_dir: &Path) -> Result<Option<Self>> {
        let made = Self::read(job_dir)?;
        if let Some(made) = &made
            && let Some(later) = succession::successor(made, job_dir)
        {
            return Err(later.refusal(made));
        }
        Ok(made)
    }

    /// Reads what the job of this folder made; none when it never came to make anything.
    pub fn read(job_dir: &Path) -> Result<Option<Self>> {
        noted(&job_dir.join(FILE))
    }

    /// What the job's marks in the copy's database said; none before they were taken away.
    pub(super) fn marks(job_dir: &Path) -> Result<Option<Marks>> {
        noted(&job_dir.join(MARKS))
    }

    /// Keeps it: after a crash there is the old one or the new one.
    pub fn keep(&self, job_dir: &Path) -> Result<()> {
        keep(&job_dir.join(FILE), self)
    }

    /// Forgets what was made: it is gone.
    pub fn forget(job_dir: &Path) {
        let _ = std::fs::remove_file(job_dir.join(MARKS));
        let _ = std::fs::remove_file(job_dir.join(FILE));
    }

    /// The copy, for whoever changes something in it.
    pub fn target<'a>(&'a self, password: &'a Secret) -> Target<'a> {
        Target {
            site: &self.site,
            root: &self.planned.target,
            url: &self.planned.url,
            database: self.planned.database.as_ref(),
            password,
            debug: None,
        }
    }

    /// The password for the copy's database: the one in the copy's own configuration, as long as that names this database; else the
    /// one with which the copy was made. So a copy outlives its source, and the source's password may change.
    pub async fn password(&self, spec: &CloneSpec, secrets: &Secrets) -> Result<Secret> {
        let Some(address @ DatabaseAddress::Mysql { .. }) = &self.planned.database else {
            return Ok(Secret::default());
        };
        let folder = self.planned.target.clone();
        let own = tokio::task::spawn_blocking(move || platforms::recognise(&folder, &Hints::default()));
        match own.await.map_err(crate::lost_thread)? {
            Ok(own) if own.site.database.as_ref().is_some_and(|database| database.address == *address) => {
                Ok(own.password)
            }
            _ => source::password(spec, address, secrets).await,
        }
    }

    /// A conversation with the copy's database.
    pub async fn tables(&self, password: &Secret, access: Access) -> Result<Option<Box<dyn Tables>>> {
        match &self.planned.database {
            Some(address) => Ok(Some(databases::tables(address, password, access).await?)),
            None => Ok(None),
        }
    }

    /// What a preview of the copy serves.
    pub fn preview(&self, password: &Secret, data_dir: &Path, job: &str) -> preview::Plan {
        preview::Plan::of(&self.target(password), data_dir, job)
    }

    /// What deleting the copy removes, a line each.
    pub fn what_goes(&self, spec: &CloneSpec, job_dir: &Path) -> Vec<String> {
        let folder = self.planned.target.display();
        let mut lines = vec![if self.is_there() {
            let files = self.planned.parts.values().map(|part| part.0).sum();
            format!(
                "the folder {folder} with the {} that this job copied into it; what was added there since stays",
                counted(files, "file")
            )
        } else {
            format!("nothing of the folder {folder}: it is not there any more")
        }];
        if let Some(address) = &self.planned.database {
            lines.push(match spec.db {
                None if self.database_goes(spec) => format!("the database {address}"),
                None => {
                    format!("nothing of the database {address}: the copy may use it where its folder is now")
                }
                Some(_)
                    if Self::marks(job_dir)
                        .is_ok_and(|marks| marks.is_some_and(|marks| marks.has_aside())) =>
                {
                    format!("what this job made in the database {address}; what was in it before comes back")
                }
                Some(_) => format!("nothing of the database {address}: it was given, and stays as it is"),
            });
        }
        if let Some(aside) = &self.aside {
            lines.push(format!("what was there before comes back from {}", aside.path().display()));
        }
        lines
    }

    /// Whether the folder of the copy is where it was made.
    fn is_there(&self) -> bool {
        self.planned.target.is_dir()
    }

    /// Whether the database of a finished copy goes with it: one that was made for it, and not one whose copy was moved elsewhere.
    fn database_goes(&self, spec: &CloneSpec) -> bool {
        spec.db.is_none() && self.is_there()
    }

    /// Removes what the job made and nothing else, and puts back what was set aside. Answers what stays because the job did not make
    /// it. Harmless to repeat. Where a later clone has taken this one's place, only what still bears this job's marks goes.
    pub async fn remove(&self, owner: &Owner<'_>, watch: &dyn Watch) -> Result<Vec<PathBuf>> {
        let Owner { job, job_dir, previews, .. } = *owner;
        let is_replaced = succession::successor(self, job_dir).is_some();
        previews.stop(job).await?;
        let _ = std::fs::remove_dir_all(previews.folder(job));
        if let Some(address) = &self.planned.database {
            self.remove_database(owner, address, is_replaced, watch).await?;
        }
        let mut kept = Vec::new();
        if is_replaced {
            return Ok(kept);
        }
        // A run before this one was stopped after the last move: what bears the names of the copy's files is the old content.
        if self.aside.as_ref().map(Aside::is_back).transpose()?.unwrap_or(false) {
            return Ok(kept);
        }
        let indexes = plan::indexes(job_dir, &self.site)?;
        // Trees may lie in one another, so the inner ones go first.
        for (index, tree) in indexes.into_iter().zip(&self.site.trees).rev() {
            let is_root = tree.place.as_os_str().is_empty();
            let place =
                if is_root { self.planned.target.clone() } else { self.planned.target.join(&tree.place) };
            let also = if is_root { self.written() } else { Vec::new() };
            let removed = files::remove_made(index, &place, &also, watch).await?;
            if !is_root {
                // The job made it; what somebody added keeps it.
                let _ = std::fs::remove_dir(&place);
            }
            kept.extend(removed.kept.iter().map(|path| place.join(path.as_path())));
        }
        self.claim.unmake()?;
        if let Some(aside) = &self.aside {
            aside.put_back()?;
        }
        Ok(kept)
    }

    /// Takes back the copy's database, or what the job made in one that was given.
    async fn remove_database(
        &self,
        owner: &Owner<'_>,
        address: &DatabaseAddress,
        is_replaced: bool,
        watch: &dyn Watch,
    ) -> Result<()> {
        let Owner { job, job_dir, finished, spec, secrets, .. } = *owner;
        let password = self.password(spec, secrets).await?;
        let marks = if is_replaced { None } else { Self::marks(job_dir)? };
        if !finished {
            if let Some(marks) = marks {
                databases::Target::mark_again(address, &password, job, &marks).await?;
            }
            return databases::Target::undo(address, &password, job, watch).await;
        }
        // Once a copy is finished its marks are gone. A database that was made for it goes with it; one that was given stays, unless
        // what it held before is to come back.
        if let Some(marks) = marks.filter(|marks| spec.db.is_some() && marks.has_aside()) {
            if databases::Target::mark_again(address, &password, job, &marks.of_a_used_copy()).await? {
                databases::Target::undo(address, &password, job, watch).await?;
            }
        } else if let DatabaseAddress::Mysql { name, .. } = address
            && self.database_goes(spec)
            && !is_replaced
        {
            let server = address.with_name("information_schema");
            let mut tables = databases::tables(&server, &password, Access::Write).await?;
            tables.execute(&format!("DROP DATABASE IF EXISTS `{}`", name.replace('`', "``")), &[]).await?;
        }
        Ok(())
    }

    /// Paths below the target that the job wrote besides what it copied, as far as they are there.
    fn written(&self) -> Vec<RelPath> {
        let mut written = neutral::written(&self.site, &self.planned.target);
        written.extend(defaults::written(&self.site));
        if let Some(DatabaseAddress::Sqlite { path }) = &self.planned.database
            && let Ok(inside) = path.strip_prefix(&self.planned.target)
        {
            written.extend(["", "-wal", "-shm", "-journal"].map(|tail| {
                let mut name = inside.as_os_str().to_owned();
                name.push(tail);
                PathBuf::from(name)
            }));
        }
        // A folder that only these needed goes with them.
        let folders: Vec<_> = written
            .iter()
            .filter_map(|path| path.parent())
            .filter(|path| !path.as_os_str().is_empty())
            .map(Path::to_owned)
            .collect();
        let ours: Vec<_> = folders.into_iter().filter(|folder| self.is_only_ours(folder, &written)).collect();
        written.extend(ours);
        written.into_iter().map(RelPath::from).collect()
    }

    /// Whether a folder of the copy holds nothing but what is in `written`, and is none of the source's.
    fn is_only_ours(&self, folder: &Path, written: &[PathBuf]) -> bool {
        let in_source =
            self.site.trees.iter().any(|tree| {
                folder.strip_prefix(&tree.place).is_ok_and(|inside| tree.from.join(inside).is_dir())
            });
        !in_source
            && std::fs::read_dir(self.planned.target.join(folder)).is_ok_and(|entries| {
                entries.flatten().all(|entry| written.contains(&folder.join(entry.file_name())))
            })
    }

    /// Whether the job changed a file of the copy on purpose, by its path below the target.
    pub(super) fn is_changed_on_purpose(&self, path: &Path) -> bool {
        neutral::changes(&self.site, path) || defaults::changes(&self.site, path)
    }

    /// Lets the copy act in the world as the original does. Answers what was lifted.
    pub async fn lift(&self, spec: &CloneSpec, secrets: &Secrets) -> Result<Vec<String>> {
        let password = self.password(spec, secrets).await?;
        let mut tables = self.tables(&password, Access::Write).await?;
        let tables = tables.as_deref_mut().map(|tables| tables as &mut dyn Tables);
        neutral::lift(&self.target(&password), &Switches::none(), tables).await
    }
}

fn noted<T: DeserializeOwned>(file: &Path) -> Result<Option<T>> {
    match std::fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|why| unreadable(file, &why)),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(unreadable(file, &why)),
    }
}

fn unreadable(file: &Path, why: &dyn std::fmt::Display) -> Problem {
    Problem::permanent("job.folder", format!("{} cannot be read: {why}.", file.display()))
        .help("It belongs to the job's record. What the job made has to be removed by hand.")
}

/// Writes a small file of the job whole.
pub(super) fn keep(file: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_vec(value).map_err(std::io::Error::from);
    text.and_then(|text| files::write_whole(file, &text)).map_err(|why| match why.kind() {
        std::io::ErrorKind::StorageFull => {
            Problem::needs_person("disk.full", format!("There is no room left for {}.", file.display()))
                .help("Make room on that disk; the job goes on by itself.")
                .with("path", file.display())
        }
        _ => Problem::permanent("job.folder", format!("{} cannot be written: {why}.", file.display())),
    })
}
