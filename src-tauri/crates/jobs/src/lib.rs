//! The job kinds: site work bound to queue steps.
//!
//! [`clone`] makes a working copy of a site. What a step does is in the `site` crate, which knows no queue; here each piece is given
//! its place in the line, its cursor, its undo and its weight. [`command`] runs console commands of a site, [`build`] builds front-end
//! projects and shows them.

#![warn(missing_docs)]

pub mod build;
#[cfg(feature = "busy")]
pub mod busy;
pub mod clone;
pub mod command;

mod previews;
mod programs;
mod secrets;
mod step_error;
mod watching;

pub use clonedeck_site::words;
pub use previews::Previews;
pub use programs::{Bounds, Programs};
pub use secrets::Secrets;
pub(crate) use step_error::step_error;
pub(crate) use watching::Watching;

/// Every job kind that this program knows. The parts are of one data directory.
pub fn registry(
    commands: &command::Commands,
    previews: &Previews,
    builds: &build::Builds,
) -> clonedeck_queue::Registry {
    let registry = clonedeck_queue::Registry::new()
        .with(clone::CloneSite { previews: previews.clone(), secrets: Secrets::of(previews.data_dir()) })
        .with(command::CommandJob { commands: commands.clone() })
        .with(command::WorkflowJob { commands: commands.clone() })
        .with(build::BuildJob { builds: builds.clone() });
    measured(registry)
}

/// Adds what only measurements need.
#[cfg(feature = "busy")]
fn measured(registry: clonedeck_queue::Registry) -> clonedeck_queue::Registry {
    registry.with(busy::Busy)
}

#[cfg(not(feature = "busy"))]
fn measured(registry: clonedeck_queue::Registry) -> clonedeck_queue::Registry {
    registry
}

/// A thread of ours that ended without an answer.
pub fn lost_thread(why: tokio::task::JoinError) -> clonedeck_site::Problem {
    clonedeck_site::Problem::permanent("program.fault", format!("A part of the program failed: {why}."))
        .help("This is a fault of Clonedeck; its log in the data directory says more.")
}
