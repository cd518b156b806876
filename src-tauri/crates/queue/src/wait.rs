//! Why a job is not running, as data.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::timestamp;

/// Why a job is not running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingFor {
    /// Stable name: `slot`, `memory`, `cpu`, `disk`, `target`, `group`, `reserved`, `queue-paused`, `no-runner`,
    /// `unknown-kind`, `line-changed`, `retry`, `scheduled`, `paused`, `set-aside`, `disk-full`, `data-folder`, or the code
    /// of the error that a person has to look at.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// When it will be looked at again, where that is known.
    pub until: Option<Timestamp>,
    /// Whether it waits until a person does something.
    pub needs_person: bool,
    /// What to do; may be empty.
    pub help: String,
}

/// The same as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WaitNote {
    pub code: String,
    pub message: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    #[serde(default)]
    pub person: bool,
    /// Goes on by itself when the disk of this path has this much room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<(PathBuf, u64)>,
}

impl WaitNote {
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            help: String::new(),
            until: None,
            person: false,
            room: None,
        }
    }

    pub fn paused() -> Self {
        Self::new("paused", "An operator paused it.").person("Resume the job.")
    }

    pub fn until(mut self, at: i64) -> Self {
        self.until = Some(at);
        self
    }

    pub fn person(mut self, help: impl Into<String>) -> Self {
        self.person = true;
        self.help = help.into();
        self
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub fn view(self) -> WaitingFor {
        WaitingFor {
            code: self.code,
            message: self.message,
            until: self.until.map(timestamp),
            needs_person: self.person,
            help: self.help,
        }
    }
}
