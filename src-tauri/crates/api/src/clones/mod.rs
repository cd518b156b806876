//! Launching clones: what is there, what would be done, and the launch itself.

mod launch;
mod look;
mod plan;
mod request;
mod sites;

pub use request::Given;
