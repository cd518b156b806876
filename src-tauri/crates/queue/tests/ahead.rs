//! A step that works ahead of the line saves time and decides nothing.

mod toys;

use std::time::Duration;

use clonedeck_queue::{
    AddOptions, Ctx, Done, Job, JobId, Line, OnFailure, Options, Policy, Queue, Registry, State, Step,
    StepError, StepState, Undone,
};
use serde::{Deserialize, Serialize};
use toys::{World, options, quick, until, until_state};

/// What the two lanes are told; each waits for the word of its own world.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Orders {
    /// The step between fails this often.
    between_fails: u32,
    /// The step ahead fails this often, then well.
    ahead_fails: u32,
    permanent: bool,
}

/// ground → between → ahead (beside between) → end
struct House {
    /// Lets the step between go on.
    between: World,
    /// Lets the step ahead go on.
    ahead: World,
    policy: Policy,
}

impl Job for House {
    const KIND: &'static str = "house";
    type Spec = Orders;

    fn title(&self, _: &Orders) -> String {
        "House".into()
    }

    fn steps(&self, line: &mut Line<Self>) {
        line.step(Ground(self.between.clone()))
            .step(Between(self.between.clone()))
            .ahead::<Ground, _>(AheadOfIt(self.ahead.clone()))
            .step(End(self.between.clone()));
    }

    fn policy(&self) -> Policy {
        self.policy
    }
}

struct Ground(World);
struct Between(World);
struct AheadOfIt(World);
struct End(World);

async fn wait<S: Step>(world: &World, ctx: &Ctx<S>) -> Result<(), StepError> {
    loop {
        let go = world.go.notified();
        if world.open.load(std::sync::atomic::Ordering::SeqCst) {
            return Ok(());
        }
        tokio::select! { () = go => {} () = ctx.stop_requested() => {} }
        ctx.safe_point().await?;
    }
}

impl Step for Ground {
    type Job = House;
    type Cursor = ();
    type Output = u32;
    const NAME: &'static str = "ground";
    const TITLE: &'static str = "Ground";

    async fn run(&self, _: &mut Ctx<Self>) -> Result<Done<u32>, StepError> {
        self.0.note("ground".into());
        Ok(Done::Completed(7))
    }

    async fn undo(&self, _: &mut Ctx<Self>) -> Result<Undone, StepError> {
        self.0.note("undo ground".into());
        Ok(Undone::Reverted)
    }
}

impl Step for Between {
    type Job = House;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "between";
    const TITLE: &'static str = "Between";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        self.0.note(format!("between {}", ctx.attempt()));
        ctx.progress(1, 2);
        wait(&self.0, ctx).await?;
        if ctx.attempt() <= ctx.spec().between_fails {
            return Err(StepError::transient("flaky", "It did not work this time."));
        }
        if ctx.spec().permanent {
            return Err(StepError::permanent("broken", "It is broken."));
        }
        Ok(Done::Completed(()))
    }
}

impl Step for AheadOfIt {
    type Job = House;
    type Cursor = u32;
    type Output = String;
    const NAME: &'static str = "ahead";
    const TITLE: &'static str = "Ahead";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<String>, StepError> {
        assert_eq!(ctx.output_of::<Ground>()?, 7);
        self.0.note(format!("ahead {} from {}", ctx.attempt(), ctx.cursor()));
        ctx.unit("bricks");
        ctx.progress(3, 4);
        let next = *ctx.cursor() + 1;
        ctx.checkpoint(&next).await?;
        wait(&self.0, ctx).await?;
        if next <= ctx.spec().ahead_fails {
            return Err(StepError::transient("windy", "The wind was too strong."));
        }
        ctx.set_result(serde_json::json!({ "bricks": 4 }))?;
        Ok(Done::Completed(format!("after {next}")))
    }

    async fn undo(&self, ctx: &mut Ctx<Self>) -> Result<Undone, StepError> {
        self.0.note(format!("undo ahead at {}", ctx.cursor()));
        Ok(Undone::Nothing)
    }
}

impl Step for End {
    type Job = House;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "end";
    const TITLE: &'static str = "End";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        self.0.note(format!("end {}", ctx.output_of::<AheadOfIt>()?));
        Ok(Done::Completed(()))
    }
}

struct Scene {
    dir: tempfile::TempDir,
    between: World,
    ahead: World,
    policy: Policy,
    at_once: usize,
}

