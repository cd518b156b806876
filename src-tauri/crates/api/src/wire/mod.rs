//! Every type that crosses the border to the window or to a script: plain data, serialized as JSON, exported as TypeScript into
//! `ui/src/backend/wire` (the folder is committed; a test notices drift). Times are RFC 3339 in UTC, sizes are bytes, progress is
//! 0–100.

mod build;
mod command;
mod job;
mod limits;
mod log;
mod problem;
mod queue;
mod settings;
mod site;

pub use build::*;
pub use command::*;
pub use job::*;
pub use limits::*;
pub use log::*;
pub use problem::*;
pub use queue::*;
pub use settings::*;
pub use site::*;
