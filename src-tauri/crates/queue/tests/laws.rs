//! The laws of the queue, one by one.

mod toys;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clonedeck_queue::{
    AddOptions, Ctx, DATABASE, Disk, Done, Job, Level, Line, Load, ManualClock, Meter, Needs, Options,
    Policy, Queue, Registry, State, Step, StepError, StepState, StoreError,
};
use clonedeck_store::rusqlite::Connection;
use toys::{Toy, World, open, open_with, options, order, quick, until, until_state};

/// A machine whose load and room the test sets.
#[derive(Default)]
struct Gauge {
    cpu: AtomicU64,
    free: AtomicU64,
}

impl Meter for Gauge {
    fn load(&self) -> Load {
        Load { cpu: self.cpu.load(Ordering::SeqCst) as f32, memory_total: 1000, memory_used: 0 }
    }

    fn disk(&self, _: &Path) -> Option<Disk> {
        Some(Disk { id: 1, free: self.free.load(Ordering::SeqCst) })
    }
}

fn database(dir: &Path) -> Connection {
    let db = Connection::open(dir.join(DATABASE)).unwrap();
    db.busy_timeout(Duration::from_secs(10)).unwrap();
    db
}

#[tokio::test]
async fn a_second_runner_is_refused_and_told_who_runs_the_queue() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let queue = open(dir.path(), &world, quick());
    assert_eq!(queue.runner(), None);
    let runner = queue.run().await.unwrap();
    let other = open(dir.path(), &world, quick());
    let Err(clonedeck_queue::Error::Store(StoreError::Held { holder })) = other.run().await else {
        panic!("a second runner was let in")
    };
    assert_eq!((holder.pid, holder.name.as_str()), (std::process::id(), "clonedeck"));
    assert_eq!(other.runner().unwrap().pid, std::process::id());
    // It can add all the same, and the runner takes it at once.
    let id = other.add::<Toy>(&order("a"), AddOptions::default()).await.unwrap();
    until_state(&other, id, State::Completed).await;
    runner.stop(Duration::from_secs(5)).await;
    let runner = other.run().await.unwrap();
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_stale_attempt_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let queue = open(dir.path(), &world, quick());
    let mut long = order("a");
    long.wait = true;
    let id = queue.add::<Toy>(&long, AddOptions::default()).await.unwrap();
    let runner = queue.run().await.unwrap();
    until(&queue, id, |job| job.steps[1].done == 1).await;
    // Somebody else has taken the job over.
    database(dir.path()).execute("UPDATE job SET epoch = epoch + 1", []).unwrap();
    world.let_go();
    runner.stop(Duration::from_secs(10)).await;
    let job = queue.job(id).await.unwrap();
    assert_eq!(job.state, State::Running, "the new owner's job was touched");
    assert_eq!(job.steps[1].state, StepState::Running);
    assert_eq!(job.steps[2].state, StepState::Pending);
    assert!(!world.did().contains(&"a end".to_owned()));
}

#[tokio::test]
async fn a_job_that_takes_the_program_down_three_times_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let queue = open(dir.path(), &world, quick());
    let id = queue.add::<Toy>(&order("a"), AddOptions::default()).await.unwrap();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    for crash in 1..=3 {
        // What a program leaves that dies at work.
        database(dir.path())
            .execute(
                "UPDATE job SET state = 'running', boot = ?1, started_at = 1, wait = NULL",
                [boot.trim()],
            )
            .unwrap();
        queue.pause_queue().await.unwrap();
        let runner = queue.run().await.unwrap();
        runner.stop(Duration::from_secs(5)).await;
        let job = queue.job(id).await.unwrap();
        assert_eq!(job.crashes, crash);
        assert_eq!(job.state, if crash < 3 { State::Queued } else { State::Waiting });
    }
    let why = queue.job(id).await.unwrap().waiting_for.unwrap();
    assert_eq!((why.code.as_str(), why.needs_person), ("set-aside", true));
    queue.resume_queue().await.unwrap();
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    assert_eq!(queue.job(id).await.unwrap().state, State::Waiting, "it was run a fourth time");
    queue.retry(id).await.unwrap();
    until_state(&queue, id, State::Completed).await;
}

