//! The copier: folders first, then files with several in flight, then hard links, then the folders' own times, then the disk.
//!
//! Which files are whole already is asked of the target itself, so a run that was killed goes on by being run again.

mod attributes;
mod contents;
mod file;
mod folders;
mod plan;
mod report;

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;

use super::crew::{self, Crew, Gate};
use super::links::Trees;
use super::meta::Meta;
use super::{Index, space, sys, trouble};
use crate::words::{self, count};
use crate::{Part, Problem, Result, Unit, Watch};
use contents::Ways;
use folders::Made;
use plan::{Plan, Work};
pub use report::{CopyReport, PartReport};

/// How a copy is made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Files in flight at a time. Cold reads are what a copy waits for, so this is more than there are processors.
    pub threads: usize,
    /// Leave out (and list) files that turn out unreadable, instead of failing with `source.unreadable`.
    pub allow_unreadable: bool,
    /// Fail with `source.changing` when more than this share of the files (and more than 100) vanished or changed under the copy.
    pub most_changed: f64,
    /// Bring everything to the disk before the end is told.
    pub sync: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: 16, allow_unreadable: false, most_changed: 0.25, sync: true }
    }
}

/// Files of fewer changes than this are no reason to doubt a copy, whatever their share.
const FEW_CHANGES: u64 = 100;

/// What all threads of one copy share.
struct Copy {
    index: Arc<Index>,
    source: OwnedFd,
    target: OwnedFd,
    target_path: PathBuf,
    trees: Trees,
    options: Options,
    ways: Ways,
    /// Whether owners can be set, and unreadable bits do not hinder.
    is_root: bool,
    /// Who owns what this process makes.
    user: (u32, u32),
    plan: Plan,
    done: Done,
}

#[derive(Default)]
struct Done {
    next: AtomicU64,
    bytes: AtomicU64,
    files: AtomicU64,
    doing: Mutex<Option<u32>>,
}

/// Copies `parts` of the tree that `index` was taken of from `source` to `target` (made where it is missing), keeping contents, holes,
/// modes, times, owners, links of both kinds and extended attributes as far as this user may. What is whole in the target is not
/// copied again. When it returns, everything is on the disk.
///
/// Parts may be copied by one call each, in any order. Nobody else may write into the target meanwhile.
pub async fn copy(
    index: Arc<Index>,
    source: &Path,
    target: &Path,
    parts: &[Part],
    options: Options,
    watch: &dyn Watch,
) -> Result<CopyReport> {
    watch.safe_point().await?;
    let started = std::time::Instant::now();
    let copy = Arc::new(Copy::open(index, source, target, parts, options)?);
    let tell = |watch: &dyn Watch| copy.tell(watch);

    let folders = {
        let copy = Arc::clone(&copy);
        Crew::start("folders", 1, move |gate| copy.make_folders(gate))?
    };
    let made = folders.follow(watch, tell).await?.pop().unwrap_or_default();

    let files = {
        let copy = Arc::clone(&copy);
        Crew::start("copy", options.threads.max(1), move |gate| copy.work(&made, gate))?
    };
    let mut report = CopyReport::default();
    for one in files.follow(watch, tell).await? {
        report.add(one);
    }
    copy.refuse_too_many_changes(&report)?;

    let folders = {
        let copy = Arc::clone(&copy);
        Crew::start("folders", 1, move |gate| copy.finish_folders(gate))?
    };
    for one in folders.follow(watch, tell).await? {
        report.add(one);
    }
    for entry in copy.index.special().filter(|entry| parts.contains(&entry.part)) {
        report.special.push(entry.path.into());
    }
    report.sort();
    if options.sync {
        watch.doing("writing to the disk");
        let synced = {
            let copy = Arc::clone(&copy);
            crew::aside(move || sys::sync_all(copy.target.as_fd())).await
        };
        synced.map_err(|error| copy.target_trouble(Path::new(""), error))?;
    }
    report.milliseconds = started.elapsed().as_millis() as u64;
    Ok(report)
}

