//! Blocks on their way from a reader to a writer: lexed in one thread, rewritten in others, written in order.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::report::{Note, Reason};
use crate::rewriter::Rewriter;

use super::block;
use super::lexer::Lexer;
use super::report::{DumpReport, Place, Problem};
use super::run::{Found, Item};

/// How a dump is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DumpOptions {
    /// Bytes read at a time.
    pub block: usize,
    /// The longest single value that is held in memory; longer ones are passed on as they are, and reported.
    pub longest_value: usize,
    /// Threads in all. With one, everything is done by the caller's.
    pub threads: usize,
}

impl Default for DumpOptions {
    fn default() -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(8);
        Self { block: 512 * 1024, longest_value: 256 * 1024 * 1024, threads }
    }
}

/// The stream itself failed. What was written until then is right as far as it goes; all that could be read has been written
/// when it was the input that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The input.
    #[error("the dump cannot be read any further: {0}")]
    Read(#[source] io::Error),
    /// The output.
    #[error("the new dump cannot be written: {0}")]
    Write(#[source] io::Error),
}

/// Rewrites a dump from `input` to `output` and says what happened.
///
/// Memory does not grow with the dump: it is a few blocks, and the longest single value in which there is something to do.
pub fn rewrite_dump(
    rewriter: &Rewriter,
    input: impl Read,
    output: impl Write + Send,
    options: DumpOptions,
) -> Result<DumpReport, DumpError> {
    let mut blocks = Blocks::new(rewriter, input, options);
    let mut report = if options.threads <= 1 {
        alone(rewriter, &mut blocks, output)?
    } else {
        together(rewriter, &mut blocks, output, options.threads - 1)?
    };
    if let Some(why) = blocks.failed.take() {
        return Err(DumpError::Read(why));
    }
    blocks.conclude(&mut report);
    Ok(report)
}

fn alone<R: Read>(
    rewriter: &Rewriter,
    blocks: &mut Blocks<R>,
    mut output: impl Write,
) -> Result<DumpReport, DumpError> {
    let mut report = DumpReport::default();
    let mut spare = Job::default();
    while let Some(mut job) = blocks.next(spare) {
        job.rewrite(rewriter);
        output.write_all(job.written()).map_err(DumpError::Write)?;
        report.add(std::mem::take(&mut job.report));
        spare = job;
    }
    output.flush().map_err(DumpError::Write)?;
    Ok(report)
}

fn together<R: Read>(
    rewriter: &Rewriter,
    blocks: &mut Blocks<R>,
    output: impl Write + Send,
    workers: usize,
) -> Result<DumpReport, DumpError> {
    thread::scope(|scope| {
        let (back, spares) = sync_channel::<Job>(workers * 3 + 2);
        let mut todo: Vec<SyncSender<Job>> = Vec::new();
        let mut done: Vec<Receiver<Job>> = Vec::new();
        let mut direct = None;
        for _ in 0..workers {
            let (send, receive) = sync_channel::<Job>(1);
            todo.push(send);
            if workers == 1 {
                direct = Some(receive);
            } else {
                let (send_done, receive_done) = sync_channel::<Job>(1);
                done.push(receive_done);
                scope.spawn(move || {
                    for mut job in receive {
                        job.rewrite(rewriter);
                        if send_done.send(job).is_err() {
                            break;
                        }
                    }
                });
            }
        }
        // With one worker it writes as well; with more, a writer takes turns with them, which keeps the order.
        let writer = scope.spawn(move || {
            let mut turn = 0;
            let jobs = std::iter::from_fn(move || {
                if let Some(receive) = &direct {
                    let mut job = receive.recv().ok()?;
                    job.rewrite(rewriter);
                    return Some(job);
                }
                let job = done[turn % workers].recv().ok();
                turn += 1;
                job
            });
            write_all(jobs, output, &back)
        });
        let mut turn = 0;
        while let Some(job) = blocks.next(spares.try_recv().unwrap_or_default()) {
            if todo[turn % workers].send(job).is_err() {
                break;
            }
            turn += 1;
        }
        drop(todo);
        match writer.join() {
            Ok(report) => report,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn write_all(
    jobs: impl Iterator<Item = Job>,
    mut output: impl Write,
    back: &SyncSender<Job>,
) -> Result<DumpReport, DumpError> {
    let mut report = DumpReport::default();
    for mut job in jobs {
        output.write_all(job.written()).map_err(DumpError::Write)?;
        report.add(std::mem::take(&mut job.report));
        // A full shelf of spares only means that this one is let go.
        let _ = back.try_send(job);
    }
    output.flush().map_err(DumpError::Write)?;
    Ok(report)
}

/// A block on its way, with room for what it becomes.
#[derive(Default)]
struct Job {
    bytes: Vec<u8>,
    done: usize,
    items: Vec<Item>,
    values: u64,
    out: Vec<u8>,
    report: DumpReport,
}

impl Job {
    fn rewrite(&mut self, rewriter: &Rewriter) {
        self.report = block::rewrite(&rewriter.plan, &self.bytes[..self.done], &self.items, &mut self.out);
        self.report.values_scanned = self.values;
    }

    fn written(&self) -> &[u8] {
        if self.out.is_empty() { &self.bytes[..self.done] } else { &self.out }
    }
}

/// Reads blocks that end where the next one can begin.
struct Blocks<'r, R> {
    rewriter: &'r Rewriter,
    input: R,
    lexer: Lexer,
    options: DumpOptions,
    /// What the last block left over.
    rest: Vec<u8>,
    ended: bool,
    /// Why the input ended before its end.
    failed: Option<io::Error>,
}

impl<'r, R: Read> Blocks<'r, R> {
    fn new(rewriter: &'r Rewriter, input: R, options: DumpOptions) -> Self {
        let lexer = Lexer::new(&rewriter.plan.finder, options.longest_value.max(1024));
        Self { rewriter, input, lexer, options, rest: Vec::new(), ended: false, failed: None }
    }

    fn next(&mut self, mut job: Job) -> Option<Job> {
        if self.ended && self.rest.is_empty() {
            return None;
        }
        let bytes = &mut job.bytes;
        // A single long value must not keep its memory for the rest of the dump.
        if bytes.capacity() > self.options.block * 8 {
            *bytes = Vec::new();
            job.out = Vec::new();
        }
        bytes.clear();
        bytes.append(&mut self.rest);
        let mut wanted = self.options.block.max(bytes.len() * 2);
        let found: Found = loop {
            self.fill(bytes, wanted);
            let found = self.lexer.block(&self.rewriter.plan.finder, bytes, self.ended);
            if found.done > 0 || self.ended {
                break found;
            }
            // A value that is longer than the block: hold more of it.
            wanted = bytes.len() * 2;
        };
        job.done = found.done;
        job.items = found.items;
        job.values = found.values;
        self.rest.extend_from_slice(&bytes[found.done..]);
        Some(job)
    }

    /// Reads on until `wanted` bytes are there. Input that fails ends there: what came before is still to be passed on.
    fn fill(&mut self, bytes: &mut Vec<u8>, wanted: usize) {
        let missing = wanted.saturating_sub(bytes.len());
        bytes.reserve(missing);
        match self.input.by_ref().take(missing as u64).read_to_end(bytes) {
            Ok(got) => self.ended |= got < missing,
            Err(why) => {
                self.ended = true;
                self.failed = Some(why);
            }
        }
    }

    fn conclude(&mut self, report: &mut DumpReport) {
        if let Some(line) = self.lexer.unfinished() {
            report.problems.push(Problem::EndsInStatement { line });
        }
        if self.lexer.promised && !self.lexer.completed {
            report.problems.push(Problem::NoCompletionMark);
        }
        for (table, line) in self.lexer.endless.drain(..) {
            let what = Note { reason: Reason::TooLarge, excerpt: String::new() };
            report.unsafe_count += 1;
            report.notes.push(Place { table: table.as_deref().map(str::to_owned), line, what });
        }
    }
}
