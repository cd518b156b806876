//! A site's database: looking at it, copying it, rewriting the copy's addresses, and making sure of both.
//!
//! # The course of a copy
//!
//! ```text
//! Source::open      the source, read-only: the server refuses every write of these sessions
//! Source::survey    what is there; with name_for_copy and missing_rights, all that a plan says before anything is written
//! Target::prepare   makes the database (or takes an empty one, or sets the old content aside) and marks it as this job's
//! copy              every table, in ranges; addresses are rewritten on the way
//! settle            makes sure that the copy shows one moment of the source; then views, routines, triggers and events
//! rewrite           what rewriting did; for SQLite it happens here, in place, before it is settled
//! check             what was not read back with the copying: rows on both sides, old addresses left over in any column
//! Target::finish    takes the marks away; or, instead, Target::undo takes everything back
//! ```
//!
//! Each of these may be stopped anywhere, by its [`Watch`] or by `kill -9`, and done again: what is done is written in the target's
//! own database (tables named `_clonedeck_…`, gone at the end), in the transaction of the rows that it speaks of. [`Target::open`]
//! takes up what [`Target::prepare`] began. The job's name is all that has to be remembered.
//!
//! # What moment a copy holds
//!
//! *MariaDB and MySQL.* [`copy`] opens one snapshot of the source (`START TRANSACTION WITH CONSISTENT SNAPSHOT`) and reads everything
//! from it in one session. That locks nothing of the source: the site goes on selling, and after each range even the definition of a
//! table may be changed again. **A copy that nothing interrupts is the moment in which [`copy`] began**, in all tables of
//! transactional engines (InnoDB), whatever was written meanwhile. Two things make a second moment: a copy that was interrupted goes on
//! in a snapshot of its own, and rows that the server copies by itself (one server, nothing to rewrite) are read statement by
//! statement. Each range therefore keeps the moment that it shows, and a count and a checksum of the source's rows as they were read.
//! Where the moments are not one, [`settle`] opens one more snapshot, compares every range with it, and brings those that changed over
//! again from that same snapshot. **Afterwards all these tables hold exactly that one moment.**
//!
//! Tables of engines without transactions (MyISAM, Aria, MEMORY) know no snapshot: [`settle`] compares them always, up to the number
//! of passes given, until a pass finds nothing changed; a table that never stands still is listed in [`Settled::moving`]. A pass that
//! is cut off starts anew with a snapshot of its own. Two versions of a range look alike to the checksum once in four thousand
//! million. Changes to the *shape* of a table between the snapshot and its reading are not followed: they end the work with
//! `source.changed`, to be tried again. [`renew`] brings a copy to a later moment by the same comparison.
//!
//! *SQLite.* The online backup copies one moment of the file.
//!
//! # Rewriting and settling
//!
//! A range always comes from the source and is rewritten on its way, also when it is brought again. What is in the copy is never read
//! to be rewritten, so an address is never rewritten twice, even where the new one contains the old; and the comparison reads the
//! source alone, so rewriting does not get in its way. SQLite's copy is rewritten in place; the place reached is committed with the
//! rows.
//!
//! # Reading back
//!
//! With [`Rewriting::reading_back`] each range is read again, by a session that writes nothing, as soon as it is committed: the server has
//! it in memory then, and other writers wait for their turn at the table. What is counted is what [`check`] and
//! [`values`](crate::check::values) would count later: rows, old addresses left over, and which values parse as they do in the source. A
//! table of which a range was brought by an earlier try, or again by [`settle`], or that something wrote since, is not said to be read
//! back, and is looked at as a whole.

mod address;
mod marks;
mod mysql;
mod name;
mod outcome;
pub(crate) mod parsing;
mod rewriting;
mod sqlite;
mod survey;
mod tables;

pub use address::{DatabaseAddress, Server};
use marks::Look;
pub use marks::Marks;
pub use outcome::{
    Change, Checked, Copied, Known, LeftOver, MissingRight, ReadBack, Rewritten, Settled, TableRows,
    UnsafeCell,
};
pub use rewriting::Rewriting;
pub use survey::{Count, Key, Survey, Table};
pub use tables::{Access, tables};

use std::path::Path;

use crate::{Problem, Result, Secret, Watch};

/// Connections that write a copy unless told otherwise: enough to keep two cores of a server busy while one waits for the disk. One
/// more reads.
pub const CONNECTIONS: usize = 4;

/// Passes over tables that do not stand still, unless told otherwise.
pub const PASSES: u32 = 5;

/// What to do with a target that holds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupied {
    /// Leave it alone and fail with `target.not-empty`.
    Refuse,
    /// Set its content aside. An undo puts it back.
    SetAside,
}

/// A database that is read and never written.
#[derive(Debug, Clone)]
pub struct Source(Of<mysql::Source, sqlite::Source>);

