//! Previews: a copy served on this machine by PHP's own server, as a supervised process.
//!
//! A [`Preview`] is started from a [`Plan`] and ends when it is dropped, unless it is told to go on. Each has a [`Record`] in the data
//! directory, by which another process lists and stops it. A process is signalled only when its id, its start time and the boot of
//! the machine all match the record, or when it carries the record's mark (see [`crate::process`]).

mod record;
mod runtime;
mod serve;

pub use record::{Record, list, stop, sweep};
pub use runtime::Php;
pub use serve::{Plan, Preview, address, free_port};
