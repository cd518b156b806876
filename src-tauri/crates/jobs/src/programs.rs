//! The programs that jobs run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clonedeck_queue::{Ctx, JobId, Step, StopReason};
use clonedeck_site::Result;
use clonedeck_site::process::{Keeper, Limits, Listener, Output, Program, Records, Running, Silent};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

/// How much a program of a job may take, where somebody has said so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bounds {
    /// Active seconds until it is ended.
    pub deadline_seconds: Option<u64>,
    /// Seconds of silence after which an alarm is given.
    pub stall_seconds: Option<u64>,
    /// Bytes of memory, all its processes together; over it, it is ended.
    pub memory: Option<u64>,
    /// Processors' worth of time, such as 0.5; over it, it is slowed down.
    pub cpu: Option<f64>,
}

impl Bounds {
    /// These, and `others` where these say nothing.
    pub fn or(self, others: Self) -> Self {
        Self {
            deadline_seconds: self.deadline_seconds.or(others.deadline_seconds),
            stall_seconds: self.stall_seconds.or(others.stall_seconds),
            memory: self.memory.or(others.memory),
            cpu: self.cpu.or(others.cpu),
        }
    }

    /// What the limit of processors is of all that the machine has.
    pub(crate) fn percent_of_machine(self) -> Option<u32> {
        let all = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.cpu.map(|processors| (processors / all as f64 * 100.0).ceil() as u32)
    }

    fn limits(self) -> Limits {
        Limits {
            memory: self.memory,
            cpu: self.cpu,
            deadline: self.deadline_seconds.map(Duration::from_secs),
            stall: self.stall_seconds.map(Duration::from_secs),
            ..Limits::default()
        }
    }
}

/// What is said of a program that has been silent for so long.
pub(crate) fn stalled(silent: Duration) -> String {
    let long = match silent.as_secs() {
        seconds @ 0..120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds / 60),
    };
    format!("It has been silent for {long}; it may be stuck.")
}

/// The programs that the jobs of one data directory run: their records, and those that are held while their job is paused. Clones are
/// the same.
#[derive(Debug, Clone)]
pub struct Programs {
    data_dir: PathBuf,
    held: Arc<Mutex<HashMap<(JobId, String), Running>>>,
    swept: Arc<OnceCell<()>>,
}

impl Programs {
    /// Those of a data directory. Reads and starts nothing.
    pub fn of(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), held: Arc::default(), swept: Arc::default() }
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Ends the programs that a start of Clonedeck which is gone left running; once in the life of this value. Only the process that
    /// runs the queue calls it, when it begins; no program is started before.
    pub async fn sweep(&self) -> Result<()> {
        let sweep = async || {
            let (ended, _) = self.records()?.sweep(Limits::default().grace).await?;
            if ended > 0 {
                tracing::info!(ended, "ended programs that an earlier start left running");
            }
            Ok(())
        };
        self.swept.get_or_try_init(sweep).await.copied()
    }

    /// Ends the programs that are held for paused jobs. For the end of the program; the jobs go on at a later start.
    pub async fn end(&self) {
        let held = std::mem::take(&mut *self.held());
        let end = async |mut running: Running| {
            running.end(&Silent).await;
        };
        futures::future::join_all(held.into_values().map(end)).await;
    }

    /// Starts a program for a step, within the bounds of its job, and `usual` where that has none.
    pub(crate) async fn start<S: Step>(
        &self,
        ctx: &Ctx<S>,
        program: Program,
        bounds: Bounds,
        usual: Bounds,
    ) -> Result<Running> {
        self.sweep().await?;
        let limits = bounds.or(usual).limits();
        let mut program = program.limits(limits).note(ctx.job_id().to_string());
        ctx.log(clonedeck_queue::Level::Info, format!("$ {}", program.shown()));
        if limits.memory.is_some() || limits.cpu.is_some() {
            let keeper = Keeper::of_this_machine().await;
            let who = if keeper.is_kernel() { "the kernel (systemd)" } else { "Clonedeck, by measuring" };
            ctx.log(clonedeck_queue::Level::Info, format!("Its limits are kept by {who}."));
            program = program.kept_by(keeper);
        }
        program.start(Output::Lines, Some(&self.records()?))
    }

    /// Whether a program of this step is held.
    pub(crate) fn holds<S: Step>(&self, ctx: &Ctx<S>) -> bool {
        self.held().contains_key(&(ctx.job_id(), ctx.step_name().to_owned()))
    }

    /// The program of this step that is held since its job was paused.
    pub(crate) fn take_held<S: Step>(&self, ctx: &Ctx<S>) -> Option<Running> {
        self.held().remove(&(ctx.job_id(), ctx.step_name().to_owned()))
    }

    /// What becomes of a program whose step has to stop: a pause holds it where it stands, anything else ends it.
    pub(crate) async fn give_way<S: Step>(
        &self,
        ctx: &Ctx<S>,
        mut running: Running,
        listener: &dyn Listener,
    ) {
        if ctx.stop_reason() == Some(StopReason::Pause) {
            running.hold();
            self.held().insert((ctx.job_id(), ctx.step_name().to_owned()), running);
        } else if !running.end(listener).await.is_gone {
            ctx.log(
                clonedeck_queue::Level::Warn,
                "It was asked to end, and then forced to, but something of it is still there.",
            );
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<(JobId, String), Running>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn records(&self) -> Result<Records> {
        Records::open(self.data_dir.join("processes").join("jobs"))
    }
}
