//! How a step fails.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Trouble;

/// What an error means for the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Trying again may help: the step is tried again after a while, as often as the policy allows.
    Transient,
    /// Trying again cannot help: the job fails.
    Permanent,
    /// Somebody has to do something first: the job waits, and it costs no try.
    NeedsPerson,
}

/// Why a step did not succeed: what happened, to what, and what to do now.
///
/// ```
/// use clonedeck_queue::{Class, StepError};
///
/// let error = StepError::transient("connection-lost", "The connection to db.example.com was lost.")
///     .help("Nothing to do: the step goes on from where it stood.")
///     .with("host", "db.example.com");
/// assert_eq!(error.class(), Some(Class::Transient));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StepError {
    told: Box<Told>,
}

#[derive(Clone, PartialEq, Eq)]
struct Told {
    kind: Kind,
    code: Cow<'static, str>,
    message: String,
    help: String,
    context: BTreeMap<String, String>,
    retry_after: Option<Duration>,
    room: Option<Room>,
}

/// Room on a disk that the job waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Room {
    pub path: std::path::PathBuf,
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Error(Class),
    Stopped,
}

impl StepError {
    fn new(kind: Kind, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            told: Box::new(Told {
                kind,
                code: code.into(),
                message: message.into(),
                help: String::new(),
                context: BTreeMap::new(),
                retry_after: None,
                room: None,
            }),
        }
    }

    /// Trying again may help. `code` is a stable name, `message` a sentence for people.
    pub fn transient(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Kind::Error(Class::Transient), code, message)
    }

    /// Trying again cannot help.
    pub fn permanent(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Kind::Error(Class::Permanent), code, message)
    }

    /// Somebody has to do something first; the job waits until it is resumed.
    pub fn needs_person(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Kind::Error(Class::NeedsPerson), code, message)
    }

    /// The disk that holds `path` has no room for `bytes` more. The job waits and goes on by itself when there is.
    pub fn disk_full(path: impl AsRef<Path>, bytes: u64) -> Self {
        let path = path.as_ref();
        let mut error =
            Self::needs_person("disk-full", format!("There is no room left for {}.", path.display()))
                .help("Free some space on that disk; the job goes on by itself.")
                .with("path", path.display());
        error.told.room = Some(Room { path: path.into(), bytes: bytes.max(1) });
        error
    }

    /// Waits like [`disk_full`](Self::disk_full), in the words of whoever found the disk full.
    pub fn room_needed(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
        path: impl AsRef<Path>,
        bytes: u64,
    ) -> Self {
        let mut error = Self::needs_person(code, message);
        error.told.room = Some(Room { path: path.as_ref().into(), bytes: bytes.max(1) });
        error
    }

    /// The data directory cannot be used. The job waits and goes on by itself when it can.
    pub(crate) fn data_folder(trouble: Trouble, dir: &Path) -> Self {
        let help = format!("{}; the job goes on by itself from where it stood.", trouble.remedy());
        Self::room_needed(trouble.code(), trouble.message(dir), dir, 1).help(help)
    }

    /// Sorts a system error: a full disk waits for room at `path`, what can pass is transient, the rest permanent.
    pub fn io(error: &std::io::Error, path: impl AsRef<Path>) -> Self {
        use std::io::ErrorKind as K;
        let path = path.as_ref();
        let told = format!("{}: {error}", path.display());
        match error.kind() {
            K::StorageFull | K::QuotaExceeded => Self::disk_full(path, 1 << 20),
            K::Interrupted
            | K::TimedOut
            | K::WouldBlock
            | K::ConnectionReset
            | K::ConnectionAborted
            | K::ConnectionRefused
            | K::NotConnected
            | K::BrokenPipe
            | K::UnexpectedEof
            | K::ResourceBusy
            | K::NetworkDown
            | K::NetworkUnreachable
            | K::HostUnreachable
            | K::StaleNetworkFileHandle => Self::transient("io", told).with("path", path.display()),
            K::PermissionDenied => Self::permanent("permission-denied", told)
                .help("Give this user the right to use it, then retry the job.")
                .with("path", path.display()),
            K::NotFound => Self::permanent("not-found", told).with("path", path.display()),
            _ => Self::permanent("io", told).with("path", path.display()),
        }
    }

    /// The step gives way because it was asked to. Only safe points make this.
    pub(crate) fn stopped() -> Self {
        Self::new(Kind::Stopped, "stopped", "The step was asked to stop.")
    }

    /// What to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.told.help = help.into();
        self
    }

    /// Adds a fact, such as a host or a table. Never a secret.
    pub fn with(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.told.context.insert(name.into(), value.to_string());
        self
    }

    /// The other side asked not to be tried before this has passed.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.told.retry_after = Some(wait);
        self
    }

    /// What it means for the job; `None` when it is no failure: the step was asked to stop and did.
    pub fn class(&self) -> Option<Class> {
        match self.told.kind {
            Kind::Error(class) => Some(class),
            Kind::Stopped => None,
        }
    }

    /// Whether the step was asked to stop and did. A step hands this on with `?` and cleans up nothing.
    pub fn is_stopped(&self) -> bool {
        self.told.kind == Kind::Stopped
    }

    /// The stable name.
    pub fn code(&self) -> &str {
        &self.told.code
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.told.message
    }

    pub(crate) fn retry_hint(&self) -> Option<Duration> {
        self.told.retry_after
    }

    pub(crate) fn room(&self) -> Option<&Room> {
        self.told.room.as_ref()
    }

    pub(crate) fn report(&self, mask: impl Fn(&str) -> String) -> FailureView {
        FailureView {
            code: self.told.code.to_string(),
            message: mask(&self.told.message),
            help: mask(&self.told.help),
            context: self.told.context.iter().map(|(name, value)| (name.clone(), mask(value))).collect(),
            retryable: self.told.kind == Kind::Error(Class::Transient),
            class: self.class().unwrap_or(Class::Transient),
        }
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.told.message, self.told.code)
    }
}

impl fmt::Debug for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepError")
            .field("kind", &self.told.kind)
            .field("code", &self.told.code)
            .field("message", &self.told.message)
            .field("context", &self.told.context)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for StepError {}

/// An error as it is stored with the job and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureView {
    /// Stable name.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// What to do; may be empty.
    pub help: String,
    /// Facts.
    pub context: BTreeMap<String, String>,
    /// Whether trying again can help without anyone changing anything.
    pub retryable: bool,
    /// What it meant for the job.
    pub class: Class,
}
