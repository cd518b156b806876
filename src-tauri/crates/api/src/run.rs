//! Running the queue in this program.

use std::time::Duration;

use clonedeck_jobs::Programs;
use clonedeck_queue::Error;

use crate::Clonedeck;
use crate::convert;
use crate::wire::Problem;

/// How long a stop waits for steps to come to a safe point before they are cut off; they go on from their checkpoint either way.
/// A program that is asked to end has ten seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// The right to run the queue, while it is held.
pub struct Runner {
    queue: clonedeck_queue::Runner,
    programs: Programs,
}

impl Runner {
    /// Waits until nothing runs and nothing can be started without a person or the time of day.
    pub async fn idle(&mut self) {
        self.queue.until_idle().await;
    }

    /// Stops in good order; every job goes on at the next start.
    pub async fn stop(self) {
        if !self.queue.stop(PATIENCE).await {
            tracing::warn!(
                "a step did not come to a safe point in time; it goes on from its last checkpoint at the next start"
            );
        }
        self.programs.end().await;
    }
}

/// How long the lock of a program that was killed may outlive it: what it had just started holds it until it begins.
const AFTERLIFE: Duration = Duration::from_secs(5);

impl Clonedeck {
    /// Runs the queue here, with `slots` jobs at a time where that is given.
    ///
    /// # Errors
    /// `queue.held` with name and pid of the program that runs it.
    pub async fn work(&self, slots: Option<u32>) -> Result<Runner, Problem> {
        if let Some(slots) = slots {
            self.queue.set_slots(slots as usize);
        }
        let queue = self.take_over().await.map_err(convert::queue_problem)?;
        Ok(self.begin(queue).await)
    }

    /// Runs the queue here unless another program does.
    pub async fn work_if_nobody_does(&self) -> Result<Option<Runner>, Problem> {
        match self.take_over().await {
            Ok(queue) => Ok(Some(self.begin(queue).await)),
            Err(Error::Store(clonedeck_queue::StoreError::Held { .. })) => Ok(None),
            Err(why) => Err(convert::queue_problem(why)),
        }
    }

    /// Ends what an earlier start left running. Jobs wait for it before they start programs.
    async fn begin(&self, queue: clonedeck_queue::Runner) -> Runner {
        for swept in [self.programs.sweep().await, self.previews.sweep().await] {
            if let Err(problem) = swept {
                tracing::warn!(%problem, "what an earlier start left running could not be looked through");
            }
        }
        Runner { queue, programs: self.programs.clone() }
    }

    async fn take_over(&self) -> clonedeck_queue::Result<clonedeck_queue::Runner> {
        let since = tokio::time::Instant::now();
        loop {
            match self.queue.run().await {
                Err(Error::Store(clonedeck_queue::StoreError::Held { .. }))
                    if since.elapsed() < AFTERLIFE
                        && self
                            .queue
                            .runner()
                            .is_some_and(|holder| holder.pid != 0 && is_gone(holder.pid)) =>
                {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                answer => return answer,
            }
        }
    }
}

/// Whether no process has this id, or only one that has ended and was not yet taken note of.
fn is_gone(pid: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')),
        Err(_) => std::path::Path::new("/proc/self").exists(),
    }
}
