//! What a kind of job is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{JobId, Line};

/// A kind of job: a typed order and the line of steps that carries it out.
///
/// The value itself is registered once with a [`Registry`](crate::Registry); it can hold what its steps need to share.
pub trait Job: Send + Sync + Sized + 'static {
    /// The kind's stable name, such as `clone`.
    const KIND: &'static str;
    /// The order. It is stored as JSON in the open, so it holds no secret, and never changes once the job is added.
    type Spec: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The job's name in lists.
    fn title(&self, spec: &Self::Spec) -> String;

    /// Lays out the steps, in the order in which they run. Most kinds have one line for all their jobs; a line that
    /// depends on the order reads it from [`Line::order`] and on nothing else, so that it is the same at every claim.
    fn steps(&self, line: &mut Line<Self>);

    /// What the job takes of the machine, estimated when it is added.
    fn needs(&self, spec: &Self::Spec) -> Needs {
        let _ = spec;
        Needs::default()
    }

    /// How failures are answered.
    fn policy(&self) -> Policy {
        Policy::default()
    }

    /// Lets go of what is kept for a job outside of its own folder, such as a password: the job was cancelled and what it made is
    /// taken back, or it is forgotten. Called at least once for every job in the end, from any process; not from an async thread.
    fn let_go(&self, id: JobId, spec: &Self::Spec) {
        let _ = (id, spec);
    }
}

/// What a running job takes of the machine. The runner starts a job when all of it is there.
///
/// ```
/// use clonedeck_queue::Needs;
///
/// let needs = Needs::default()
///     .memory(256 << 20)
///     .disk("/srv/copies", 14 << 30)
///     .exclusive("target:/srv/copies/shop")
///     .group("host:db.example.com", 4);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    pub(crate) memory: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) cpu: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) disk: Vec<DiskNeed>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) exclusive: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<GroupNeed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskNeed {
    pub path: PathBuf,
    pub bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupNeed {
    pub name: String,
    pub limit: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Needs {
    /// Nothing but a slot.
    pub const fn nothing() -> Self {
        Self { memory: 0, cpu: 0, disk: Vec::new(), exclusive: Vec::new(), groups: Vec::new() }
    }

    /// Bytes of memory at most. 512 MiB when not said.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// Percent of all processors together. 0 when not said: then only the load that is measured holds the job back.
    pub fn cpu(mut self, percent: u32) -> Self {
        self.cpu = percent.min(100);
        self
    }

    /// Bytes that will be written to the file system that holds `path` (which need not exist yet).
    pub fn disk(mut self, path: impl AsRef<Path>, bytes: u64) -> Self {
        self.disk.push(DiskNeed { path: path.as_ref().into(), bytes });
        self
    }

    /// No two unfinished jobs that have begun hold the same key. The key is held from the first step to the end of the
    /// job, through waits and pauses, because a half-written target is nobody else's.
    pub fn exclusive(mut self, key: impl Into<String>) -> Self {
        self.exclusive.push(key.into());
        self
    }

    /// At most `limit` jobs of this group run at a time.
    pub fn group(mut self, name: impl Into<String>, limit: u32) -> Self {
        self.groups.push(GroupNeed { name: name.into(), limit: limit.max(1) });
        self
    }
}

impl Default for Needs {
    fn default() -> Self {
        Self::nothing().memory(512 << 20)
    }
}

/// What becomes of finished steps when a job fails for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Their undos run, so that nothing is left behind.
    Undo,
    /// They stay, so that a retry goes on from the failed step. A cancel of the failed job runs the undos.
    Keep,
}

/// How failures of a kind's jobs are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How often a step is tried before the job fails.
    pub tries: u32,
    /// Longest pause before the second try; each further one doubles it. The real pause is drawn between nothing and
    /// that (full jitter).
    pub first_backoff: Duration,
    /// Longest pause before any try.
    pub max_backoff: Duration,
    /// Active time after which the job fails.
    pub deadline: Duration,
    /// How often the program may die under the job before it is set aside.
    pub crashes: u32,
    /// What happens to finished steps when the job fails for good.
    pub on_failure: OnFailure,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            tries: 3,
            first_backoff: Duration::from_secs(2),
            max_backoff: Duration::from_mins(5),
            deadline: Duration::from_hours(48),
            crashes: 3,
            on_failure: OnFailure::Undo,
        }
    }
}

impl Policy {
    /// The pause after `failures` failed tries, with `luck` between 0 and 1 for the jitter.
    pub(crate) fn backoff(&self, failures: u32, luck: f64) -> Duration {
        let doubled = self.first_backoff.saturating_mul(1 << failures.saturating_sub(1).min(30));
        doubled.min(self.max_backoff).mul_f64(luck.clamp(0.0, 1.0))
    }
}