#[tokio::test]
async fn a_restart_of_the_machine_is_no_crash() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let queue = open(dir.path(), &world, quick());
    let id = queue.add::<Toy>(&order("a"), AddOptions::default()).await.unwrap();
    database(dir.path()).execute("UPDATE job SET state = 'running', boot = 'another'", []).unwrap();
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    let job = queue.job(id).await.unwrap();
    assert_eq!((job.state, job.crashes, job.resumed), (State::Completed, 0, 1));
}

#[tokio::test]
async fn busy_processors_hold_back_more_work_but_never_all_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let gauge = Arc::new(Gauge::default());
    gauge.cpu.store(95, Ordering::SeqCst);
    let options = Options { meter: gauge.clone(), cpu_limit: 80.0, ..options() };
    let queue = open_with(dir.path(), &world, quick(), options);
    let mut long = order("a");
    long.wait = true;
    let a = queue.add::<Toy>(&long, AddOptions::default()).await.unwrap();
    let b = queue.add::<Toy>(&order("b"), AddOptions::default()).await.unwrap();
    let _runner = queue.run().await.unwrap();
    until(&queue, a, |job| job.steps[1].done == 1).await;
    until(&queue, b, |job| job.waiting_for.as_ref().is_some_and(|why| why.code == "cpu")).await;
    gauge.cpu.store(20, Ordering::SeqCst);
    until_state(&queue, b, State::Completed).await;
    world.let_go();
    until_state(&queue, a, State::Completed).await;
}

#[tokio::test]
async fn the_head_of_the_line_is_not_starved_by_smaller_jobs() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let options = Options { memory_budget: Some(1000), slots: 8, ..options() };
    let queue = open_with(dir.path(), &world, quick(), options);
    let with = |name: &str, memory: u64, wait: bool| {
        let mut order = order(name);
        order.memory = memory;
        order.wait = wait;
        order
    };
    let first = queue.add::<Toy>(&with("first", 600, true), AddOptions::default()).await.unwrap();
    let _runner = queue.run().await.unwrap();
    until(&queue, first, |job| job.steps[1].done == 1).await;
    let head = queue.add::<Toy>(&with("head", 800, false), AddOptions::default()).await.unwrap();
    until(&queue, head, |job| job.waiting_for.as_ref().is_some_and(|why| why.code == "memory")).await;
    // 200 are left over beside the head: one small job of 150 may pass, a second may not.
    let small = queue.add::<Toy>(&with("small", 150, true), AddOptions::default()).await.unwrap();
    until(&queue, small, |job| job.steps[1].done == 1).await;
    let more = queue.add::<Toy>(&with("more", 150, false), AddOptions::default()).await.unwrap();
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
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let queue = open(dir.path(), &world, quick());
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        let mut order = order(name);
        order.wait = true;
        order.group = Some(("host:db".into(), 2));
        ids.push(queue.add::<Toy>(&order, AddOptions::default()).await.unwrap());
    }
    let _runner = queue.run().await.unwrap();
    until(&queue, ids[1], |job| job.steps[1].done == 1).await;
    until(&queue, ids[2], |job| job.waiting_for.as_ref().is_some_and(|why| why.code == "group")).await;
    world.let_go();
    until_state(&queue, ids[2], State::Completed).await;
}

#[tokio::test]
async fn waits_for_a_retry_count_active_time_whatever_the_clock_on_the_wall_does() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let clock = ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap());
    let slow =
        Policy { first_backoff: Duration::from_hours(1), max_backoff: Duration::from_hours(1), ..quick() };
    let options = Options { clock: Arc::new(clock.clone()), poll: Duration::from_millis(5), ..options() };
    let queue = open_with(dir.path(), &world, slow, options);
    let mut flaky = order("a");
    flaky.transient = 1;
    let id = queue.add::<Toy>(&flaky, AddOptions::default()).await.unwrap();
    let _runner = queue.run().await.unwrap();
    let job = until_state(&queue, id, State::Waiting).await;
    let why = job.waiting_for.unwrap();
    assert_eq!(why.code, "retry");
    assert!(why.until.unwrap() > jiff::Timestamp::from_second(0).unwrap());
    // A day back, a day forward, a night asleep: the wait is as long as it was.
    for jump in [-24, 24, 24, -24] {
        clock.jump(jiff::SignedDuration::from_hours(jump));
        tokio::time::sleep(Duration::from_millis(40)).await;
        assert_eq!(queue.job(id).await.unwrap().state, State::Waiting);
    }
    clock.sleep(Duration::from_hours(8));
    tokio::time::sleep(Duration::from_millis(40)).await;
    assert_eq!(queue.job(id).await.unwrap().state, State::Waiting);
    clock.advance(Duration::from_hours(1));
    until_state(&queue, id, State::Completed).await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_between_two_starts_makes_no_wait_longer() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let queue = open(dir.path(), &world, quick());
    let mut flaky = order("a");
    flaky.transient = 1;
    let id = queue.add::<Toy>(&flaky, AddOptions::default()).await.unwrap();
    database(dir.path())
        .execute("UPDATE job SET state = 'waiting', timer = 'active', due_at = ?1", [i64::MAX / 2])
        .unwrap();
    let _runner = queue.run().await.unwrap();
    until_state(&queue, id, State::Completed).await;
}

