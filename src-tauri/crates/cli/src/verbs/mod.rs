//! One file for each verb: its words, and what it does with them.

pub mod build;
pub mod cache;
pub mod clone;
pub mod copies;
pub mod demo;
pub mod doctor;
pub mod inspect;
pub mod jobs;
pub mod limits;
pub mod logs;
pub mod previews;
pub mod receipt;
pub mod rewrite;
pub mod run;
pub mod show;
pub mod source;
pub mod steer;
pub mod watch;
pub mod work;
