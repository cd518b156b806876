//! The one process that runs jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clonedeck_store::{RunnerLock, StoreError};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::claim::Claimant;
use crate::queue::Shared;
use crate::rescue;
use crate::turn::Turns;
use crate::{Error, Policy, Queue, Result};

/// What the handle and the task of a runner share.
pub(crate) struct Control {
    pub stop: AtomicBool,
    pub kill: AtomicBool,
    pub changed: Notify,
    /// The number of the ring after which the runner came to rest; `None` while it works.
    pub idle: watch::Sender<Option<u64>>,
}

/// The right to run jobs, and the task that does. Dropping it stops without waiting for safe points; call
/// [`stop`](Self::stop) to end in good order.
#[must_use = "dropping the runner stops it"]
pub struct Runner {
    control: Arc<Control>,
    idle: watch::Receiver<Option<u64>>,
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

impl Queue {
    /// Takes the runner lock, takes over what a program that is gone left running, and runs jobs from now on.
    ///
    /// # Errors
    /// [`StoreError::Held`](clonedeck_store::StoreError::Held) when another process runs the queue.
    pub async fn run(&self) -> Result<Runner> {
        let shared = Arc::clone(&self.shared);
        let lock = RunnerLock::acquire(&shared.dir, &shared.options.holder)
            .map_err(Error::from)
            .inspect_err(|error| match error {
                // Whoever runs it knows what is wrong with the disk now.
                Error::Store(StoreError::Held { .. }) => shared.refused.set(None),
                other => shared.refused.note(other),
            })?;
        let who = Claimant { owner: shared.start, boot: boot_id() };
        let now = shared.now_ms();
        let (registry, claimant) = (shared.registry.clone(), who.clone());
        let longest = longest_backoff(&shared.registry);
        let rescued = shared
            .store
            .write(move |db| {
                rescue::adopt_timers(db, now, longest)?;
                rescue::rescue(db, now, &registry, &claimant)
            })
            .await
            .inspect_err(|error| shared.refused.note(error))?;
        shared.refused.set(None);
        if rescued > 0 {
            tracing::info!(jobs = rescued, "took over jobs that were left running");
        }
        let (sender, idle) = watch::channel(None);
        let control = Arc::new(Control {
            stop: AtomicBool::new(false),
            kill: AtomicBool::new(false),
            changed: Notify::new(),
            idle: sender,
        });
        let turns = Turns::new(Arc::clone(&shared), who, Arc::clone(&control), lock);
        Ok(Runner { control, idle, shared, task: Some(tokio::spawn(turns.run())) })
    }
}

impl Runner {
    /// Waits until nothing runs and nothing can be started without a person or the time of day.
    pub async fn until_idle(&mut self) {
        // What this process has added before counts, even when the runner has not seen it yet.
        let now = self.shared.bell.rings();
        let _ = self.idle.wait_for(|idle| idle.is_some_and(|seen| seen >= now)).await;
    }

    /// Ends in good order: starts nothing more and waits up to `limit` for the running steps to reach safe points; what
    /// has not by then is cut off. Either way the jobs go on at the next start and it costs them no try. Answers whether
    /// all of them reached a safe point.
    pub async fn stop(mut self, limit: Duration) -> bool {
        self.control.stop.store(true, Ordering::Release);
        self.control.changed.notify_one();
        let Some(mut task) = self.task.take() else { return true };
        if tokio::time::timeout(limit, &mut task).await.is_ok() {
            return true;
        }
        self.control.kill.store(true, Ordering::Release);
        self.control.changed.notify_one();
        let _ = task.await;
        false
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.control.stop.store(true, Ordering::Release);
        self.control.kill.store(true, Ordering::Release);
        self.control.changed.notify_one();
    }
}

fn longest_backoff(registry: &crate::Registry) -> i64 {
    let kinds = registry.kinds();
    let policies = kinds.iter().filter_map(|kind| registry.get(kind)).map(|kind| kind.policy.max_backoff);
    crate::clock::millis(policies.max().unwrap_or(Policy::default().max_backoff))
}

/// Tells starts of the machine apart.
fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map_or_else(
        |_| sysinfo::System::boot_time().map_or_else(|_| String::new(), |seconds| seconds.to_string()),
        |text| text.trim().to_owned(),
    )
}