#[tokio::test]
async fn missed_times_of_a_schedule_are_made_up_for_by_one_run() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let clock = ManualClock::new("2026-11-22T08:30:00Z".parse().unwrap());
    let options = Options { clock: Arc::new(clock.clone()), poll: Duration::from_millis(5), ..options() };
    let queue = open_with(dir.path(), &world, quick(), options);
    let next = queue
        .schedule::<Toy>("hourly", "0 * * * *", "UTC", &order("a"), AddOptions::default())
        .await
        .unwrap();
    assert_eq!(next.to_string(), "2026-11-22T09:00:00Z");
    let _runner = queue.run().await.unwrap();
    let runs = || world.did().iter().filter(|did| *did == "a end").count();
    clock.sleep(Duration::from_hours(30));
    let began = std::time::Instant::now();
    while runs() < 1 {
        assert!(began.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(runs(), 1);
    let schedule = queue.schedules().await.unwrap().remove(0);
    assert_eq!(schedule.next_at.to_string(), "2026-11-23T15:00:00Z");
    queue.remove_schedule("hourly").await.unwrap();
    assert!(queue.remove_schedule("hourly").await.is_err());
}

#[tokio::test]
async fn a_scheduled_job_waits_for_the_clock_on_the_wall() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let clock = ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap());
    let options = Options { clock: Arc::new(clock.clone()), poll: Duration::from_millis(5), ..options() };
    let queue = open_with(dir.path(), &world, quick(), options);
    let at = AddOptions::default().at("2026-11-22T12:00:00Z".parse().unwrap());
    let id = queue.add::<Toy>(&order("a"), at).await.unwrap();
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    let why = queue.job(id).await.unwrap().waiting_for.unwrap();
    assert_eq!(
        (why.code.as_str(), why.until.unwrap().to_string().as_str()),
        ("scheduled", "2026-11-22T12:00:00Z")
    );
    clock.sleep(Duration::from_hours(4));
    until_state(&queue, id, State::Completed).await;
}

#[tokio::test]
async fn finished_jobs_are_forgotten_with_everything_that_is_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let clock = ManualClock::new("2026-01-01T08:00:00Z".parse().unwrap());
    let options = Options { clock: Arc::new(clock.clone()), keep_jobs: 3, ..options() };
    let queue = open_with(dir.path(), &world, quick(), options);
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(queue.add::<Toy>(&order(&number.to_string()), AddOptions::default()).await.unwrap());
    }
    let waiting = queue.add::<Toy>(&order("kept"), AddOptions::default().paused()).await.unwrap();
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    assert!(dir.path().join("logs").join(ids[0].to_string()).exists());
    assert_eq!(queue.tidy().await.unwrap(), 2);
    let left = queue.list(clonedeck_queue::Filter::default()).await.unwrap().jobs;
    assert_eq!(left.len(), 4);
    clock.sleep(Duration::from_hours(24 * 91));
    assert_eq!(queue.tidy().await.unwrap(), 3);
    let left = queue.list(clonedeck_queue::Filter::default()).await.unwrap().jobs;
    assert_eq!(left.iter().map(|job| job.id).collect::<Vec<_>>(), [waiting]);
    for id in ids {
        assert!(!dir.path().join("logs").join(id.to_string()).exists());
    }
}

