//! Builds of front-end projects, and servers that show them.
//!
//! A build takes a folder as it is, or unpacks an archive that it does not trust ([`unpack`]); finds out what the project is
//! ([`Project`]); installs its packages, checks its types, builds it if asked, and starts a preview that is ready when it answers.
//! What a step makes is kept in the [`Cache`] under a key of everything that it depends on, so that the same work is done once.
//! Previews outlive their job, among [`Previews`](crate::Previews).

mod cache;
mod detect;
mod estimate;
mod job;
mod key;
mod service;
mod shelf;
mod showing;
mod steps;
mod tool;
mod tree;
mod unpack;

pub use cache::{Cache, CacheUse};
pub use detect::{Framework, Manager, Project};
pub use job::{BuildJob, BuildOrder};
pub use key::Key;
pub use shelf::Builds;
pub use steps::FROM_CACHE;
pub use tool::USUAL;
pub use unpack::{Allowance, Unpacked, is_archive, unpack};
