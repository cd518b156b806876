//! What the queue refuses, as data for people and programs.

use clonedeck_store::{StoreError, rusqlite};

use crate::JobId;

/// An error of a call on the queue. The job itself fails with a [`StepError`](crate::StepError).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database or its folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No job has this id or prefix.
    #[error("there is no job {0}")]
    UnknownJob(String),
    /// Several jobs begin with this prefix.
    #[error("{prefix} is the beginning of several job ids")]
    AmbiguousJob {
        /// What was asked for.
        prefix: String,
        /// Some of the ids that begin so, newest first.
        matches: Vec<JobId>,
    },
    /// The job's state does not allow this.
    #[error("cannot {action} job {id}: it is {state}")]
    Refused {
        /// The job.
        id: JobId,
        /// What was wanted.
        action: &'static str,
        /// What the job is.
        state: String,
    },
    /// Another unfinished job has taken this job's unique key.
    #[error("job {other} does the same thing already")]
    Duplicate {
        /// The job that has the key.
        other: JobId,
    },
    /// This program has no job of this kind.
    #[error("this program knows no job of kind {0}")]
    UnknownKind(String),
    /// A spec, option or stored value does not fit.
    #[error("{what}: {why}")]
    Invalid {
        /// What was given.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such batch, schedule or step.
    #[error("there is no {0}")]
    NotFound(String),
    /// A file of the queue (a log, a secret) cannot be read or written.
    #[error("{path} cannot be used: {why}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        why: String,
    },
}

impl Error {
    /// A stable name for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::UnknownJob(_) => "unknown-job",
            Self::AmbiguousJob { .. } => "ambiguous-job",
            Self::Refused { .. } => "refused",
            Self::Duplicate { .. } => "duplicate",
            Self::UnknownKind(_) => "unknown-kind",
            Self::Invalid { .. } => "invalid",
            Self::NotFound(_) => "not-found",
            Self::File { .. } => "file",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Store(error) => error.help(),
            Self::UnknownJob(_) => "List the jobs to see their ids.".into(),
            Self::AmbiguousJob { matches, .. } => {
                let ids: Vec<String> = matches.iter().map(ToString::to_string).collect();
                format!("Give more of the id: {}.", ids.join(", "))
            }
            Self::Refused { .. } => "Look at the job to see what can be done with it.".into(),
            Self::Duplicate { .. } => "Wait for that job, or cancel it first.".into(),
            Self::UnknownKind(_) => "Update the program that runs the queue.".into(),
            Self::Invalid { .. } => "Correct it and try again.".into(),
            Self::NotFound(_) => "Check the name.".into(),
            Self::File { .. } => "Check that the data directory can be read and written.".into(),
        }
    }

    /// Whether the same call can succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_retryable())
    }

    pub(crate) fn is_disk_full(&self) -> bool {
        matches!(self, Self::Store(StoreError::Full { .. } | StoreError::RolledBack { .. }))
    }

    /// Whether nothing can be written any more where the queue lives.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, Self::Store(StoreError::Unusable { .. }))
    }

    pub(crate) fn invalid(what: impl Into<String>, why: impl ToString) -> Self {
        Self::Invalid { what: what.into(), why: why.to_string() }
    }

    pub(crate) fn file(path: &std::path::Path, why: &std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), why: why.to_string() }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The result of a call on the queue.
pub type Result<T, E = Error> = std::result::Result<T, E>;