#[tokio::test]
async fn a_follower_sees_a_picture_and_then_every_event_once() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let queue = open(dir.path(), &world, quick());
    let first = queue.add::<Toy>(&order("a"), AddOptions::default()).await.unwrap();
    // From another process's point of view: a second connection that does not run the queue.
    let other = open(dir.path(), &world, quick());
    for follower in [&queue, &other] {
        let following = follower.subscribe(None).await.unwrap();
        assert!(following.snapshot.jobs.iter().any(|job| job.id == first));
    }
    let mut here = queue.subscribe(None).await.unwrap();
    let mut there = other.subscribe(Some(0)).await.unwrap();
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    for (following, added) in [(&mut here, 0), (&mut there, 1)] {
        let mut names = Vec::new();
        while names.last().is_none_or(|name: &String| name != "job.completed") {
            let news =
                tokio::time::timeout(Duration::from_secs(20), following.next()).await.unwrap().unwrap();
            names.extend(news.events.into_iter().map(|event| event.name));
        }
        let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
        assert_eq!((count("job.queued"), count("job.running"), count("job.completed")), (added, 1, 1));
        assert_eq!((count("step.running"), count("step.completed")), (3, 3));
    }
}

/// A job that handles a password.
struct Secretive;
struct Handle;

impl Job for Secretive {
    const KIND: &'static str = "secretive";
    type Spec = ();
    fn title(&self, (): &()) -> String {
        "Secretive".into()
    }
    fn steps(&self, line: &mut Line<Self>) {
        line.step(Handle);
    }
    fn needs(&self, (): &()) -> Needs {
        Needs::nothing()
    }
}

impl Step for Handle {
    type Job = Secretive;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "handle";
    const TITLE: &'static str = "Handle";
    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        ctx.register_secret("hunter2 & co");
        ctx.log(Level::Info, "logging in with hunter2 & co");
        ctx.message("mysql://root:hunter2%20%26%20co@localhost");
        ctx.set_secret_result(serde_json::json!({ "password": "hunter2 & co" }))?;
        ctx.set_result(serde_json::json!({ "user": "admin" }))?;
        let file = ctx.job_dir()?.join("index");
        std::fs::write(file, "1").map_err(|error| StepError::io(&error, "index"))?;
        Err(StepError::permanent("denied", "Access denied for hunter2 & co.")
            .with("password", "hunter2 & co"))
    }
}

#[tokio::test]
async fn a_secret_reaches_the_disk_in_its_own_file_only() {
    let dir = tempfile::tempdir().unwrap();
    let queue = Queue::open(dir.path(), Registry::new().with(Secretive), options()).unwrap();
    let id = queue.add::<Secretive>(&(), AddOptions::default()).await.unwrap();
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    runner.stop(Duration::from_secs(5)).await;
    let job = queue.job(id).await.unwrap();
    assert_eq!(job.error.as_ref().unwrap().message, "Access denied for [secret].");
    assert_eq!(queue.secret_result(id).await.unwrap().unwrap()["password"], "hunter2 & co");
    queue.close().await;
    let mut files = vec![dir.path().to_owned()];
    let mut seen = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.parent().unwrap().ends_with("secrets") {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            }
            seen += 1;
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(7).any(|part| part == b"hunter2");
            assert!(!found, "the secret is in {}", path.display());
        }
    }
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn a_job_that_takes_longer_than_its_deadline_fails() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let clock = ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap());
    let options = Options { clock: Arc::new(clock.clone()), poll: Duration::from_millis(5), ..options() };
    let queue = open_with(dir.path(), &world, quick(), options);
    let mut long = order("a");
    long.wait = true;
    let id = queue.add::<Toy>(&long, AddOptions::default()).await.unwrap();
    let _runner = queue.run().await.unwrap();
    until(&queue, id, |job| job.steps[1].done == 1).await;
    // A week asleep is no work.
    clock.sleep(Duration::from_hours(24 * 7));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(queue.job(id).await.unwrap().state, State::Running);
    clock.advance(Duration::from_hours(49));
    let job = until_state(&queue, id, State::Failed).await;
    assert_eq!(job.error.unwrap().code, "deadline");
}

#[tokio::test]
async fn a_job_that_was_told_of_a_full_disk_goes_on_by_itself_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let gauge = Arc::new(Gauge::default());
    let options = Options { meter: gauge.clone(), ..options() };
    let queue = Queue::open(dir.path(), Registry::new().with(Filling(gauge.clone())), options).unwrap();
    let id = queue.add::<Filling>(&(), AddOptions::default()).await.unwrap();
    let _runner = queue.run().await.unwrap();
    let job = until_state(&queue, id, State::Waiting).await;
    assert_eq!(job.waiting_for.unwrap().code, "disk-full");
    assert_eq!(job.attempts, 1);
    gauge.free.store(10_000, Ordering::SeqCst);
    let job = until_state(&queue, id, State::Completed).await;
    assert_eq!(job.attempts, 1);
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

