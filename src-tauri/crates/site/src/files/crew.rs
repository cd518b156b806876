//! Threads that work through a tree while an asynchronous task watches, reports and steers them.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Notify;

use crate::{Class, Problem, Result, Stopped, Watch};

/// How often progress is told and a stop is looked for.
const TICK: Duration = Duration::from_millis(50);

const RUN: u8 = 0;
const HOLD: u8 = 1;
const QUIT: u8 = 2;

/// Where the threads of a crew are let through, held or sent home.
pub(super) struct Gate {
    mode: AtomicU8,
    threads: Mutex<Threads>,
    opened: Condvar,
    moved: Notify,
}

#[derive(Default)]
struct Threads {
    held: usize,
    left: usize,
    total: usize,
}

impl Gate {
    fn threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called by a thread wherever it may be held or stopped without harm.
    pub(super) fn pass(&self) -> Result<(), Stopped> {
        match self.mode.load(Ordering::Acquire) {
            RUN => Ok(()),
            QUIT => Err(Stopped),
            _ => self.wait(),
        }
    }

    fn wait(&self) -> Result<(), Stopped> {
        let mut threads = self.threads();
        threads.held += 1;
        self.moved.notify_one();
        while self.mode.load(Ordering::Acquire) == HOLD {
            threads = self.opened.wait(threads).unwrap_or_else(PoisonError::into_inner);
        }
        threads.held -= 1;
        drop(threads);
        self.pass()
    }

    /// Once the crew was sent home it stays so.
    fn set(&self, mode: u8) {
        let _threads = self.threads();
        if self.mode.load(Ordering::Acquire) != QUIT {
            self.mode.store(mode, Ordering::Release);
        }
        self.opened.notify_all();
    }

    fn leave(&self) {
        self.threads().left += 1;
        self.moved.notify_one();
    }

    fn all_left(&self) -> bool {
        let threads = self.threads();
        threads.left == threads.total
    }

    fn nobody_works(&self) -> bool {
        let threads = self.threads();
        threads.left + threads.held == threads.total
    }
}

/// A number of threads at the same work. Dropped early, it sends them home and waits for them.
pub(super) struct Crew<T> {
    gate: Arc<Gate>,
    threads: Vec<JoinHandle<Result<T>>>,
}

struct Leave<'a>(&'a Gate);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.set(QUIT);
        }
        self.0.leave();
    }
}

impl<T: Send + 'static> Crew<T> {
    /// Starts `count` threads that each do `work` once (it shares its own queue). When one fails, the others are stopped at the gate.
    pub(super) fn start(
        name: &str,
        count: usize,
        work: impl Fn(&Gate) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Self> {
        let gate = Arc::new(Gate {
            mode: AtomicU8::new(RUN),
            threads: Mutex::default(),
            opened: Condvar::new(),
            moved: Notify::new(),
        });
        let work = Arc::new(work);
        let mut crew = Self { gate: Arc::clone(&gate), threads: Vec::with_capacity(count) };
        for _ in 0..count {
            let (gate, work) = (Arc::clone(&gate), Arc::clone(&work));
            gate.threads().total += 1;
            let body = {
                let gate = Arc::clone(&gate);
                move || {
                    let _leave = Leave(&gate);
                    let done = work(&gate);
                    if done.is_err() {
                        gate.set(QUIT);
                    }
                    done
                }
            };
            match std::thread::Builder::new().name(name.to_owned()).spawn(body) {
                Ok(thread) => crew.threads.push(thread),
                Err(error) => {
                    gate.threads().total -= 1;
                    if crew.threads.is_empty() {
                        return Err(Problem::transient(
                            "threads.refused",
                            format!("The system gave no thread for '{name}': {error}."),
                        ));
                    }
                    break;
                }
            }
        }
        Ok(crew)
    }

    /// Waits until all is done, telling `tell` at every tick and stopping at a safe point when the watch asks for it.
    pub(super) async fn follow(
        mut self,
        watch: &dyn Watch,
        mut tell: impl FnMut(&dyn Watch),
    ) -> Result<Vec<T>> {
        while !self.gate.all_left() {
            let _ = tokio::time::timeout(TICK, self.gate.moved.notified()).await;
            tell(watch);
            if watch.stop_requested() {
                self.gate.set(HOLD);
                while !self.gate.nobody_works() {
                    let _ = tokio::time::timeout(TICK, self.gate.moved.notified()).await;
                }
                tell(watch);
                let answer = watch.safe_point().await;
                self.gate.set(if answer.is_ok() { RUN } else { QUIT });
                if answer.is_err() {
                    while !self.gate.all_left() {
                        let _ = tokio::time::timeout(TICK, self.gate.moved.notified()).await;
                    }
                    self.collect()?;
                    return Err(Stopped.into());
                }
            }
        }
        let done = self.collect()?;
        tell(watch);
        Ok(done)
    }

    /// The results, or the failure that stopped the others.
    fn collect(&mut self) -> Result<Vec<T>> {
        let mut done = Vec::with_capacity(self.threads.len());
        let mut failed: Option<Problem> = None;
        for thread in std::mem::take(&mut self.threads) {
            match thread.join() {
                Ok(Ok(result)) => done.push(result),
                Ok(Err(problem)) => {
                    if failed.as_ref().is_none_or(|first| first.class == Class::Stopped) {
                        failed = Some(problem);
                    }
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        failed.map_or(Ok(done), Err)
    }
}

impl<T> Drop for Crew<T> {
    fn drop(&mut self) {
        self.gate.set(QUIT);
        for thread in std::mem::take(&mut self.threads) {
            let _ = thread.join();
        }
    }
}

/// Work that cannot be interrupted (a sync of a whole disk), off the asynchronous threads.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("the runtime shut down in the middle of blocking work: {error}"),
        },
    }
}
