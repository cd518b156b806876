//! A site's database: where it is, and copying, rewriting and comparing it.

mod address;
mod mysql;
mod outcome;
mod rewriting;
mod survey;
mod tables;

pub use address::{DatabaseAddress, Server};
pub use outcome::{Change, Checked, Copied, LeftOver, Rewritten, Settled, TableRows, UnsafeCell};
pub use rewriting::Rewriting;
pub use survey::{Count, Key, Survey, Table};
pub use tables::{Access, tables};

use crate::{Result, Secret, Watch};

/// What to do with a target that holds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupied {
    /// Leave it alone and fail.
    Refuse,
    /// Set its content aside, to be put back by an undo or by hand.
    SetAside,
}

/// A database that is read and never written.
#[derive(Debug, Clone)]
pub struct Source(Of<mysql::Source>);

/// The database that a job writes.
#[derive(Debug, Clone)]
pub struct Target(Of<mysql::Target>);

#[derive(Debug, Clone)]
enum Of<M> {
    Mysql(M),
}

impl Source {
    /// Opens a database for reading.
    pub async fn open(address: &DatabaseAddress, secret: &Secret) -> Result<Self> {
        Ok(Self(Of::Mysql(mysql::Source::open(address, secret).await?)))
    }

    /// Looks at what is in it.
    pub async fn survey(&self, count: Count, watch: &dyn Watch) -> Result<Survey> {
        let Of::Mysql(source) = &self.0;
        source.survey(count, watch).await
    }
}

impl Target {
    /// Makes the database of a copy, or takes one that is empty or may be set aside, and writes down in it whose it is.
    pub async fn prepare(
        source: &Source,
        address: &DatabaseAddress,
        secret: &Secret,
        job: &str,
        occupied: Occupied,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let Of::Mysql(source) = &source.0;
        Ok(Self(Of::Mysql(mysql::Target::prepare(source, address, secret, job, occupied, watch).await?)))
    }

    /// Opens again what was prepared.
    pub async fn open(
        source: &Source,
        address: &DatabaseAddress,
        secret: &Secret,
        job: &str,
    ) -> Result<Self> {
        let Of::Mysql(source) = &source.0;
        Ok(Self(Of::Mysql(mysql::Target::open(source, address, secret, job).await?)))
    }

    /// Removes the account of the job.
    pub async fn finish(&self) -> Result<()> {
        let Of::Mysql(target) = &self.0;
        target.finish().await
    }

    /// Takes back what the job made.
    pub async fn undo(
        address: &DatabaseAddress,
        secret: &Secret,
        job: &str,
        watch: &dyn Watch,
    ) -> Result<()> {
        mysql::Target::undo(address, secret, job, watch).await
    }
}

/// Copies.
pub async fn copy(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    connections: usize,
    watch: &dyn Watch,
) -> Result<Copied> {
    let (Of::Mysql(source), Of::Mysql(target)) = (&source.0, &target.0);
    mysql::copy(source, target, rewriting, connections, watch).await
}

/// Settles.
pub async fn settle(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    passes: u32,
    watch: &dyn Watch,
) -> Result<Settled> {
    let (Of::Mysql(source), Of::Mysql(target)) = (&source.0, &target.0);
    mysql::settle(source, target, rewriting, passes, watch).await
}

/// Checks.
pub async fn check(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    watch: &dyn Watch,
) -> Result<Checked> {
    let (Of::Mysql(source), Of::Mysql(target)) = (&source.0, &target.0);
    mysql::check(source, target, rewriting, watch).await
}

/// Rewrites the addresses in the copy, if it was not done on the way, and answers what was done in all.
pub async fn rewrite(
    source: &Source,
    target: &Target,
    rewriting: &Rewriting,
    connections: usize,
    watch: &dyn Watch,
) -> Result<Rewritten> {
    let (Of::Mysql(source), Of::Mysql(target)) = (&source.0, &target.0);
    mysql::rewrite(source, target, rewriting, connections, watch).await
}
