//! Jobs that one version of the program began and another finds.

mod toys;

use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

use clonedeck_queue::{
    AddOptions, Ctx, Done, Job, JobId, JobView, Line, Queue, Registry, Runner, State, Step, StepError, Undone,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use toys::{World, options, quick, until, until_state};

/// What an order says, and which steps it comes to, in one version of the program.
trait Version: Send + Sync + 'static {
    type Order: Serialize + DeserializeOwned + Send + Sync;
    fn steps(line: &mut Line<Tale<Self>>, world: &World)
    where
        Self: Sized;
}

struct Tale<V>(World, PhantomData<V>);

impl<V: Version> Job for Tale<V> {
    const KIND: &'static str = "tale";
    type Spec = V::Order;

    fn title(&self, _: &V::Order) -> String {
        "Tale".into()
    }

    fn steps(&self, line: &mut Line<Self>) {
        V::steps(line, &self.0);
    }

    fn policy(&self) -> clonedeck_queue::Policy {
        quick()
    }
}

/// Tells its name; `listen` goes on only when the world lets it.
struct Tell<V>(World, PhantomData<V>);

impl<V: Version> Step for Tell<V> {
    type Job = Tale<V>;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "tell";
    const TITLE: &'static str = "Tell";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        self.0.note(ctx.step_name().to_owned());
        while ctx.step_name() == "listen" && !self.0.open.load(std::sync::atomic::Ordering::SeqCst) {
            ctx.stop_requested().await;
            ctx.safe_point().await?;
        }
        Ok(Done::Completed(()))
    }

    async fn undo(&self, ctx: &mut Ctx<Self>) -> Result<Undone, StepError> {
        self.0.note(format!("undo {}", ctx.step_name()));
        Ok(Undone::Reverted)
    }
}

fn tell<V: Version>(line: &mut Line<Tale<V>>, world: &World, names: &[&str]) {
    for name in names {
        line.step_named(*name, *name, Tell(world.clone(), PhantomData));
    }
}

struct First;
impl Version for First {
    type Order = String;
    fn steps(line: &mut Line<Tale<Self>>, world: &World) {
        tell(line, world, &["old", "begin", "listen"]);
    }
}

/// Has another step before `begin`, and `old` no more.
struct Second;
impl Version for Second {
    type Order = String;
    fn steps(line: &mut Line<Tale<Self>>, world: &World) {
        tell(line, world, &["greet", "prepare", "begin", "listen"]);
    }
}

/// Cannot read the orders of the others, but writes the same line.
struct Other;
impl Version for Other {
    type Order = u32;
    fn steps(line: &mut Line<Tale<Self>>, world: &World) {
        tell(line, world, &["old", "begin", "listen"]);
    }
}

fn open<V: Version>(dir: &Path, world: &World) -> Queue {
    let registry = Registry::new().with(Tale::<V>(world.clone(), PhantomData));
    Queue::open(dir, registry, options()).unwrap()
}

/// A job that the first version began and left in `listen`, which waits for a person in a queue of another version.
struct Found {
    dir: tempfile::TempDir,
    world: World,
    id: JobId,
    queue: Queue,
    runner: Runner,
}

impl Found {
    /// As `V` finds it; `code` is why it waits.
    async fn by<V: Version>(code: &str) -> Self {
        let (dir, world) = (tempfile::tempdir().unwrap(), World::default());
        let queue = open::<First>(dir.path(), &world);
        let id = queue.add::<Tale<First>>(&"once".to_owned(), AddOptions::default()).await.unwrap();
        let runner = queue.run().await.unwrap();
        until(&queue, id, |job| job.current_step.as_deref() == Some("listen")).await;
        runner.stop(Duration::from_secs(5)).await;
        drop(queue);
        world.did.lock().unwrap().clear();
        let queue = open::<V>(dir.path(), &world);
        let runner = queue.run().await.unwrap();
        let job = until_state(&queue, id, State::Waiting).await;
        assert_eq!(job.waiting_for.unwrap().code, code);
        Self { dir, world, id, queue, runner }
    }
}

fn told(job: &JobView, step: &str) -> String {
    let step = job.steps.iter().find(|one| one.name == step).unwrap();
    step.error.as_ref().map(|error| error.code.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_job_whose_steps_have_changed_waits_for_a_person_and_loses_nothing() {
    let Found { dir, world, id, queue, runner } = Found::by::<Second>("line-changed").await;
    assert_eq!(world.did(), Vec::<String>::new());
    runner.stop(Duration::from_secs(5)).await;
    drop(queue);
    // The version that began it finishes it.
    let queue = open::<First>(dir.path(), &world);
    let runner = queue.run().await.unwrap();
    world.let_go();
    queue.resume(id).await.unwrap();
    until_state(&queue, id, State::Completed).await;
    assert_eq!(world.did(), ["listen"]);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_job_whose_steps_have_changed_can_be_cancelled_and_says_what_it_could_not_take_back() {
    let Found { dir: _dir, world, id, queue, runner } = Found::by::<Second>("line-changed").await;
    queue.cancel(id).await.unwrap();
    let job = until_state(&queue, id, State::Cancelled).await;
    assert_eq!(world.did(), ["undo listen", "undo begin"]);
    assert_eq!((told(&job, "old"), told(&job, "begin")), ("step-unknown".into(), String::new()));
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_job_whose_steps_have_changed_can_begin_anew_with_the_new_ones() {
    let Found { dir: _dir, world, id, queue, runner } = Found::by::<Second>("line-changed").await;
    world.let_go();
    queue.retry_from_start(id).await.unwrap();
    let job = until_state(&queue, id, State::Completed).await;
    assert_eq!(job.steps.len(), 4);
    assert_eq!(world.did(), ["undo listen", "undo begin", "greet", "prepare", "begin", "listen"]);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_job_whose_order_cannot_be_read_waits_for_a_person_and_holds_up_nobody() {
    let Found { dir: _dir, world, id, queue, runner } = Found::by::<Other>("spec-unfit").await;
    world.let_go();
    let other = queue.add::<Tale<Other>>(&7, AddOptions::default()).await.unwrap();
    until_state(&queue, other, State::Completed).await;

    queue.cancel(id).await.unwrap();
    let job = until_state(&queue, id, State::Cancelled).await;
    assert!(["old", "begin", "listen"].iter().all(|step| told(&job, step) == "spec-unfit"));
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_job_whose_order_cannot_be_read_fails_when_it_is_to_begin_anew() {
    let Found { dir: _dir, id, queue, runner, .. } = Found::by::<Other>("spec-unfit").await;
    queue.retry_from_start(id).await.unwrap();
    let job = until_state(&queue, id, State::Failed).await;
    assert_eq!(job.error.as_ref().unwrap().code, "spec-unfit");
    assert_eq!(told(&job, "begin"), "spec-unfit");
    runner.stop(Duration::from_secs(5)).await;
}
