use serde::{Deserialize, Serialize};

/// What the marks of a job in its database say, and by what the database is known without them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Whether the job made the database, not only what is in it.
    pub(super) made_database: bool,
    /// Where the old content is; empty where there was none.
    pub(super) aside: String,
    /// Kind, name and note of each thing that the job made.
    pub(super) made: Vec<(String, String, String)>,
    pub(super) look: Look,
}

impl Marks {
    /// The same for a copy that was finished and has been used since: whatever the database looks like now, it is the copy's.
    pub fn of_a_used_copy(self) -> Self {
        Self { look: Look::Any, ..self }
    }

    /// Whether something was set aside for the copy.
    pub fn has_aside(&self) -> bool {
        !self.aside.is_empty()
    }
}

/// By what a database is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Look {
    /// Its tables and views, with the time at which each was made.
    Tables(Vec<(String, String)>),
    /// Device and number of its file.
    File(u64, u64),
    /// By nothing: it has changed since.
    Any,
}

impl Look {
    /// Whether a database that looks so is the one.
    pub(super) fn is(&self, found: &Self) -> bool {
        matches!(self, Self::Any) || self == found
    }
}
