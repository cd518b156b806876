//! What holds a start back: processors, memory, groups, disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clonedeck_queue::{
    AddOptions, Ctx, Disk, Done, Job, Line, Load, Meter, Needs, Options, Queue, Registry, State, Step,
    StepError, Trouble,
};

use crate::toys::{Order, add, options, order, quick, toys, toys_with, until, until_state};

/// A machine whose load and room the test sets.
#[derive(Default)]
struct Gauge {
    cpu: AtomicU64,
    /// How often the load was asked for.
    asked: AtomicU64,
    free: AtomicU64,
}

impl Meter for Gauge {
    fn load(&self) -> Load {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Load { cpu: self.cpu.load(Ordering::SeqCst) as f32, memory_total: 1000, memory_used: 0 }
    }

    fn disk(&self, _: &Path) -> Option<Disk> {
        Some(Disk { id: 1, free: self.free.load(Ordering::SeqCst) })
    }
}

#[tokio::test]
async fn busy_processors_hold_back_more_work_but_never_all_of_it() {
    let gauge = Arc::new(Gauge::default());
    gauge.cpu.store(95, Ordering::SeqCst);
    let options = Options { meter: gauge.clone(), cpu_limit: 80.0, ..options() };
    let (_dir, world, queue) = toys_with(quick(), options);
    let long = order("a").waiting();
    let a = add(&queue, &long).await;
    let b = add(&queue, &order("b")).await;
    let _runner = queue.run().await.unwrap();
    until(&queue, a, |job| job.steps[1].done == 1).await;
    until(&queue, b, |job| job.waiting_for.as_ref().is_some_and(|why| why.code == "cpu")).await;
    gauge.cpu.store(20, Ordering::SeqCst);
    until_state(&queue, b, State::Completed).await;
    world.let_go();
    until_state(&queue, a, State::Completed).await;
}

#[tokio::test]
async fn a_job_may_take_the_place_of_one_that_ended_though_the_processors_are_busy() {
    let gauge = Arc::new(Gauge::default());
    let options = Options { meter: gauge.clone(), cpu_limit: 80.0, slots: 2, ..options() };
    let (_dir, world, queue) = toys_with(quick(), options);
    let a = add(&queue, &order("a").waiting()).await;
    let b = add(&queue, &order("b").waiting()).await;
    let c = add(&queue, &order("c").waiting()).await;
    let _runner = queue.run().await.unwrap();
    until(&queue, b, |job| job.steps[1].done == 1).await;
    gauge.cpu.store(95, Ordering::SeqCst);
    let measured = gauge.asked.load(Ordering::SeqCst);
    while gauge.asked.load(Ordering::SeqCst) < measured + 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    queue.cancel(b).await.unwrap();
    until(&queue, c, |job| job.steps[1].done == 1).await;
    assert_eq!(queue.job(a).await.unwrap().state, State::Running);
    world.let_go();
    until_state(&queue, a, State::Completed).await;
    until_state(&queue, c, State::Completed).await;
}

#[tokio::test]
async fn jobs_are_promised_a_part_of_the_processors_and_no_more_than_there_is() {
    let options = Options { meter: Arc::new(Gauge::default()), slots: 8, ..options() };
    let (_dir, world, queue) = toys_with(quick(), options);
    let with = |name: &str, cpu: u32| Order { cpu, ..order(name) };
    let mut four = Vec::new();
    for name in ["a", "b", "c", "d"] {
        four.push(add(&queue, &with(name, 25).waiting()).await);
    }
    let large = add(&queue, &with("large", 50)).await;
    let small = add(&queue, &with("small", 25)).await;
    let _runner = queue.run().await.unwrap();
    for id in &four {
        until(&queue, *id, |job| job.steps[1].done == 1).await;
    }
    until(&queue, large, |job| job.waiting_for.as_ref().is_some_and(|why| why.code == "cpu")).await;
    assert_eq!(queue.job(small).await.unwrap().state, State::Queued);
    world.let_go();
    until_state(&queue, large, State::Completed).await;
    until_state(&queue, small, State::Completed).await;
}

#[tokio::test]
async fn the_head_of_the_line_is_not_starved_by_smaller_jobs() {
    let options = Options { memory_budget: Some(1000), slots: 8, ..options() };
    let (_dir, world, queue) = toys_with(quick(), options);
    let first = add(&queue, &order("first").needing(600).waiting()).await;
    let _runner = queue.run().await.unwrap();
    until(&queue, first, |job| job.steps[1].done == 1).await;
    let head = add(&queue, &order("head").needing(800)).await;
    until(&queue, head, |job| job.waiting_for.as_ref().is_some_and(|why| why.code == "memory")).await;
    // 200 are left over beside the head: one small job of 150 may pass, a second may not.
    let small = add(&queue, &order("small").needing(150).waiting()).await;
    until(&queue, small, |job| job.steps[1].done == 1).await;
    let more = add(&queue, &order("more").needing(150)).await;
    until(&queue, more, |job| job.waiting_for.as_ref().is_some_and(|why| why.code == "memory")).await;
    assert_eq!(queue.job(more).await.unwrap().state, State::Queued);
    world.let_go();
    for id in [first, head, small, more] {
        until_state(&queue, id, State::Completed).await;
    }
    let did = world.did();
    let at = |what: &str| did.iter().position(|did| did == what).unwrap();
    assert!(at("head begin") < at("more begin"));
}

