use async_trait::async_trait;

use crate::Problem;

/// What a count of progress counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Bytes of file contents or data.
    Bytes,
    /// Files and folders.
    Files,
    /// Rows of tables.
    Rows,
    /// Tables.
    Tables,
    /// Anything else that is counted one by one.
    Items,
}

/// How loud a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// The course of things.
    Info,
    /// Something an operator wants to read.
    Warn,
    /// Something failed.
    Error,
}

/// The answer of a [`Watch`] that wants the work to end at this point, resumable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

impl From<Stopped> for Problem {
    fn from(_: Stopped) -> Self {
        Self {
            code: "stopped",
            class: crate::Class::Stopped,
            message: "Stopped at a safe point.".into(),
            help: String::new(),
            context: std::collections::BTreeMap::new(),
        }
    }
}

/// How a long piece of work reports, and where it is steered. Cheap to call often; may be called from any thread.
#[async_trait]
pub trait Watch: Send + Sync {
    /// Where the work stands: `done` of `total` (0 when not known) in `unit`. The latest call wins.
    fn progress(&self, done: u64, total: u64, unit: Unit);

    /// What it is doing now, in a few words: a table, a folder.
    fn doing(&self, what: &str);

    /// A line for the job's log.
    fn note(&self, level: Level, line: &str);

    /// Whether the work should come to a safe point soon. For threads that cannot wait.
    fn stop_requested(&self) -> bool;

    /// A place where the work may be stopped (or held while paused). On `Err` it returns at once, leaving what a later run can go on
    /// from.
    async fn safe_point(&self) -> Result<(), Stopped>;

    /// Makes `cursor` durable: a later run is given it back. On `Err` the work returns at once.
    async fn checkpoint(&self, cursor: serde_json::Value) -> Result<(), Stopped>;
}

/// A watch for work that nobody watches: never stops anything, keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

#[async_trait]
impl Watch for Unwatched {
    fn progress(&self, _: u64, _: u64, _: Unit) {}
    fn doing(&self, _: &str) {}
    fn note(&self, _: Level, _: &str) {}
    fn stop_requested(&self) -> bool {
        false
    }
    async fn safe_point(&self) -> Result<(), Stopped> {
        Ok(())
    }
    async fn checkpoint(&self, _: serde_json::Value) -> Result<(), Stopped> {
        Ok(())
    }
}