/// The database that a job writes.
#[derive(Debug, Clone)]
pub struct Target(Of<mysql::Target, sqlite::Target>);

#[derive(Debug, Clone)]
enum Of<M, S> {
    Mysql(M),
    Sqlite(S),
}

impl Source {
    /// Opens a database for reading. Fails with `database.down`, `database.refused-login`, `database.unknown`…
    pub async fn open(address: &DatabaseAddress, secret: &Secret) -> Result<Self> {
        Ok(Self(match address {
            DatabaseAddress::Mysql { .. } => Of::Mysql(mysql::Source::open(address, secret).await?),
            DatabaseAddress::Sqlite { path } => Of::Sqlite(sqlite::Source::open(path).await?),
        }))
    }

    /// Looks at what is in it.
    pub async fn survey(&self, count: Count, watch: &dyn Watch) -> Result<Survey> {
        match &self.0 {
            Of::Mysql(source) => source.survey(count, watch).await,
            Of::Sqlite(source) => source.survey(count).await,
        }
    }
}

/// A name for the copy of the database `source` that goes with the folder `place`: safe to use anywhere, and not taken on the server of
/// `address`. A place has the same name every time, so that a right that somebody gives for it is the one that the next try needs.
pub async fn name_for_copy(
    source: &str,
    address: &DatabaseAddress,
    secret: &Secret,
    place: &Path,
) -> Result<String> {
    let taken = match address {
        DatabaseAddress::Mysql { .. } => mysql::names(address, secret).await?,
        DatabaseAddress::Sqlite { .. } => Vec::new(),
    };
    Ok(name::for_copy(source, place, &taken))
}

/// The rights that are missing to make a copy of what was surveyed at `address`. Writes nothing. None for SQLite, where the rights of
/// the file system count.
pub async fn missing_rights(
    survey: &Survey,
    address: &DatabaseAddress,
    secret: &Secret,
) -> Result<Vec<MissingRight>> {
    match address {
        DatabaseAddress::Mysql { .. } => mysql::missing_rights(survey, address, secret).await,
        DatabaseAddress::Sqlite { .. } => Ok(Vec::new()),
    }
}

impl Target {
    /// Makes the database of a copy, or takes one that is empty or may be set aside, and writes down in it whose it is. `job` is any
    /// name that no other job has. Harmless to repeat.
    pub async fn prepare(
        source: &Source,
        address: &DatabaseAddress,
        secret: &Secret,
        job: &str,
        occupied: Occupied,
        watch: &dyn Watch,
    ) -> Result<Self> {
        Ok(Self(match (&source.0, address) {
            (Of::Mysql(source), DatabaseAddress::Mysql { .. }) => {
                Of::Mysql(mysql::Target::prepare(source, address, secret, job, occupied, watch).await?)
            }
            (Of::Sqlite(source), DatabaseAddress::Sqlite { path }) => {
                Of::Sqlite(sqlite::Target::prepare(source, path, job, occupied, watch).await?)
            }
            _ => return Err(kinds()),
        }))
    }

    /// Opens again what [`Target::prepare`] prepared for this job.
    pub async fn open(
        source: &Source,
        address: &DatabaseAddress,
        secret: &Secret,
        job: &str,
    ) -> Result<Self> {
        Ok(Self(match (&source.0, address) {
            (Of::Mysql(source), DatabaseAddress::Mysql { .. }) => {
                Of::Mysql(mysql::Target::open(source, address, secret, job).await?)
            }
            (Of::Sqlite(_), DatabaseAddress::Sqlite { path }) => {
                Of::Sqlite(sqlite::Target::open(path, job).await?)
            }
            _ => return Err(kinds()),
        }))
    }

    /// Opens a finished copy to have it checked again. Nothing but [`check`] may be done with it.
    pub async fn finished(source: &Source, address: &DatabaseAddress, secret: &Secret) -> Result<Self> {
        Ok(Self(match (&source.0, address) {
            (Of::Mysql(_), DatabaseAddress::Mysql { .. }) => {
                Of::Mysql(mysql::Target::finished(address, secret).await?)
            }
            (Of::Sqlite(_), DatabaseAddress::Sqlite { path }) => {
                Of::Sqlite(sqlite::Target::finished(path).await?)
            }
            _ => return Err(kinds()),
        }))
    }

    /// Whether [`copy`] rewrites addresses on the way, so that [`settle`] may follow it at once.
    pub fn rewrites_on_its_way(&self) -> bool {
        matches!(self.0, Of::Mysql(_))
    }

    /// Takes the marks of the job away: the copy is the operator's. An undo does nothing any more.
    pub async fn finish(&self) -> Result<()> {
        match &self.0 {
            Of::Mysql(target) => target.finish().await,
            Of::Sqlite(target) => target.finish().await,
        }
    }

