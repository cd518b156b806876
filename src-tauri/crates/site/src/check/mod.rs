//! Checks of a copy that runs: its pages answer, without an error of PHP and without the old address, and the new login logs in.

mod client;
mod pages;

pub use client::{Answer, Client};
pub use pages::{Page, Pages, Plan, sample_post};
