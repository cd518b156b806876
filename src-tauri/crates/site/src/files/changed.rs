use serde::{Deserialize, Serialize};

use super::{Mtime, RelPath};

/// A file of the source that was not, when it was copied, what the index had said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Where it is.
    pub path: RelPath,
    /// Its size as it was copied.
    pub size: u64,
    /// Its modification time as it was copied.
    pub mtime: Mtime,
    /// False where it kept changing while it was read: the copy may mix two of its states.
    pub settled: bool,
}
