//! What a web site is, and everything a clone does to one.
//!
//! A [`platforms::Platform`] recognises a folder as a [`platforms::Site`]: which folders are core, modules, themes and media, where
//! its configuration and its database are, at which addresses it answers. [`files`] indexes, copies and compares trees; [`databases`]
//! copies, rewrites and compares databases. The crate knows no queue: a long piece of work reports through a [`Watch`] and asks it
//! where pause and cancel may take hold. Everything that goes wrong is a [`Problem`] with a sentence for people.

#![warn(missing_docs)]

pub mod check;
pub mod databases;
pub mod defaults;
pub mod demo;
pub mod doctor;
pub mod fence;
pub mod files;
pub mod keychain;
pub mod neutral;
pub mod php;
pub mod platforms;
pub mod preview;
pub mod process;
pub mod words;

mod part;
mod problem;
mod secret;
mod watch;

pub use part::Part;
pub use problem::{Class, Problem, Result};
pub use secret::Secret;
pub use watch::{Level, Stopped, Unit, Unwatched, Watch};
