use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};

use super::link::{Link, beside};
use super::shape::{OWN, rows, shapes};
use crate::databases::{Count, Key, Look, Marks, Occupied, Survey, Table};
use crate::{Level, Problem, Result, Watch};

/// A file that is read and never written.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(super) path: PathBuf,
}

impl Source {
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        Link::read(path).await?;
        Ok(Self { path: path.to_owned() })
    }

    pub(crate) async fn survey(&self, count: Count) -> Result<Survey> {
        let bytes = std::fs::metadata(&self.path).map(|file| file.len()).unwrap_or_default();
        let mut link = Link::read(&self.path).await?;
        let name = self.path.display().to_string();
        // SQLite keeps no estimate of rows: they are counted either way, from the smallest index.
        let _ = count;
        link.with(move |connection| survey(connection, name, bytes)).await
    }
}

fn survey(connection: &Connection, name: String, bytes: u64) -> rusqlite::Result<Survey> {
    let counted: Vec<(String, u64)> = shapes(connection)?
        .into_iter()
        .map(|shape| Ok((shape.name.clone(), rows(connection, &shape.name)?)))
        .collect::<rusqlite::Result<_>>()?;
    let total: u64 = counted.iter().map(|(_, rows)| rows + 1).sum();
    let of_kind = |kind: &str| -> rusqlite::Result<Vec<String>> {
        connection
            .prepare("SELECT name FROM sqlite_master WHERE type=?1 ORDER BY 1")?
            .query_map([kind], |row| row.get(0))?
            .collect()
    };
    let collation = connection.query_row("PRAGMA encoding", [], |row| row.get(0))?;
    Ok(Survey {
        product: format!("SQLite {}", rusqlite::version()),
        name,
        collation,
        tables: counted
            .into_iter()
            .map(|(name, rows)| Table {
                name,
                engine: "SQLite".to_owned(),
                transactional: true,
                rows,
                bytes: u64::try_from(u128::from(bytes) * u128::from(rows + 1) / u128::from(total))
                    .unwrap_or(bytes),
                collation: "BINARY".to_owned(),
                key: Key::Primary,
            })
            .collect(),
        views: of_kind("view")?,
        triggers: of_kind("trigger")?,
        ..Survey::default()
    })
}

/// The file that a job writes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(super) path: PathBuf,
    pub(super) job: String,
}

/// What the account of a job says.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    pub job: String,
    /// Where the old file went; empty where there was none.
    pub aside: String,
    /// Rows of the source when it was copied; none before it was.
    pub copied: Option<u64>,
}

impl Target {
    pub(crate) async fn prepare(
        source: &Source,
        path: &Path,
        job: &str,
        occupied: Occupied,
        watch: &dyn Watch,
    ) -> Result<Self> {
        if same_file(&source.path, path) {
            return Err(Problem::permanent(
                "target.is-source",
                format!("The database {} is the source itself.", path.display()),
            )
            .help("Give the copy another file."));
        }
        let target = Self { path: path.to_owned(), job: job.to_owned() };
        let mut aside = String::new();
        if path.exists() {
            let mut link = Link::write(path).await?;
            let (account, held) =
                link.with(|connection| Ok((account(connection)?, shapes(connection)?.len()))).await?;
            match account {
                Some(account) if account.job == job => return Ok(target),
                Some(_) => {
                    return Err(Problem::permanent(
                        "target.busy",
                        format!("The database {} is being made by another job.", path.display()),
                    )
                    .help("Give the copy another file, or let the other job end."));
                }
                None if held == 0 => {}
                None if occupied == Occupied::SetAside => {
                    drop(link);
                    let to = with_end(path, &format!("aside-{job}"));
                    move_file(path, &to)?;
                    watch.note(Level::Info, &format!("the old database is set aside as {}", to.display()));
                    aside = to.display().to_string();
                }
                None => {
                    return Err(Problem::permanent(
                        "target.not-empty",
                        format!("The database {} already holds {held} tables.", path.display()),
                    )
                    .help(
                        "Give the copy another file, or say that the old one may be set aside (--replace).",
                    ));
                }
            }
        } else if let Some(found) = orphan(path, job) {
            // A run before this one was stopped between setting the old file aside and making the new one.
            aside = found.display().to_string();
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                Problem::needs_person(
                    "rights.missing",
                    format!("The folder {} cannot be made: {error}.", folder.display()),
                )
            })?;
        }
        let mut link = Link::write(path).await?;
        let written = Account { job: job.to_owned(), aside, copied: None };
        link.with(move |connection| write_account(connection, &written)).await?;
        Ok(target)
    }

    pub(crate) async fn open(path: &Path, job: &str) -> Result<Self> {
        let target = Self { path: path.to_owned(), job: job.to_owned() };
        target.account().await?;
        Ok(target)
    }

    /// Opens a copy that is no job's any more, to be read.
    pub(crate) async fn finished(path: &Path) -> Result<Self> {
        Link::read(path).await?;
        Ok(Self { path: path.to_owned(), job: String::new() })
    }

    /// The account of this job; fails when the file is another's.
    pub(super) async fn account(&self) -> Result<Account> {
        let mut link = Link::read(&self.path).await?;
        match link.with(|connection| account(connection)).await? {
            Some(account) if account.job == self.job => Ok(account),
            _ => Err(Problem::permanent(
                "target.not-ours",
                format!("The database {} was not made by this job.", self.path.display()),
            )
            .help("Nothing in it was touched.")),
        }
    }

    pub(crate) async fn finish(&self) -> Result<()> {
        self.account().await?;
        let mut link = Link::write(&self.path).await?;
        link.with(|connection| {
            let drops: Vec<String> = connection
                .prepare("SELECT name FROM sqlite_master WHERE type='table' AND substr(name,1,11)=?1")?
                .query_map([OWN], |row| row.get::<_, String>(0))?
                .map(|name| name.map(|name| format!("DROP TABLE \"{name}\";")))
                .collect::<Result<_, _>>()?;
            connection.execute_batch(&format!("BEGIN IMMEDIATE; {} COMMIT;", drops.join(" ")))
        })
        .await
    }

    pub(crate) async fn marks(&self) -> Result<Marks> {
        let account = self.account().await?;
        Ok(Marks { made_database: true, aside: account.aside, made: Vec::new(), look: look(&self.path) })
    }

    pub(crate) async fn mark_again(path: &Path, job: &str, marks: &Marks) -> Result<bool> {
        if !path.exists() || !marks.look.is(&look(path)) {
            return Ok(false);
        }
        let mut link = Link::write(path).await?;
        if let Some(account) = link.with(|connection| account(connection)).await? {
            return Ok(account.job == job);
        }
        // Once the old file is back, this is the old file.
        if marks.has_aside() && !Path::new(&marks.aside).exists() {
            return Ok(false);
        }
        let written = Account { job: job.to_owned(), aside: marks.aside.clone(), copied: None };
        link.with(move |connection| write_account(connection, &written)).await?;
        Ok(true)
    }

    pub(crate) async fn undo(path: &Path, job: &str, watch: &dyn Watch) -> Result<()> {
        let target = Self { path: path.to_owned(), job: job.to_owned() };
        let _ = std::fs::remove_file(target.part());
        let aside = if path.exists() {
            match target.account().await {
                Ok(account) => {
                    remove(path)?;
                    account.aside
                }
                Err(_) => return Ok(()),
            }
        } else {
            orphan(path, job).map(|found| found.display().to_string()).unwrap_or_default()
        };
        if !aside.is_empty() {
            move_file(Path::new(&aside), path)?;
            watch.note(Level::Info, &format!("the old database {} is put back", path.display()));
        }
        Ok(())
    }

    /// Where the copy is made before it takes its place.
    pub(super) fn part(&self) -> PathBuf {
        with_end(&self.path, &format!("clonedeck-part-{}", self.job))
    }
}

