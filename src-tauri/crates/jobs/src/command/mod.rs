//! Console commands of a site, run in the background: migrations, caches, indexes.
//!
//! What may run is in a [`Catalogue`]; everything else is refused, with the reason. A [`Call`] is a command with its arguments; it is
//! looked at when it is ordered and again before it runs. The job kind `command` runs one call, `workflow` runs a list of them, one
//! step each, up to the first that fails. How far a command is, is read from its output: by the patterns of its entry, the progress
//! bars that many programs share, or lines of a small protocol.
//!
//! # The protocol
//!
//! A script that wants to be shown well writes lines such as
//!
//! ```text
//! {"clonedeck":{"phase":"Move files","done":120,"total":500,"checkpoint":{"last":120},"stats":{"moved":117,"skipped":3}}}
//! ```
//!
//! Every field may be left out. A `checkpoint` is any JSON; it is durable soon after, and after a stop the command is started with
//! the arguments that its entry declares under `resume`, `{checkpoint}` replaced (a text as it is, anything else as JSON).
//!
//! # Stops
//!
//! A pause holds the program where it stands, a cancel ends it, and so does the end of Clonedeck. After that, or when Clonedeck was
//! cut off, a command that can go on does so from its
//! last checkpoint, one that only reads runs again, and one that changes the site waits for a person: nothing is run twice by itself.

mod argument;
mod call;
mod carry;
mod catalogue;
mod job;
mod own;
mod progress;
mod saved;
mod shelf;
mod typed;
mod workflow;

pub use call::{Call, Checked, Drafted};
pub use carry::{Cursor, Outcome, Standing};
pub use catalogue::{Argument, Catalogue, Command, Effect, Holds, Kind, Resume};
pub use job::{CommandJob, CommandOrder};
pub use own::{NewCommand, OwnCommands};
pub use progress::Told;
pub(crate) use progress::without_colours;
pub use saved::{SavedWorkflow, SavedWorkflows};
pub use shelf::Commands;
pub use workflow::{LONGEST_WORKFLOW, WorkflowJob, WorkflowOrder};