impl Copy {
    fn open(
        index: Arc<Index>,
        source: &Path,
        target: &Path,
        parts: &[Part],
        options: Options,
    ) -> Result<Self> {
        let at_target = |error| trouble::at_target(target, Path::new(""), error);
        let at_source = |error| trouble::at_source(source, Path::new(""), error);
        let source_fd = sys::open_root(source).map_err(at_source)?;
        let target_path = std::path::absolute(target)
            .map_err(|error| at_target(Errno::from_io_error(&error).unwrap_or(Errno::INVAL)))?;
        let target_fd = match sys::open_root(&target_path) {
            Err(Errno::NOENT) => {
                std::fs::create_dir_all(&target_path)
                    .map_err(|error| at_target(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
                sys::open_root(&target_path)
            }
            done => done,
        }
        .map_err(at_target)?;
        let identity = |meta: Meta| (meta.dev, meta.ino);
        if identity(sys::look_at(source_fd.as_fd()).map_err(at_source)?)
            == identity(sys::look_at(target_fd.as_fd()).map_err(at_target)?)
        {
            return Err(Problem::permanent(
                "target.is-source",
                "The target of the copy is the source itself.",
            )
            .help("Choose another target."));
        }
        Ok(Self {
            trees: Trees::new(index.root(), &target_path),
            plan: Plan::new(&index, parts),
            index,
            source: source_fd,
            target: target_fd,
            target_path,
            options,
            ways: Ways::default(),
            is_root: rustix::process::geteuid().is_root(),
            user: (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
            done: Done::default(),
        })
    }

    /// One thread's share: work by work until there is no more.
    fn work(&self, made: &Made, gate: &Gate) -> Result<CopyReport> {
        let mut hand = file::Hand::new(self, made);
        loop {
            gate.pass()?;
            let Some(work) = self.next() else { return Ok(hand.report) };
            match work {
                Work::Run(entries) => {
                    for number in entries {
                        gate.pass()?;
                        self.doing(*number);
                        hand.copy_one(*number, gate)?;
                    }
                }
                Work::Names(entries) => hand.copy_names(entries, gate)?,
            }
        }
    }

    fn next(&self) -> Option<&Work> {
        self.plan.work.get(self.done.next.fetch_add(1, Ordering::Relaxed) as usize)
    }

    fn doing(&self, number: u32) {
        if let Ok(mut doing) = self.done.doing.try_lock() {
            *doing = Some(number);
        }
    }

    fn tell(&self, watch: &dyn Watch) {
        let doing = *self.done.doing.lock().unwrap_or_else(PoisonError::into_inner);
        let files = self.done.files.load(Ordering::Relaxed);
        if let Some(number) = doing {
            let folder = self.index.entry(self.index.parent(number)).path;
            let counted = format!("{} of {} files", count(files), count(self.plan.files));
            let folder = super::path::shown(folder);
            watch.doing(&if folder.is_empty() { counted } else { format!("{folder} · {counted}") });
        }
        if self.plan.bytes > 0 {
            watch.progress(
                self.done.bytes.load(Ordering::Relaxed).min(self.plan.bytes),
                self.plan.bytes,
                Unit::Bytes,
            );
        } else {
            watch.progress(files, self.plan.files, Unit::Files);
        }
    }

    fn refuse_too_many_changes(&self, report: &CopyReport) -> Result<()> {
        let changed = (report.changed.len() + report.vanished.len()) as u64;
        if changed <= FEW_CHANGES || (changed as f64) <= self.plan.files as f64 * self.options.most_changed {
            return Ok(());
        }
        Err(Problem::needs_person(
            "source.changing",
            format!("{} of {} files changed or vanished while they were copied.", count(changed), count(self.plan.files)),
        )
        .help("Something is rewriting the source (an update, a restore). Wait until it is done, then try the job again from its first step, which plans anew (clonedeck retry --from-start JOB): a retry alone goes by what was planned.")
        .with("changed", report.changed.len())
        .with("vanished", report.vanished.len()))
    }

    fn source_trouble(&self, path: &Path, error: Errno) -> Problem {
        trouble::at_source(self.index.root(), path, error)
    }

    fn target_trouble(&self, path: &Path, error: Errno) -> Problem {
        let mut problem = trouble::at_target(&self.target_path, path, error);
        if problem.code != "disk.full" {
            return problem;
        }
        let left = self.plan.bytes.saturating_sub(self.done.bytes.load(Ordering::Relaxed));
        match space::free_space(&self.target_path) {
            Ok(free) => {
                if error == Errno::NOSPC {
                    problem.message = format!(
                        "There is no room left for {}: {} are still needed and {} are free.",
                        super::path::shown(&self.target_path),
                        words::bytes(left),
                        words::bytes(free.bytes)
                    );
                }
                problem.with("needed", left).with("free", free.bytes)
            }
            Err(_) => problem.with("needed", left),
        }
    }
}
