//! Jobs that do next to nothing.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clonedeck_queue::{Ctx, Done, Job, Level, Line, Needs, Options, Queue, Registry, Step, StepError};
use tokio::sync::oneshot::Sender;

macro_rules! toy {
    ($job:ident, $step:ident, $kind:literal, $ctx:ident => $work:expr) => {
        pub struct $job;
        pub struct $step;

        impl Job for $job {
            const KIND: &'static str = $kind;
            type Spec = u32;
            fn title(&self, _: &u32) -> String {
                $kind.into()
            }
            fn steps(&self, line: &mut Line<Self>) {
                line.step($step);
            }
            fn needs(&self, _: &u32) -> Needs {
                Needs::nothing()
            }
        }

        impl Step for $step {
            type Job = $job;
            type Cursor = ();
            type Output = ();
            const NAME: &'static str = $kind;
            const TITLE: &'static str = $kind;
            async fn run(&self, $ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
                $work;
                Ok(Done::Completed(()))
            }
        }
    };
}

static FIRST_LINE: Mutex<Option<Sender<Instant>>> = Mutex::new(None);

pub fn expect_first_line(sender: Sender<Instant>) {
    *FIRST_LINE.lock().unwrap() = Some(sender);
}

toy!(Nothing, DoNothing, "nothing", ctx => {
    let _ = ctx;
});
toy!(Line1, Say, "line", ctx => {
    ctx.log(Level::Info, "the first line");
    if let Some(sender) = FIRST_LINE.lock().unwrap().take() {
        let _ = sender.send(Instant::now());
    }
});
toy!(Ticker, Tick, "ticker", ctx => {
    let each = u64::from(*ctx.spec());
    let mut done = 0;
    while done < u64::MAX / 2 {
        // Ten bursts a second: what is measured is the queue, not the timers of the toy.
        for _ in 0..each / 10 {
            done += 1;
            ctx.progress(done, u64::from(u32::MAX));
        }
        ctx.sleep(Duration::from_millis(100)).await?;
    }
});

pub fn registry() -> Registry {
    Registry::new().with(Nothing).with(Line1).with(Ticker)
}

pub fn open(dir: &Path, slots: usize) -> Queue {
    // The measurement itself makes the processors busy, so their limit is off.
    let options = Options { cpu_limit: 1000.0, slots, ..Options::default() };
    Queue::open(dir, registry(), options).unwrap()
}