    /// Takes back what the job made, and nothing else, and puts back what it set aside. Harmless where it made nothing, and to repeat.
    pub async fn undo(
        address: &DatabaseAddress,
        secret: &Secret,
        job: &str,
        watch: &dyn Watch,
    ) -> Result<()> {
        match address {
            DatabaseAddress::Mysql { .. } => mysql::Target::undo(address, secret, job, watch).await,
            DatabaseAddress::Sqlite { path } => sqlite::Target::undo(path, job, watch).await,
        }
    }

    /// What the marks of the job say, to be kept before [`Target::finish`] takes them away.
    pub async fn marks(&self) -> Result<Marks> {
        match &self.0 {
            Of::Mysql(target) => target.marks().await,
            Of::Sqlite(target) => target.marks().await,
        }
    }

    /// Puts marks back that [`Target::finish`] took away, for a job that was cut off before it could be noted as done and of which
    /// nobody has the copy yet. Answers whether the database bears the job's marks now: not where it is gone, or is another one
    /// than it was. After that there is [`Target::undo`], or [`Target::finish`] once more.
    pub async fn mark_again(
        address: &DatabaseAddress,
        secret: &Secret,
        job: &str,
        marks: &Marks,
    ) -> Result<bool> {
        match address {
            DatabaseAddress::Mysql { .. } => mysql::Target::mark_again(address, secret, job, marks).await,
            DatabaseAddress::Sqlite { path } => sqlite::Target::mark_again(path, job, marks).await,
        }
    }
}

/// Copies everything that is not in the target yet. With `rewriting`, addresses are rewritten on the way where the kind of database
/// allows it; give the same one to [`settle`].
pub async fn copy(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    connections: usize,
    watch: &dyn Watch,
) -> Result<Copied> {
    match (&source.0, &target.0) {
        (Of::Mysql(source), Of::Mysql(target)) => {
            mysql::copy(source, target, rewriting, connections, watch).await
        }
        (Of::Sqlite(source), Of::Sqlite(target)) => sqlite::copy(source, target, watch).await,
        _ => Err(kinds()),
    }
}

/// Rewrites the addresses in the copy as far as it was not done on the way, and answers what was done in all. Before [`settle`].
pub async fn rewrite(
    source: &Source,
    target: &Target,
    rewriting: &Rewriting,
    connections: usize,
    watch: &dyn Watch,
) -> Result<Rewritten> {
    match (&source.0, &target.0) {
        (Of::Mysql(source), Of::Mysql(target)) => {
            mysql::rewrite(source, target, rewriting, connections, watch).await
        }
        (Of::Sqlite(_), Of::Sqlite(target)) => sqlite::rewrite(target, rewriting, watch).await,
        _ => Err(kinds()),
    }
}

/// Brings the copy to one moment of the source, in at most `passes` passes, and then makes what is no table: views, routines,
/// triggers, and events, which stay switched off. Fails unless every table then holds the rows of that moment.
pub async fn settle(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    passes: u32,
    watch: &dyn Watch,
) -> Result<Settled> {
    bring_to(mysql::To::One, source, target, rewriting, passes, watch).await
}

/// Brings a copy that shows an earlier moment of the source to the present one, in at most `passes` passes: what changed since is
/// brought over again, and nothing else. Otherwise as [`settle`]. A SQLite copy stays what it is.
pub async fn renew(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    passes: u32,
    watch: &dyn Watch,
) -> Result<Settled> {
    bring_to(mysql::To::Now, source, target, rewriting, passes, watch).await
}

async fn bring_to(
    moment: mysql::To,
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    passes: u32,
    watch: &dyn Watch,
) -> Result<Settled> {
    match (&source.0, &target.0) {
        (Of::Mysql(source), Of::Mysql(target)) => {
            mysql::settle(source, target, rewriting, moment, passes, watch).await
        }
        (Of::Sqlite(_), Of::Sqlite(target)) => sqlite::settle(target, watch).await,
        _ => Err(kinds()),
    }
}

/// Counts rows on both sides, and looks for old addresses in every column of text; what is known already is not read again. Writes
/// nothing.
pub async fn check(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    known: Known<'_>,
    watch: &dyn Watch,
) -> Result<Checked> {
    match (&source.0, &target.0) {
        (Of::Mysql(source), Of::Mysql(target)) => mysql::check(source, target, rewriting, known, watch).await,
        (Of::Sqlite(source), Of::Sqlite(target)) => {
            sqlite::check(source, target, rewriting, known, watch).await
        }
        _ => Err(kinds()),
    }
}

fn kinds() -> Problem {
    Problem::permanent(
        "database.kinds",
        "The copy of a database has to be of the same kind: MariaDB or MySQL, or SQLite.",
    )
    .help("Give --db an address of the source's kind.")
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
