//! The jobs of the crash tests: five steps, and one that works ahead of the line, which leave a trace on the disk of everything they
//! do.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clonedeck_queue::{
    Ctx, Done, Job, Line, Needs, Options, Policy, Queue, Registry, Step, StepError, Undone,
};
use serde::{Deserialize, Serialize};

/// How a traced job behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Conduct {
    /// Completes.
    Plain,
    /// Fails once in the third step, then completes.
    Flaky,
    /// Fails for good in the fourth step.
    Broken,
    /// Stays in the fourth step until it is cancelled.
    Endless,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Traced {
    pub name: String,
    pub conduct: Conduct,
}

pub struct TracedJob {
    /// Where the traces go.
    pub dir: PathBuf,
    /// Which start of the child this is.
    pub generation: u32,
    /// Whether a step works ahead of the line.
    pub beside: bool,
}

impl Job for TracedJob {
    const KIND: &'static str = "traced";
    type Spec = Traced;

    fn title(&self, spec: &Traced) -> String {
        spec.name.clone()
    }

    fn steps(&self, line: &mut Line<Self>) {
        let trace = || Trace { dir: self.dir.clone(), generation: self.generation, beside: self.beside };
        line.step(One(trace())).step(Two(trace())).step(Three(trace()));
        if self.beside {
            line.ahead::<One, _>(Beside(trace()));
        }
        line.step(Four(trace())).step(Five(trace()));
    }

    fn needs(&self, _: &Traced) -> Needs {
        Needs::nothing()
    }

    fn policy(&self) -> Policy {
        Policy {
            // The campaign kills more often than any honest job is killed.
            crashes: u32::MAX,
            first_backoff: Duration::from_millis(2),
            ..Policy::default()
        }
    }
}

struct Trace {
    dir: PathBuf,
    generation: u32,
    beside: bool,
}

impl Trace {
    fn leave(&self, job: &str, what: &str, step: usize) -> Result<(), StepError> {
        let path = self.dir.join(job);
        let written = std::fs::File::options().create(true).append(true).open(&path).and_then(|mut file| {
            file.write_all(format!("{} {what} {step}\n", self.generation).as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| StepError::io(&error, path))
    }
}

macro_rules! traced_step {
    ($type:ident, $number:literal, $name:literal, $before:expr) => {
        struct $type(Trace);

        impl Step for $type {
            type Job = TracedJob;
            type Cursor = u32;
            type Output = usize;
            const NAME: &'static str = $name;
            const TITLE: &'static str = $name;

            async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<usize>, StepError> {
                let job = ctx.job_id().to_string();
                self.0.leave(&job, "begin", $number)?;
                let before: Option<usize> = $before(&*ctx)?;
                assert_eq!(before.unwrap_or(0) + 1, $number, "the output of the step before");
                if $number == 4 && self.0.beside {
                    assert_eq!(ctx.output_of::<Beside>()?, 2, "what worked ahead is done");
                }
                for part in *ctx.cursor()..2 {
                    ctx.sleep(Duration::from_millis(1)).await?;
                    ctx.checkpoint(&(part + 1)).await?;
                }
                if $number == 3 && ctx.spec().conduct == Conduct::Flaky && ctx.attempt() == 1 {
                    return Err(StepError::transient("flaky", "Not this time."));
                }
                if $number == 4 && ctx.spec().conduct == Conduct::Broken {
                    return Err(StepError::permanent("broken", "It is broken."));
                }
                while $number == 4 && ctx.spec().conduct == Conduct::Endless {
                    ctx.sleep(Duration::from_millis(20)).await?;
                }
                self.0.leave(&job, "end", $number)?;
                Ok(Done::Completed($number))
            }

            async fn undo(&self, ctx: &mut Ctx<Self>) -> Result<Undone, StepError> {
                self.0.leave(&ctx.job_id().to_string(), "undo", $number)?;
                Ok(Undone::Reverted)
            }
        }
    };
}

traced_step!(One, 1, "one", |_: &Ctx<One>| Ok::<_, StepError>(None));
traced_step!(Two, 2, "two", |ctx: &Ctx<Two>| ctx.output_of::<One>().map(Some));
traced_step!(Three, 3, "three", |ctx: &Ctx<Three>| ctx.output_of::<Two>().map(Some));
traced_step!(Four, 4, "four", |ctx: &Ctx<Four>| ctx.output_of::<Three>().map(Some));
traced_step!(Five, 5, "five", |ctx: &Ctx<Five>| ctx.output_of::<Four>().map(Some));

/// Works ahead, beside Two and Three.
struct Beside(Trace);

impl Step for Beside {
    type Job = TracedJob;
    type Cursor = u32;
    type Output = u32;
    const NAME: &'static str = "beside";
    const TITLE: &'static str = "beside";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<u32>, StepError> {
        assert_eq!(ctx.output_of::<One>()?, 1);
        for part in *ctx.cursor()..2 {
            self.0.leave(&format!("{}-beside", ctx.job_id()), "part", part as usize)?;
            ctx.sleep(Duration::from_millis(2)).await?;
            ctx.checkpoint(&(part + 1)).await?;
        }
        Ok(Done::Completed(2))
    }
}

/// A job of one step that does nothing.
pub struct Quick;
struct Once;

impl Job for Quick {
    const KIND: &'static str = "quick";
    type Spec = String;

    fn title(&self, spec: &String) -> String {
        spec.clone()
    }

    fn steps(&self, line: &mut Line<Self>) {
        line.step(Once);
    }

    fn needs(&self, _: &String) -> Needs {
        Needs::nothing()
    }
}

impl Step for Once {
    type Job = Quick;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "once";
    const TITLE: &'static str = "Once";

    async fn run(&self, _: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        Ok(Done::Completed(()))
    }
}

/// Opens the queue of the crash tests.
pub fn open(dir: &Path, generation: u32) -> clonedeck_queue::Result<Queue> {
    open_line(dir, generation, true)
}

#[allow(dead_code, reason = "the child opens none")]
/// Opens a queue of the crash tests as released programs left it: with the line of that time.
pub fn open_released(dir: &Path, generation: u32) -> clonedeck_queue::Result<Queue> {
    open_line(dir, generation, false)
}

fn open_line(dir: &Path, generation: u32, beside: bool) -> clonedeck_queue::Result<Queue> {
    let traces = dir.join("traces");
    std::fs::create_dir_all(&traces).expect("the folder of traces can be made");
    let registry = Registry::new().with(TracedJob { dir: traces, generation, beside }).with(Quick);
    let options = Options {
        holder: format!("crash child {generation}"),
        cpu_limit: 1000.0,
        memory_budget: Some(u64::MAX),
        ballast: 64 << 10,
        slots: 4,
        steps_at_once: 8,
        ..Options::default()
    };
    Queue::open(dir, registry, options)
}