#[tokio::test]
async fn a_group_runs_as_many_as_its_limit() {
    let (_dir, world, queue) = toys(quick());
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(add(&queue, &order(name).grouped("host:db", 2).waiting()).await);
    }
    let _runner = queue.run().await.unwrap();
    until(&queue, ids[1], |job| job.steps[1].done == 1).await;
    until(&queue, ids[2], |job| job.waiting_for.as_ref().is_some_and(|why| why.code == "group")).await;
    world.let_go();
    until_state(&queue, ids[2], State::Completed).await;
}

#[tokio::test]
async fn a_job_that_was_told_of_a_full_disk_goes_on_by_itself_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let gauge = Arc::new(Gauge::default());
    let options = Options { meter: gauge.clone(), ..options() };
    let queue = Queue::open(dir.path(), Registry::new().with(Filling(gauge.clone())), options).unwrap();
    let id = queue.add::<Filling>(&(), AddOptions::default()).await.unwrap();
    let mut runner = queue.run().await.unwrap();
    let rest = tokio::spawn(async move {
        runner.until_idle().await;
        runner
    });
    let job = until_state(&queue, id, State::Waiting).await;
    assert_eq!(job.waiting_for.unwrap().code, "disk-full");
    assert_eq!(job.attempts, 1);
    // Whoever waits until nothing is left to do waits on: nobody has to come for this job.
    assert!(!rest.is_finished());
    gauge.free.store(10_000, Ordering::SeqCst);
    let _runner = rest.await.unwrap();
    let job = queue.job(id).await.unwrap();
    assert_eq!((job.state, job.attempts), (State::Completed, 1));
}

struct Filling(Arc<Gauge>);
struct Fill(Arc<Gauge>);

impl Job for Filling {
    const KIND: &'static str = "filling";
    type Spec = ();
    fn title(&self, (): &()) -> String {
        "Filling".into()
    }
    fn steps(&self, line: &mut Line<Self>) {
        line.step(Fill(self.0.clone()));
    }
    fn needs(&self, (): &()) -> Needs {
        Needs::nothing()
    }
}

impl Step for Fill {
    type Job = Filling;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "fill";
    const TITLE: &'static str = "Fill";
    async fn run(&self, _: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        if self.0.free.load(Ordering::SeqCst) < 5_000 {
            return Err(StepError::disk_full("/srv/copies", 5_000));
        }
        Ok(Done::Completed(()))
    }
}

#[tokio::test]
async fn a_data_folder_that_is_taken_away_holds_the_queue_until_it_is_back() {
    let home = tempfile::tempdir().unwrap();
    let (dir, away) = (home.path().join("data"), home.path().join("away"));
    let gone = Arc::new(AtomicU64::new(0));
    let registry = Registry::new().with(Noting(gone.clone()));
    let queue = Queue::open(&dir, registry, options()).unwrap();
    let id = queue.add::<Noting>(&(), AddOptions::default()).await.unwrap();
    let _runner = queue.run().await.unwrap();
    until_state(&queue, id, State::Running).await;
    assert_eq!(queue.trouble(), None);
    std::fs::rename(&dir, &away).unwrap();
    gone.store(1, Ordering::SeqCst);
    let job = until_state(&queue, id, State::Waiting).await;
    let why = job.waiting_for.unwrap();
    assert_eq!((&*why.code, job.attempts), ("data-folder", 1));
    assert!(why.message.contains(&dir.display().to_string()), "{}", why.message);
    let later = queue.add::<Noting>(&(), AddOptions::default()).await.unwrap();
    assert_eq!(queue.trouble(), Some(Trouble::Gone));
    assert!(!dir.exists(), "nothing is made where the folder was");
    std::fs::rename(&away, &dir).unwrap();
    for id in [id, later] {
        let job = until_state(&queue, id, State::Completed).await;
        assert_eq!(job.attempts, 1);
    }
    assert!(dir.join("jobs").join(id.to_string()).join("note").is_file());
}

/// Writes a note beside the database once the test says that this can be done.
struct Noting(Arc<AtomicU64>);
struct Note(Arc<AtomicU64>);

impl Job for Noting {
    const KIND: &'static str = "noting";
    type Spec = ();
    fn title(&self, (): &()) -> String {
        "Noting".into()
    }
    fn steps(&self, line: &mut Line<Self>) {
        line.step(Note(self.0.clone()));
    }
    fn needs(&self, (): &()) -> Needs {
        Needs::nothing()
    }
}

impl Step for Note {
    type Job = Noting;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "note";
    const TITLE: &'static str = "Note";
    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        while self.0.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let file = ctx.job_dir()?.join("note");
        std::fs::write(&file, "noted").map_err(|error| StepError::io(&error, &file))?;
        Ok(Done::Completed(()))
    }
}
