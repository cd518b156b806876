//! Other people's programs, run well.
//!
//! A [`Program`] says what to run: a program, a list of arguments that no shell ever sees, a folder, a stated environment and
//! [`Limits`]. [`Program::start`] runs it in a session of its own with its input closed and answers a [`Running`], which is
//! driven to its [`Ending`] while a [`Listener`] hears every line. Whatever the program starts inherits a mark in its environment,
//! so that a child which left the session is still found: the program and all of its kin are a [`Family`], measured, held, let go
//! and ended as one. [`Records`] on disk say which programs run, so that the next start of Clonedeck finds and ends what a crash
//! left behind ([`Records::sweep`]), and never anything else.
//!
//! Limits of memory and processors are kept by the kernel where a systemd answers ([`Keeper`]), else by measuring the family and ending
//! or holding it.

mod capture;
mod census;
mod ending;
mod environment;
mod family;
mod flood;
mod identity;
mod lines;
mod listener;
mod program;
mod record;
mod running;
mod scope;
mod text;

pub use ending::{Ending, Overrun};
pub use family::{Family, Usage};
pub use identity::Identity;
pub use listener::{Line, Listener, Silent, Stream};
pub use program::{Limits, Output, Program};
pub use record::{Known, Leftover, Record, Records};
pub use running::{Driven, Running};
pub use scope::Keeper;
pub use text::clean;

/// Whether this program, and so what it starts, may do anything on this machine.
#[cfg(unix)]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether this program, and so what it starts, may do anything on this machine: not known here.
#[cfg(not(unix))]
pub fn is_root() -> bool {
    false
}

/// The environment variable that marks a program and everything it starts.
pub const MARK: &str = "CLONEDECK_PROCESS";

#[cfg(all(test, target_os = "linux"))]
mod tests;
