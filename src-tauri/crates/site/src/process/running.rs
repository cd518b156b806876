use std::future::Future;
use std::time::{Duration, Instant};

use process_wrap::tokio::ChildWrapper;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::time::{Interval, MissedTickBehavior};

use super::capture::Capture;
use super::ending::{Ending, Overrun};
use super::family::{Family, Usage};
use super::listener::{Listener, Stream};
use super::program::Limits;
use super::record::Record;
use super::scope::Toll;

/// How often limits are looked at and unfinished lines are shown.
const TICK: Duration = Duration::from_millis(250);
/// How long the output of a program that has ended is waited for, when somebody still holds it open.
const DRAIN: Duration = Duration::from_secs(2);
const CHUNK: usize = 64 << 10;

/// How driving a program came to an end.
#[derive(Debug)]
pub enum Driven {
    /// The program has ended, and nothing of it is left.
    Ended(Ending),
    /// It was asked to stop; the program runs on until it is held, ended or driven again.
    Stopped,
}

/// A program at work. Dropping it ends the program, unless it is to be kept.
pub struct Running {
    child: Box<dyn ChildWrapper>,
    family: Family,
    record: Option<Record>,
    limits: Limits,
    /// Where the kernel keeps the limit of memory: whom it has ended for it.
    toll: Option<Toll>,
    keep: bool,
    out: Option<ChildStdout>,
    err: Option<ChildStderr>,
    chunks: [Vec<u8>; 2],
    capture: Capture,
    ticks: Interval,
    status: Option<std::process::ExitStatus>,
    /// Active time of earlier drives, and of earlier runs that this one goes on with.
    driven: Duration,
    overrun: Option<Overrun>,
    was_asked: bool,
    last: Usage,
    peak_memory: u64,
    /// Processor time above what the limit allows.
    debt: f64,
    is_throttled: bool,
    is_over: bool,
}

enum Event {
    Out(usize),
    Err(usize),
    Exited,
    Tick,
}

impl Running {
    pub(super) fn new(
        mut child: Box<dyn ChildWrapper>,
        family: Family,
        record: Option<Record>,
        (limits, toll, driven): (Limits, Option<Toll>, Duration),
        secrets: Vec<String>,
        keep: bool,
    ) -> Self {
        let (out, err) = (child.stdout().take(), child.stderr().take());
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        Self {
            chunks: [
                vec![0; if out.is_some() { CHUNK } else { 0 }],
                vec![0; if err.is_some() { CHUNK } else { 0 }],
            ],
            child,
            family,
            record,
            limits,
            toll,
            keep,
            out,
            err,
            capture: Capture::new(secrets),
            ticks,
            status: None,
            driven,
            overrun: None,
            was_asked: false,
            last: Usage::default(),
            peak_memory: 0,
            debt: 0.0,
            is_throttled: false,
            is_over: false,
        }
    }

    /// The program and everything it started.
    pub fn family(&self) -> &Family {
        &self.family
    }

    /// Follows the program until it has ended or `stop` is done. When the program itself has ended, what it left running is ended
    /// too.
    pub async fn drive(&mut self, listener: &dyn Listener, stop: impl Future<Output = ()>) -> Driven {
        tokio::pin!(stop);
        let began = Instant::now();
        self.capture.listen_from(began);
        let before = self.driven;
        while self.status.is_none() {
            let event = tokio::select! {
                biased;
                () = &mut stop => {
                    self.driven = before + began.elapsed();
                    return Driven::Stopped;
                }
                event = self.next() => event,
            };
            self.take(event, listener);
            self.driven = before + began.elapsed();
            if let Some(overrun) = self.broken_limit() {
                self.overrun = Some(overrun);
                self.finish(listener).await;
            }
        }
        self.drain(listener, DRAIN).await;
        let is_gone = !self.family.is_alive() || self.end_family(listener).await;
        Driven::Ended(self.settle(listener, is_gone))
    }

    /// Ends the program: asks the whole family, waits for its grace, ends by force what is left, and reads what it still said.
    pub async fn end(&mut self, listener: &dyn Listener) -> Ending {
        self.was_asked = self.status.is_none();
        self.finish(listener).await;
        self.drain(listener, DRAIN).await;
        let is_gone = !self.family.is_alive() || self.end_family(listener).await;
        self.settle(listener, is_gone)
    }

    /// Stops the family where it stands; its time does not run on.
    pub fn hold(&self) {
        self.family.hold();
    }

    /// Lets a held family go on.
    pub fn let_go(&self) {
        self.family.let_go();
    }

    /// Whether the program itself has ended, for one that nobody drives.
    pub fn has_ended(&mut self) -> bool {
        if self.status.is_none() {
            self.status = self.child.inner_mut().try_wait().ok().flatten();
            if self.status.is_some() {
                self.family.leader_collected();
            }
        }
        self.status.is_some()
    }

    async fn next(&mut self) -> Event {
        let [out, err] = &mut self.chunks;
        tokio::select! {
            read = read(&mut self.out, out) => Event::Out(read),
            read = read(&mut self.err, err) => Event::Err(read),
            // The leader alone: who else is in the group is not ours to collect.
            status = self.child.inner_mut().wait(), if self.status.is_none() => {
                self.status = status.ok();
                Event::Exited
            }
            _ = self.ticks.tick() => Event::Tick,
        }
    }

