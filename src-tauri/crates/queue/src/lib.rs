//! A durable queue of jobs made of steps, on one SQLite file.
//!
//! A program adds a **job**: a typed order of some **kind**. It is on the disk before its id is known. A job runs as a
//! **line of steps**. Each step is idempotent and has a typed **cursor**, where it stands inside itself, and a typed
//! **output**, the only thing it hands to later steps. A step that completed never runs again; a step that was cut off, by a
//! crash, a power cut or a pause, runs again from its last durable cursor.
//!
//! # A job with a cursor
//!
//! ```
//! use clonedeck_queue::{AddOptions, Ctx, Done, Job, Level, Line, Options, Queue, Registry, State, Step, StepError};
//! use serde::{Deserialize, Serialize};
//!
//! /// A kind of job. The value may hold what its steps share, such as a pool of connections.
//! struct CountWords;
//!
//! /// The order: stored as JSON in the open, never changed.
//! #[derive(Serialize, Deserialize)]
//! struct Texts {
//!     texts: Vec<String>,
//! }
//!
//! impl Job for CountWords {
//!     const KIND: &'static str = "count-words";
//!     type Spec = Texts;
//!     fn title(&self, spec: &Texts) -> String {
//!         format!("Count the words of {} texts", spec.texts.len())
//!     }
//!     fn steps(&self, line: &mut Line<Self>) {
//!         line.step(Count).step(Report);
//!     }
//! }
//!
//! struct Count;
//!
//! /// Where the step stands: after a crash it goes on with text number `next`.
//! #[derive(Clone, Default, Serialize, Deserialize)]
//! struct Place {
//!     next: usize,
//!     words: usize,
//! }
//!
//! impl Step for Count {
//!     type Job = CountWords;
//!     type Cursor = Place;
//!     type Output = usize;
//!     const NAME: &'static str = "count";
//!     const TITLE: &'static str = "Count";
//!     async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<usize>, StepError> {
//!         let mut place = ctx.cursor().clone();
//!         ctx.unit("texts");
//!         while let Some(text) = ctx.spec().texts.get(place.next) {
//!             place.words += text.split_whitespace().count();
//!             place.next += 1;
//!             ctx.progress(place.next as u64, ctx.spec().texts.len() as u64);
//!             ctx.log(Level::Info, format!("{} words so far", place.words));
//!             // Durable when it returns. Pause, cancel and the stop of the program take hold here.
//!             ctx.checkpoint(&place).await?;
//!         }
//!         Ok(Done::Completed(place.words))
//!     }
//! }
//!
//! struct Report;
//!
//! impl Step for Report {
//!     type Job = CountWords;
//!     type Cursor = ();
//!     type Output = ();
//!     const NAME: &'static str = "report";
//!     const TITLE: &'static str = "Report";
//!     async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
//!         let words = ctx.output_of::<Count>()?;
//!         ctx.set_result(serde_json::json!({ "words": words }))?;
//!         Ok(Done::Completed(()))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let registry = Registry::new().with(CountWords);
//! let queue = Queue::open(dir.path(), registry, Options::default())?;
//!
//! let order = Texts { texts: vec!["to be or".into(), "not to be".into()] };
//! let id = queue.add::<CountWords>(&order, AddOptions::default()).await?; // on the disk
//!
//! let mut runner = queue.run().await?; // one process runs jobs, any process may add
//! runner.until_idle().await;
//!
//! let job = queue.job(id).await?;
//! assert_eq!(job.state, State::Completed);
//! assert_eq!(job.result.unwrap()["words"], 6);
//! # runner.stop(std::time::Duration::from_secs(5)).await;
//! # Ok(())
//! # }
//! ```
//!
//! Steps end with [`Done::Completed`], [`Done::Skipped`] or a [`StepError`], whose [`Class`] says what follows: another try
//! after a pause, the end, or waiting for a person. [`Step::undo`] takes back what a step did; see [`Policy`] and
//! [`OnFailure`] for when.
#![warn(missing_docs)]

mod add;
mod admission;
mod advance;
mod attempt;
mod batch;
mod bell;
mod claim;
mod clock;
mod ctx;
mod due;
mod error;
mod eta;
mod event;
mod failure;
mod finish;
mod id;
mod job;
mod line;
mod list;
pub mod log;
mod logs;
mod meter;
mod progress;
mod queue;
pub mod rank;
mod rescue;
mod retention;
mod runner;
mod schedule;
mod secret;
mod standing;
mod state;
mod steer;
mod step;
mod subscribe;
mod turn;
mod view;
mod wait;

pub use add::AddOptions;
pub use batch::{Batch, BatchView};
pub use clock::{Clock, ManualClock, SystemClock};
pub use clonedeck_store::{Holder, StoreError};
pub use ctx::{Ctx, Handle};
pub use error::{Error, Result};
pub use eta::Eta;
pub use event::Happening;
pub use failure::{Class, FailureView, StepError};
pub use id::{BatchId, JobId};
pub use job::{Job, Needs, OnFailure, Policy};
pub use line::{Line, Registry};
pub use list::{Counts, Filter, Page};
pub use log::{Level, LogLine, LogPage};
pub use logs::LogTail;
pub use meter::{Disk, Load, Meter, SystemMeter};
pub use progress::Progress;
pub use queue::{DATABASE, Options, Queue};
pub use runner::Runner;
pub use schedule::ScheduleView;
pub use state::{Event, Illegal, Intent, Position, State, next};
pub use step::{Done, Step, Undone};
pub use subscribe::{JobProgress, News, Snapshot, Subscription};
pub use view::{JobView, StepState, StepView};
pub use wait::WaitingFor;

/// The statements whose speed depends on an index, for the test that looks at their plans.
#[doc(hidden)]
pub mod plans {
    pub const CANDIDATES: &str = crate::claim::CANDIDATES;
    pub const EARLIEST: &str = crate::due::EARLIEST;
}
