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
//! # How a step ends
//!
//! With [`Done::Completed`], with [`Done::Skipped`], or with a [`StepError`], whose [`Class`] says what follows:
//!
//! | class | what follows |
//! |---|---|
//! | [`Transient`](Class::Transient) | the step is tried again from its cursor, after a pause that grows, as often as the [`Policy`] says |
//! | [`Permanent`](Class::Permanent) | the job fails |
//! | [`NeedsPerson`](Class::NeedsPerson) | the job waits until somebody resumes it; it costs no try |
//!
//! A full disk ([`StepError::disk_full`]) waits for room and goes on by itself. So does a job whose step fails while the
//! data directory is gone or cannot be written ([`Queue::trouble`]); nothing is started until it is put right. A step that panics
//! fails its job and nothing else. When the program dies, the next start puts the job back in line at once; after three such ends
//! ([`Policy::crashes`]) the job is set aside instead. Pause, cancel and the stop of the program are no errors: they take
//! hold where the step calls [`Ctx::checkpoint`] or [`Ctx::safe_point`].
//!
//! # Ahead of the line
//!
//! Steps run one after another. A step that stands on an earlier one alone can say so ([`Line::ahead`]): it may then work beside the
//! steps between, where there is a processor to spare ([`Options::steps_at_once`]). That saves time and decides nothing: an error
//! there counts for nothing and the step runs again in its turn; pause, cancel and the stop of the program wait for its safe point
//! too; nothing behind it begins before the line has come to it.
//!
//! # An undo
//!
//! [`Step::undo`] takes back what a step did. The undos run backwards through the line after a cancel, and after a
//! failure unless the kind says [`OnFailure::Keep`]. They also run before a job that is tried again from its first step
//! ([`Queue::retry_from_start`]) begins anew. An undo looks at the world, not at its memory: it can be cut off and
//! run again, and the step it takes back may have been cut off too.
//!
//! ```
//! use clonedeck_queue::{AddOptions, Ctx, Done, Job, Line, Options, Queue, Registry, State, Step, StepError, Undone};
//! # use std::path::PathBuf;
//!
//! struct Copy;
//! # impl Job for Copy {
//! #     const KIND: &'static str = "copy";
//! #     type Spec = PathBuf;
//! #     fn title(&self, target: &PathBuf) -> String { format!("Copy to {}", target.display()) }
//! #     fn steps(&self, line: &mut Line<Self>) { line.step(MakeFolder).step(FillFolder); }
//! # }
//! struct MakeFolder;
//!
//! impl Step for MakeFolder {
//!     type Job = Copy;
//!     type Cursor = ();
//!     type Output = ();
//!     const NAME: &'static str = "make-folder";
//!     const TITLE: &'static str = "Make the folder";
//!     async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
//!         let target = ctx.spec();
//!         std::fs::create_dir_all(target).map_err(|error| StepError::io(&error, target))?;
//!         Ok(Done::Completed(()))
//!     }
//!     async fn undo(&self, ctx: &mut Ctx<Self>) -> Result<Undone, StepError> {
//!         match std::fs::remove_dir_all(ctx.spec()) {
//!             Ok(()) => Ok(Undone::Reverted),
//!             Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Undone::Nothing),
//!             Err(error) => Err(StepError::io(&error, ctx.spec())),
//!         }
//!     }
//! }
//!
//! struct FillFolder; // fails, always
//! # impl Step for FillFolder {
//! #     type Job = Copy;
//! #     type Cursor = ();
//! #     type Output = ();
//! #     const NAME: &'static str = "fill-folder";
//! #     const TITLE: &'static str = "Fill the folder";
//! #     async fn run(&self, _: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
//! #         Err(StepError::permanent("source-gone", "The source is gone."))
//! #     }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let queue = Queue::open(dir.path(), Registry::new().with(Copy), Options::default())?;
//! let target = dir.path().join("copy");
//! let id = queue.add::<Copy>(&target, AddOptions::default()).await?;
//! let mut runner = queue.run().await?;
//! runner.until_idle().await;
//! assert_eq!(queue.job(id).await?.state, State::Failed);
//! assert!(!target.exists()); // nothing is left behind
//! # Ok(())
//! # }
//! ```
//!
//! # A batch
//!
//! ```
//! use clonedeck_queue::{AddOptions, Batch, Filter};
//! # use clonedeck_queue::{Ctx, Done, Job, Line, Options, Queue, Registry, Step, StepError};
//! # struct Greet;
//! # impl Job for Greet {
//! #     const KIND: &'static str = "greet";
//! #     type Spec = String;
//! #     fn title(&self, name: &String) -> String { format!("Greet {name}") }
//! #     fn steps(&self, line: &mut Line<Self>) { line.step(Say); }
//! # }
//! # struct Say;
//! # impl Step for Say {
//! #     type Job = Greet;
//! #     type Cursor = ();
//! #     type Output = ();
//! #     const NAME: &'static str = "say";
//! #     const TITLE: &'static str = "Say";
//! #     async fn run(&self, _: &mut Ctx<Self>) -> Result<Done<()>, StepError> { Ok(Done::Completed(())) }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let queue = Queue::open(dir.path(), Registry::new().with(Greet), Options::default())?;
//! let options = AddOptions::default;
//! let batch = Batch::new("Greet the house")
//!     .job::<Greet>("Ada".into(), options())
//!     .job::<Greet>("Grace".into(), options())
//!     .then::<Greet>("everybody".into(), options()) // once, when all have completed
//!     .catch::<Greet>("the doctor".into(), options()); // once, when one has failed
//! let (id, _children) = queue.add_batch(batch).await?; // all of them or none
//!
//! let mut runner = queue.run().await?;
//! runner.until_idle().await;
//! let batch = queue.batch(id).await?;
//! assert_eq!((batch.completed, batch.total), (2, 2));
//! let newest = queue.list(Filter::default()).await?.jobs.remove(0);
//! assert_eq!(newest.title, "Greet everybody");
//! # Ok(())
//! # }
//! ```
//!
//! # A schedule
//!
//! [`Queue::schedule`] adds a job by the clock on the wall, such as every night at half past three in Berlin; see there
//! for a runnable example.
//!
//! # Who runs, who looks
//!
//! Any number of processes may open the same data directory with [`Queue::open`]: to add, to look ([`Queue::job`],
//! [`Queue::list`], [`Queue::subscribe`], [`Queue::log_page`]) and to steer ([`Queue::pause`], [`Queue::cancel`],
//! [`Queue::retry`]…). One of them holds the runner lock and runs jobs ([`Queue::run`]); orders of the others reach it at
//! once. The lock goes with the process, so there is nothing to time out: whoever gets it knows that every job still
//! marked as running was abandoned. Should two programs ever believe that they run the same job, the epoch of
//! its claim decides: each claim raises it, and what an attempt writes counts only in its own.
//!
//! # When a job starts
//!
//! In the order of [`rank`], which ages by construction, as soon as what the job [`Needs`] is there: a slot, memory, a
//! processor that is not too busy, room on its disks, its exclusive keys, a place in its groups. A job that does not fit is
//! passed over, and the first of those gets a reservation. [`JobView::waiting_for`] always says why a job is not running.
//!
//! # Time
//!
//! Backoff, deadlines and estimates count active time, which stands still while the machine sleeps; schedules and
//! [`AddOptions::at`] follow the clock on the wall. Tests bring a [`ManualClock`].
//!
//! # What is where
//!
//! `clonedeck.db` is the record; `logs/<job>/` the [logs](log); `jobs/<job>/` what steps keep beside
//! ([`Ctx::job_dir`]); `secrets/` secret results, readable by their user only, unless [`Options::vault`] says of a better place; `backups/` whole copies of the
//! database; `ballast` room kept back for the moment when the disk is full.
#![warn(missing_docs)]

