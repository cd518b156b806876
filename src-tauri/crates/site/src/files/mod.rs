//! Trees of files: an index taken once, a copier that keeps everything, a comparison against the index.
//!
//! [`Index::take`] walks the source once and remembers every entry: the plan counts by it, [`copy`] copies by it, [`compare`] holds the
//! copy against it, also long after. [`Exclusions`] says what stays behind and why. [`remove_made`] takes back what a copy made.
//!
//! The source is only ever opened for reading, below its root by descriptors, and no symbolic link is followed on either side. A file
//! is written under a temporary name and renamed when it is whole, so a name in the target always means a whole file; that is how a
//! later run knows what it need not copy again (same kind, size and modification time), without any cursor.

mod belonging;
mod changed;
mod compare;
mod copy;
mod crew;
mod exclusions;
mod index;
mod links;
mod made;
mod meta;
mod path;
mod space;
mod sys;
mod trouble;
mod whole;

pub use belonging::belong_like;
pub use changed::Changed;
pub use compare::{Comparison, Difference, PartComparison, Verify, compare};
pub use copy::{CopyReport, Options, PartReport, copy};
pub use exclusions::{DEFAULT_EXCLUSIONS, DefaultExclusion, Excluded, Exclusions};
pub use index::{Count, Entry, Index, Kind, Unreadable};
pub use made::{Removed, remove_made};
pub use meta::Mtime;
pub use path::RelPath;
pub use space::{Space, free_space, require_space};

pub use trouble::of_target as target_trouble;
pub use whole::write_whole;

pub(crate) use path::shown;