impl Scene {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            between: World::default(),
            ahead: World::default(),
            policy: quick(),
            at_once: 2,
        }
    }

    fn open(&self) -> Queue {
        let house = House { between: self.between.clone(), ahead: self.ahead.clone(), policy: self.policy };
        let options = Options { steps_at_once: self.at_once, ..options() };
        Queue::open(self.dir.path(), Registry::new().with(house), options).unwrap()
    }

    async fn add(&self, queue: &Queue, orders: &Orders) -> JobId {
        queue.add::<House>(orders, AddOptions::default()).await.unwrap()
    }
}

async fn until_both_work(queue: &Queue, job: JobId) -> clonedeck_queue::JobView {
    until(queue, job, |job| job.steps[1].done == 1 && job.steps[2].done == 3).await
}

#[tokio::test]
async fn it_works_beside_the_steps_between_and_the_views_show_both() {
    let scene = Scene::new();
    let queue = scene.open();
    let job = scene.add(&queue, &Orders::default()).await;
    let runner = queue.run().await.unwrap();
    let view = until_both_work(&queue, job).await;
    assert_eq!((view.steps[1].state, view.steps[2].state), (StepState::Running, StepState::Running));
    assert_eq!(view.steps[2].unit.as_deref(), Some("bricks"));
    assert_eq!(view.current_step.as_deref(), Some("between"));
    // It ends first: it is completed at once, and nothing behind it begins.
    scene.ahead.let_go();
    let view = until(&queue, job, |job| job.steps[2].state == StepState::Completed).await;
    assert_eq!((view.steps[1].state, view.steps[3].state), (StepState::Running, StepState::Pending));
    scene.between.let_go();
    let view = until_state(&queue, job, State::Completed).await;
    assert_eq!(view.result.unwrap()["bricks"], 4);
    assert_eq!(scene.between.did(), ["ground", "between 1", "end after 1"]);
    assert_eq!(scene.ahead.did(), ["ahead 1 from 0"]);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn the_line_waits_for_it_when_it_comes_to_it() {
    let scene = Scene::new();
    let queue = scene.open();
    let job = scene.add(&queue, &Orders::default()).await;
    let runner = queue.run().await.unwrap();
    until_both_work(&queue, job).await;
    scene.between.let_go();
    let view = until(&queue, job, |job| job.steps[1].state == StepState::Completed).await;
    assert_eq!((view.steps[2].state, view.steps[3].state), (StepState::Running, StepState::Pending));
    let view = until(&queue, job, |job| job.current_step.as_deref() == Some("ahead")).await;
    assert_eq!(view.steps[2].done, 3);
    scene.ahead.let_go();
    until_state(&queue, job, State::Completed).await;
    assert_eq!(scene.ahead.did(), ["ahead 1 from 0"]);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn without_a_processor_to_spare_every_step_waits_for_its_turn() {
    let mut scene = Scene::new();
    scene.at_once = 1;
    let queue = scene.open();
    let job = scene.add(&queue, &Orders::default()).await;
    let runner = queue.run().await.unwrap();
    let view = until(&queue, job, |job| job.steps[1].done == 1).await;
    assert_eq!(view.steps[2].state, StepState::Pending);
    scene.between.let_go();
    scene.ahead.let_go();
    until_state(&queue, job, State::Completed).await;
    assert_eq!(scene.ahead.did(), ["ahead 1 from 0"]);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn an_error_ahead_counts_for_nothing_and_the_step_goes_on_from_its_cursor_in_its_turn() {
    let scene = Scene::new();
    let queue = scene.open();
    let job = scene.add(&queue, &Orders { ahead_fails: 1, ..Orders::default() }).await;
    let runner = queue.run().await.unwrap();
    until_both_work(&queue, job).await;
    scene.ahead.let_go();
    let view = until(&queue, job, |job| job.steps[2].state == StepState::Pending).await;
    assert_eq!(view.state, State::Running);
    scene.between.let_go();
    let view = until_state(&queue, job, State::Completed).await;
    assert_eq!((view.attempts, view.steps[2].attempts), (1, 1));
    assert_eq!(scene.ahead.did(), ["ahead 1 from 0", "ahead 1 from 1"]);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_failure_between_recalls_it_and_a_retry_lets_it_go_on() {
    let mut scene = Scene::new();
    scene.policy = Policy { on_failure: OnFailure::Keep, tries: 1, ..quick() };
    let queue = scene.open();
    let job = scene.add(&queue, &Orders { permanent: true, ..Orders::default() }).await;
    let runner = queue.run().await.unwrap();
    until_both_work(&queue, job).await;
    scene.between.let_go();
    let view = until_state(&queue, job, State::Failed).await;
    assert_eq!((view.steps[1].state, view.steps[2].state), (StepState::Failed, StepState::Pending));
    // It goes on beside the second try and completes; the third does not do it again.
    scene.between.hold();
    queue.retry(job).await.unwrap();
    until_both_work(&queue, job).await;
    scene.ahead.let_go();
    until(&queue, job, |job| job.steps[2].state == StepState::Completed).await;
    scene.between.let_go();
    until_state(&queue, job, State::Failed).await;
    queue.retry(job).await.unwrap();
    let view = until(&queue, job, |job| job.state == State::Failed && job.attempts == 3).await;
    assert_eq!(view.steps[2].state, StepState::Completed);
    assert_eq!(scene.ahead.did(), ["ahead 1 from 0", "ahead 1 from 1"]);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_is_completed_ahead_stays_so_through_retries_of_the_step_between() {
    let scene = Scene::new();
    let queue = scene.open();
    let job = scene.add(&queue, &Orders { between_fails: 2, ..Orders::default() }).await;
    let runner = queue.run().await.unwrap();
    until_both_work(&queue, job).await;
    scene.ahead.let_go();
    until(&queue, job, |job| job.steps[2].state == StepState::Completed).await;
    scene.between.let_go();
    until_state(&queue, job, State::Completed).await;
    assert_eq!(scene.ahead.did(), ["ahead 1 from 0"]);
    assert_eq!(scene.between.did(), ["ground", "between 1", "between 2", "between 3", "end after 1"]);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_pause_holds_both_and_both_go_on() {
    let scene = Scene::new();
    let queue = scene.open();
    let job = scene.add(&queue, &Orders::default()).await;
    let runner = queue.run().await.unwrap();
    until_both_work(&queue, job).await;
    queue.pause(job).await.unwrap();
    let view = until_state(&queue, job, State::Paused).await;
    assert_eq!((view.steps[1].state, view.steps[2].state), (StepState::Pending, StepState::Pending));
    queue.resume(job).await.unwrap();
    until(&queue, job, |job| job.steps[2].state == StepState::Running).await;
    scene.between.let_go();
    scene.ahead.let_go();
    until_state(&queue, job, State::Completed).await;
    assert_eq!(scene.ahead.did(), ["ahead 1 from 0", "ahead 1 from 1"]);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_cancel_ends_both_and_takes_both_back() {
    let scene = Scene::new();
    let queue = scene.open();
    let job = scene.add(&queue, &Orders::default()).await;
    let runner = queue.run().await.unwrap();
    until_both_work(&queue, job).await;
    queue.cancel(job).await.unwrap();
    until_state(&queue, job, State::Cancelled).await;
    assert_eq!(scene.between.did().last().unwrap(), "undo ground");
    assert_eq!(scene.ahead.did(), ["ahead 1 from 0", "undo ahead at 1"]);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn after_a_stop_of_the_program_both_go_on_from_where_they_were() {
    let scene = Scene::new();
    let queue = scene.open();
    let job = scene.add(&queue, &Orders::default()).await;
    let runner = queue.run().await.unwrap();
    until_both_work(&queue, job).await;
    runner.stop(Duration::from_secs(5)).await;
    let view = queue.job(job).await.unwrap();
    assert_eq!(view.state, State::Queued);
    assert_eq!((view.steps[1].state, view.steps[2].state), (StepState::Pending, StepState::Pending));
    let runner = queue.run().await.unwrap();
    until(&queue, job, |job| job.steps[2].state == StepState::Running).await;
    scene.ahead.let_go();
    until(&queue, job, |job| job.steps[2].state == StepState::Completed).await;
    runner.stop(Duration::from_secs(5)).await;
    // Done ahead before the stop: passed by after it.
    scene.between.let_go();
    let runner = queue.run().await.unwrap();
    until_state(&queue, job, State::Completed).await;
    assert_eq!(scene.ahead.did(), ["ahead 1 from 0", "ahead 1 from 1"]);
    runner.stop(Duration::from_secs(5)).await;
}