mod add;
mod admission;
mod advance;
mod ahead;
mod attempt;
mod batch;
mod bell;
mod claim;
mod clock;
mod ctx;
mod drive;
mod due;
mod error;
mod eta;
mod event;
mod failure;
mod finish;
mod id;
mod job;
mod kept;
mod lease;
mod let_go;
mod line;
mod list;
pub mod log;
mod logs;
mod meanwhile;
mod meter;
mod pace;
mod progress;
mod queue;
pub mod rank;
mod rescue;
mod retention;
mod runner;
mod schedule;
mod stage;
mod standing;
mod state;
mod steer;
mod step;
mod stop;
mod subscribe;
mod trouble;
mod turn;
mod vault;
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
pub use kept::Kept;
pub use lease::{Lease, Leases};
pub use line::{Line, Registry};
pub use list::{Counts, Filter, Page};
pub use log::{Level, LogLine, LogPage};
pub use logs::LogTail;
pub use meanwhile::Milestone;
pub use meter::{Disk, Load, Meter, SystemMeter};
pub use pace::Pace;
pub use progress::Progress;
pub use queue::{DATABASE, Options, Queue};
pub use runner::Runner;
pub use schedule::ScheduleView;
pub use state::{Event, Illegal, Intent, Position, State, next};
pub use step::{Done, Step, Undone};
pub use stop::StopReason;
pub use subscribe::{JobProgress, News, Snapshot, Subscription};
pub use trouble::Trouble;
pub use vault::{FileVault, Vault, secret_result};
pub use view::{JobView, StepState, StepView};
pub use wait::WaitingFor;

/// The statements whose speed depends on an index, for the test that looks at their plans.
#[doc(hidden)]
pub mod plans {
    pub const CANDIDATES: &str = crate::claim::CANDIDATES;
    pub const EARLIEST: &str = crate::due::EARLIEST;
}
