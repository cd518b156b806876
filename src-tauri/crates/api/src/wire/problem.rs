use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A failure as an operator meets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Problem {
    /// Stable code; windows and scripts decide by it, never by the text.
    pub code: String,
    /// What happened, to what.
    pub message: String,
    /// What to do now; may be empty.
    pub help: String,
    /// Named details: path, table, server.
    pub context: BTreeMap<String, String>,
    /// Whether trying again can help.
    pub retryable: bool,
}
