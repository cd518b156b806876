//! The queue as any process sees it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clonedeck_store::rusqlite::Connection;
use clonedeck_store::{Holder, Migrations, RunnerLock, Store};
use uuid::Uuid;

use crate::attempt::Attempt;
use crate::bell::Bell;
use crate::trouble::Refused;
use crate::vault::{self, FileVault, Vault};
use crate::{Clock, JobId, Load, Meter, Registry, Result, SystemClock, SystemMeter};

/// Marks a database as a Clonedeck queue.
const APPLICATION: i32 = 0x434C_4451;
const MIGRATIONS: Migrations =
    Migrations::new(APPLICATION, &[include_str!("sql/001.sql"), include_str!("sql/002.sql")]);
/// The database's name in the data directory.
pub const DATABASE: &str = "clonedeck.db";

/// How a queue is opened. The defaults are those of the program.
#[derive(Clone)]
pub struct Options {
    /// What this program calls itself when it runs the queue; other programs show it.
    pub holder: String,
    /// Jobs at a time; by default the number of processors, at most 4. From 1 to 64.
    pub slots: usize,
    /// A step sets out [ahead of its line](crate::Line::ahead) while fewer steps than this are at work, those of all jobs; by default
    /// the number of processors. 0: none ever does.
    pub steps_at_once: usize,
    /// No more jobs are started while the processors are busier than this, in percent; 100 or more: no limit.
    pub cpu_limit: f32,
    /// Bytes of memory that the running jobs together may need; `None`: what is left of 90 % of the machine.
    pub memory_budget: Option<u64>,
    /// Bytes of log kept for each job.
    pub log_limit: u64,
    /// Bytes kept back on the disk for the moment when it is full.
    pub ballast: u64,
    /// How long finished jobs are kept.
    pub keep_for: Duration,
    /// How many finished jobs are kept.
    pub keep_jobs: usize,
    /// How often the runner looks for what other processes did; they also wake it.
    pub poll: Duration,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where measurements come from.
    pub meter: Arc<dyn Meter>,
    /// Where secret results are kept; `None`: in files of the data directory.
    pub vault: Option<Arc<dyn Vault>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            holder: "clonedeck".into(),
            slots: std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(4),
            steps_at_once: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            cpu_limit: 80.0,
            memory_budget: None,
            log_limit: 64 << 20,
            ballast: 4 << 20,
            keep_for: Duration::from_hours(90 * 24),
            keep_jobs: 10_000,
            poll: Duration::from_millis(50),
            clock: Arc::new(SystemClock::new()),
            meter: Arc::new(SystemMeter::new()),
            vault: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("holder", &self.holder)
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}

/// What the parts of an open queue share.
pub(crate) struct Shared {
    pub store: Store,
    pub dir: PathBuf,
    pub registry: Registry,
    pub options: Options,
    pub clock: Arc<dyn Clock>,
    pub bell: Bell,
    pub vault: Arc<dyn Vault>,
    pub slots: AtomicUsize,
    pub refused: Refused,
    /// This start of the program.
    pub start: Uuid,
    live: Mutex<HashMap<i64, Arc<Attempt>>>,
    /// When it was last looked whether some process runs the queue, and what was seen.
    looked: Mutex<Option<(Instant, bool)>>,
}

impl Shared {
    /// Whether some process runs the queue; looked up at most twenty times a second.
    pub fn is_run(&self) -> bool {
        const FRESH: Duration = Duration::from_millis(50);
        if self.bell.runs_here() {
            return true;
        }
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        match *looked {
            Some((at, seen)) if at.elapsed() < FRESH => seen,
            _ => {
                let seen = RunnerLock::current(&self.dir).is_some();
                *looked = Some((Instant::now(), seen));
                seen
            }
        }
    }

    pub fn now_ms(&self) -> i64 {
        self.clock.wall().as_millisecond()
    }

    pub fn log_dir(&self, job: JobId) -> PathBuf {
        self.dir.join("logs").join(job.to_string())
    }

    pub fn job_dir(&self, job: JobId) -> PathBuf {
        self.dir.join("jobs").join(job.to_string())
    }

    /// The attempts at work in this process.
    pub fn live(&self) -> MutexGuard<'_, HashMap<i64, Arc<Attempt>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A queue in a data directory.
///
/// Any number of processes may open the same one to add, look and steer; one of them [runs](Queue::run) it. Clones share
/// the connection.
#[derive(Clone)]
pub struct Queue {
    pub(crate) shared: Arc<Shared>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("dir", &self.shared.dir).finish_non_exhaustive()
    }
}

impl Queue {
    /// Opens the queue in `data_dir`, which is made when it is not there.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when the folder cannot be used, or the database is damaged or newer than this program.
    pub fn open(data_dir: impl AsRef<Path>, registry: Registry, options: Options) -> Result<Self> {
        let dir = data_dir.as_ref().to_owned();
        let store = Store::open(&dir, DATABASE, &MIGRATIONS)?;
        let slots = options.slots.clamp(1, 64);
        let vault = options.vault.clone().unwrap_or_else(|| Arc::new(FileVault::of(&dir)));
        Ok(Self {
            shared: Arc::new(Shared {
                store,
                bell: Bell::new(&dir),
                vault,
                dir,
                registry,
                clock: Arc::clone(&options.clock),
                options,
                slots: AtomicUsize::new(slots),
                refused: Refused::default(),
                start: Uuid::now_v7(),
                live: Mutex::new(HashMap::new()),
                looked: Mutex::new(None),
            }),
        })
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.shared.dir
    }

    /// Which process runs the queue now, or `None` when none does.
    pub fn runner(&self) -> Option<Holder> {
        let mut current = RunnerLock::current(&self.shared.dir)?;
        if self.shared.bell.runs_here() {
            // On a full disk the lock could not be signed.
            current.pid = std::process::id();
            current.name.clone_from(&self.shared.options.holder);
        }
        Some(current)
    }

    /// Sets how many jobs this process runs at a time, from 1 to 64; takes hold with the next start.
    pub fn set_slots(&self, slots: usize) {
        self.shared.slots.store(slots.clamp(1, 64), Ordering::Relaxed);
        self.shared.bell.ring();
    }

    /// How many jobs this process runs at a time.
    pub fn slots(&self) -> usize {
        self.shared.slots.load(Ordering::Relaxed)
    }

    /// How loaded the machine is now. The load of the processors is that since the last call.
    pub async fn load(&self) -> Result<Load> {
        let meter = Arc::clone(&self.shared.options.meter);
        blocking(move || Ok(meter.load())).await
    }

    /// The secret part of a job's result, such as a password.
    pub async fn secret_result(&self, id: JobId) -> Result<Option<serde_json::Value>> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            vault::secret_result(&*shared.vault, id)
                .map_err(|error| crate::Error::file(&vault::folder(&shared.dir), &error))
        })
        .await
    }

    /// Closes the database once what was handed in is written; later calls answer that it is closed.
    pub async fn close(&self) {
        let shared = Arc::clone(&self.shared);
        let _ = blocking(move || {
            shared.store.close();
            Ok(())
        })
        .await;
    }

    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let store = self.shared.store.clone();
        blocking(move || store.read(work)).await
    }
}

/// Runs what waits for the disk where it holds up nobody.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(_) => Err(crate::Error::Store(clonedeck_store::StoreError::Closed)),
    }
}
