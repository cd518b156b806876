//! Jobs that only count, to measure the window under load. Built with the feature `busy` alone, which `scripts/bench ui` asks for and
//! nothing else does: the program that people use does not know this kind.

use std::time::Duration;

use clonedeck_queue::{Ctx, Done, Job, Level, Line, Needs, Step, StepError};
use serde::{Deserialize, Serialize};

/// A kind of job that counts.
#[derive(Debug)]
pub struct Busy;

/// How long it counts, and how fast.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pace {
    /// Name of the job.
    pub title: String,
    /// Seconds for which it counts.
    pub seconds: u64,
    /// Ticks a second.
    pub ticks: u64,
}

impl Job for Busy {
    const KIND: &'static str = "busy";
    type Spec = Pace;

    fn title(&self, pace: &Pace) -> String {
        pace.title.clone()
    }

    fn steps(&self, line: &mut Line<Self>) {
        line.step(Count);
    }

    fn needs(&self, _: &Pace) -> Needs {
        Needs::nothing()
    }
}

/// Counts to the end.
struct Count;

impl Step for Count {
    type Job = Busy;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "count";
    const TITLE: &'static str = "Count";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        let Pace { seconds, ticks, .. } = *ctx.spec();
        let whole = seconds * ticks;
        ctx.unit("rows");
        for done in 1..=whole {
            ctx.progress(done, whole);
            ctx.message(format!("wp_postmeta {done}"));
            if done % ticks == 0 {
                ctx.log(Level::Info, format!("{done} of {whole} rows"));
            }
            ctx.sleep(Duration::from_micros(1_000_000 / ticks.max(1))).await?;
        }
        Ok(Done::Completed(()))
    }
}