/// Whether a table of the account is there, and what it says.
pub(super) fn account(connection: &Connection) -> rusqlite::Result<Option<Account>> {
    let there: bool = connection.query_row(
        "SELECT EXISTS(SELECT 1 FROM sqlite_master WHERE name='_clonedeck_job')",
        [],
        |row| row.get(0),
    )?;
    if !there {
        return Ok(None);
    }
    connection
        .query_row("SELECT job, aside, copied FROM _clonedeck_job", [], |row| {
            Ok(Account {
                job: row.get(0)?,
                aside: row.get(1)?,
                copied: row.get::<_, Option<i64>>(2)?.map(i64::unsigned_abs),
            })
        })
        .optional()
}

pub(super) fn write_account(connection: &mut Connection, account: &Account) -> rusqlite::Result<()> {
    let change = connection.transaction()?;
    change.execute_batch(
        "CREATE TABLE IF NOT EXISTS _clonedeck_job (job TEXT NOT NULL, aside TEXT NOT NULL, copied INTEGER);
         CREATE TABLE IF NOT EXISTS _clonedeck_done (tbl TEXT PRIMARY KEY, upto INTEGER, work TEXT NOT NULL);
         DELETE FROM _clonedeck_job;",
    )?;
    change.execute(
        "INSERT INTO _clonedeck_job (job, aside, copied) VALUES (?1, ?2, ?3)",
        (&account.job, &account.aside, account.copied.map(u64::cast_signed)),
    )?;
    change.commit()
}

fn look(path: &Path) -> Look {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).map_or(Look::File(0, 0), |file| Look::File(file.dev(), file.ino()))
}

fn same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (std::fs::metadata(one), std::fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => one == other,
    }
}

/// An old file is set aside under a name that says by which job, which finds it again when nothing else does.
fn orphan(path: &Path, job: &str) -> Option<PathBuf> {
    let aside = with_end(path, &format!("aside-{job}"));
    (!path.exists() && aside.exists()).then_some(aside)
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(end);
    path.with_file_name(name)
}

fn move_file(from: &Path, to: &Path) -> Result<()> {
    // What SQLite keeps beside the file belongs to it and goes first.
    for end in ["-wal", "-shm", "-journal"] {
        if beside(from, end).exists() {
            std::fs::rename(beside(from, end), beside(to, end)).map_err(|error| moved(from, &error))?;
        }
    }
    std::fs::rename(from, to).map_err(|error| moved(from, &error))
}

fn moved(path: &Path, error: &std::io::Error) -> Problem {
    Problem::needs_person(
        "rights.missing",
        format!("The database {} cannot be moved: {error}.", path.display()),
    )
    .help("Give this user the right to write the folder.")
}

fn remove(path: &Path) -> Result<()> {
    for end in ["-wal", "-shm", "-journal", ""] {
        let file = beside(path, end);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Problem::needs_person(
                    "rights.missing",
                    format!("The database {} cannot be removed: {error}.", file.display()),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}