    fn take(&mut self, event: Event, listener: &dyn Listener) {
        match event {
            Event::Out(0) => self.out = None,
            Event::Err(0) => self.err = None,
            Event::Out(read) => self.capture.hear(Stream::Out, &self.chunks[0][..read], listener),
            Event::Err(read) => self.capture.hear(Stream::Err, &self.chunks[1][..read], listener),
            Event::Exited => self.family.leader_collected(),
            Event::Tick => {
                self.capture.show(listener);
                self.measure(listener);
                self.capture.watch_silence(self.limits.stall, listener);
            }
        }
    }

    fn measure(&mut self, listener: &dyn Listener) {
        let usage = self.family.usage();
        let burned = usage.cpu.saturating_sub(self.last.cpu);
        self.last = Usage { cpu: usage.cpu.max(self.last.cpu), ..usage };
        self.peak_memory = self.peak_memory.max(usage.memory);
        listener.usage(&self.last);
        if let Some(limit) = self.limits.cpu {
            // A second's worth may be saved up.
            self.debt = (self.debt + burned.as_secs_f64() - limit * TICK.as_secs_f64()).max(-limit);
            if self.debt > 0.0 && !self.is_throttled {
                self.is_throttled = true;
                self.family.hold();
            } else if self.debt <= 0.0 && self.is_throttled {
                self.is_throttled = false;
                self.family.let_go();
            }
        }
    }

    fn broken_limit(&mut self) -> Option<Overrun> {
        if self.status.is_some() || self.overrun.is_some() {
            return None;
        }
        if let Some(limit) = self.limits.deadline.filter(|limit| self.driven > *limit) {
            return Some(Overrun::Deadline(limit));
        }
        let limit = self.limits.memory?;
        let is_broken = self.last.memory > limit || self.toll.as_mut().is_some_and(Toll::is_taken);
        is_broken.then_some(Overrun::Memory(limit))
    }

    /// A program within a scope that was killed, and not by us, met the kernel's limit: the scope is gone by then and tells nothing.
    fn was_killed_by_the_kernel(&self) -> bool {
        const KILL: i32 = 9;
        self.toll.is_some() && !self.was_asked && signal_of(self.status) == Some(KILL)
    }

    /// Ends the family and collects the leader.
    async fn finish(&mut self, listener: &dyn Listener) {
        if self.status.is_some() {
            return;
        }
        self.end_family(listener).await;
        let waited = tokio::time::timeout(DRAIN, async {
            while self.status.is_none() {
                let event = self.next().await;
                self.take(event, listener);
            }
        });
        if waited.await.is_err() {
            tracing::warn!(mark = self.family.mark(), "a program does not end even by force");
        }
    }

    /// Ends every member while the output is read on, so that nobody hangs in a full pipe.
    async fn end_family(&mut self, listener: &dyn Listener) -> bool {
        let family = self.family.clone();
        #[cfg(windows)]
        let _ = self.child.start_kill();
        let ending = family.end(self.limits.grace);
        tokio::pin!(ending);
        loop {
            let event = tokio::select! {
                gone = &mut ending => return gone,
                event = self.next() => event,
            };
            self.take(event, listener);
        }
    }

    /// Reads until both streams have ended, but not for ever: somebody else can hold them open.
    async fn drain(&mut self, listener: &dyn Listener, limit: Duration) {
        let drained = tokio::time::timeout(limit, async {
            while self.out.is_some() || self.err.is_some() {
                let event = self.next().await;
                self.take(event, listener);
            }
        });
        let _ = drained.await;
    }

    fn settle(&mut self, listener: &dyn Listener, is_gone: bool) -> Ending {
        self.capture.finish(listener);
        if is_gone {
            self.is_over = true;
            if let Some(record) = self.record.take() {
                record.remove();
            }
        }
        if self.overrun.is_none() && self.was_killed_by_the_kernel() {
            self.overrun = self.limits.memory.map(Overrun::Memory);
        }
        let status = self.status;
        Ending {
            code: status.and_then(|status| status.code()),
            signal: signal_of(status),
            overrun: self.overrun,
            was_asked: self.was_asked,
            last_lines: self.capture.last_lines(),
            lines: self.capture.count,
            bytes: self.capture.bytes,
            left_out: self.capture.left_out,
            took: self.driven,
            cpu: self.last.cpu,
            peak_memory: self.peak_memory,
            is_gone,
        }
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("family", &self.family)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_over || self.keep {
            return;
        }
        let _ = self.child.start_kill();
        self.family.kill();
        if let Some(record) = self.record.take()
            && !self.family.is_alive()
        {
            record.remove();
        }
    }
}

/// Reads a piece; 0 when the stream has ended. Never done while there is no stream.
async fn read<R: AsyncRead + Unpin>(stream: &mut Option<R>, chunk: &mut [u8]) -> usize {
    match stream {
        Some(stream) => stream.read(chunk).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

#[cfg(unix)]
fn signal_of(status: Option<std::process::ExitStatus>) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    status.and_then(|status| status.signal())
}

#[cfg(not(unix))]
fn signal_of(_: Option<std::process::ExitStatus>) -> Option<i32> {
    None
}