#[test]
fn the_claim_reads_the_line_from_its_index_and_sorts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path(), &World::default(), quick()));
    let db = database(dir.path());
    let plan = |sql: &str| -> String {
        let mut query = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let nothing = vec![None::<i64>; query.parameter_count()];
        let rows = query
            .query_map(clonedeck_store::rusqlite::params_from_iter(nothing), |row| row.get::<_, String>(3))
            .unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    for (sql, index) in [
        (clonedeck_queue::plans::CANDIDATES, "job_queued"),
        (clonedeck_queue::plans::EARLIEST, "job_due"),
        ("SELECT seq, intent FROM job WHERE state = 'running' AND intent <> 'go'", "job_running"),
        ("SELECT seq FROM job WHERE state = 'failed' ORDER BY seq DESC LIMIT 51", "job_failed"),
        ("SELECT seq FROM job WHERE state = 'completed' ORDER BY seq DESC LIMIT 51", "job_completed"),
        ("SELECT seq FROM job WHERE kind = 'toy' ORDER BY seq DESC LIMIT 51", "job_kind"),
        ("SELECT count(*) FROM job WHERE finished_at IS NOT NULL", "job_finished"),
    ] {
        let plan = plan(sql);
        assert!(plan.contains(index), "{sql}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
    }
}

#[tokio::test]
async fn how_long_still_is_told_from_earlier_jobs_and_not_at_all_without_any() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let clock = ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap());
    let options = Options { clock: Arc::new(clock.clone()), poll: Duration::from_millis(5), ..options() };
    let queue = open_with(dir.path(), &world, quick(), options);
    let mut long = order("a");
    long.wait = true;
    let first = queue.add::<Toy>(&long, AddOptions::default()).await.unwrap();
    let _runner = queue.run().await.unwrap();
    let job = until(&queue, first, |job| job.steps[1].done == 1).await;
    assert_eq!(job.eta_seconds, None);
    clock.advance(Duration::from_secs(100));
    world.let_go();
    until_state(&queue, first, State::Completed).await;
    world.open.store(false, Ordering::SeqCst);
    let second = queue.add::<Toy>(&long, AddOptions::default()).await.unwrap();
    until(&queue, second, |job| job.steps[1].done == 1).await;
    clock.advance(Duration::from_mins(1));
    let eta = queue.job(second).await.unwrap().eta_seconds.unwrap();
    assert!(eta.low <= 40.0 && 40.0 <= eta.high && eta.high < 60.0, "{eta:?}");
    world.let_go();
    until_state(&queue, second, State::Completed).await;
}

#[tokio::test]
async fn a_log_is_followed_from_its_first_line_without_gap_or_double() {
    let dir = tempfile::tempdir().unwrap();
    let queue = Queue::open(dir.path(), Registry::new().with(Chatty), options()).unwrap();
    let id = queue.add::<Chatty>(&(), AddOptions::default()).await.unwrap();
    let mut tail = queue.follow_log(id, 1);
    let _runner = queue.run().await.unwrap();
    let mut lines = Vec::new();
    while lines.len() < 3000 {
        let page = tokio::time::timeout(Duration::from_secs(20), tail.next()).await.unwrap().unwrap();
        assert_eq!(page.missing, 0);
        lines.extend(page.lines);
    }
    for (place, line) in lines.iter().enumerate() {
        assert_eq!((line.number, line.text.as_str()), (place as u64 + 1, format!("line {place}").as_str()));
    }
}

struct Chatty;
struct Chat;

impl Job for Chatty {
    const KIND: &'static str = "chatty";
    type Spec = ();
    fn title(&self, (): &()) -> String {
        "Chatty".into()
    }
    fn steps(&self, line: &mut Line<Self>) {
        line.step(Chat);
    }
    fn needs(&self, (): &()) -> Needs {
        Needs::nothing()
    }
}

impl Step for Chat {
    type Job = Chatty;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "chat";
    const TITLE: &'static str = "Chat";
    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        // From a plain thread, as most work is done.
        let handle = ctx.handle();
        let talk = std::thread::spawn(move || {
            for line in 0..3000 {
                handle.log(Level::Info, format!("line {line}"));
                handle.progress(line, 3000);
            }
        });
        tokio::task::spawn_blocking(move || talk.join()).await.unwrap().unwrap();
        Ok(Done::Completed(()))
    }
}
