//! Checks of a copy. Of one that runs: its pages answer, without an error of PHP and without the old address, and the new login logs
//! in. Of its database: what parses in the source parses in the copy.

mod client;
mod pages;
mod tls;
mod values;

pub use client::{Answer, Client};
pub use pages::{Page, Pages, Plan, sample_post};
pub use values::{Values, values};
