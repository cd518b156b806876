//! The program is killed in the middle of builds and commands, and many builds come at once. `CLONEDECK_KILLS` says how often,
//! `CLONEDECK_BUILDS` how many; `make crash-build` does it at full size.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use clonedeck_jobs::build::{BuildJob, BuildOrder};
use clonedeck_jobs::command::{Call, CommandJob, CommandOrder, Commands};
use clonedeck_jobs::{Previews, Programs};
use clonedeck_queue::{AddOptions, JobId, JobView, Queue, Registry, State, StepState};
use support::bench::{self, leased, page};
use support::{
    again, count, ended, left_in, log, queue, run_after_a_kill, site, some_ports, tiny_project, wait_for,
};

/// Not a test of its own: runs the queue of another one until it is killed.
#[tokio::test]
#[ignore = "only as a child of other tests"]
async fn a_program_that_will_be_killed() {
    let Some(data) = std::env::var_os("CLONEDECK_TEST_DATA") else { return };
    let first: Option<u16> = std::env::var("CLONEDECK_TEST_PORTS").ok().and_then(|port| port.parse().ok());
    let queue = match first {
        Some(first) => bench::open(Path::new(&data), first..=first + 2, 4).0,
        None => open_commands(Path::new(&data)).0,
    };
    let _runner = run_after_a_kill(&queue).await;
    std::future::pending::<()>().await;
}

/// A tiny project, packed and ordered.
async fn order_packed(root: &Path, queue: &Queue) -> JobId {
    tiny_project(&root.join("project"));
    let packed = std::process::Command::new("tar")
        .args(["-czf", "project.tar.gz", "project"])
        .current_dir(root)
        .status();
    assert!(packed.unwrap().success());
    let mut order = BuildOrder::new(root.join("project.tar.gz")).unwrap();
    order.build = true;
    queue.add::<BuildJob>(&order, AddOptions::default()).await.unwrap()
}

#[tokio::test]
async fn killed_in_any_step_a_build_goes_on_rightly_and_leaves_no_orphan_and_no_port() {
    let steps = ["unpack", "install", "type-check", "build", "start-preview", "ready"];
    for kill in 0..count("CLONEDECK_KILLS", steps.len()) {
        let at = steps[kill % steps.len()];
        let data = tempfile::tempdir().unwrap();
        let root = data.path().canonicalize().unwrap();
        let ports = some_ports(3);
        let (queue, previews) = bench::open(data.path(), ports.clone(), 4);
        let id = order_packed(&root, &queue).await;
        let first = ports.start().to_string();
        let mut program = again(
            "a_program_that_will_be_killed",
            &[("CLONEDECK_TEST_DATA", data.path()), ("CLONEDECK_TEST_PORTS", Path::new(&first))],
        );
        let here = |job: &JobView| {
            let reached = job.steps.iter().find(|step| step.name == at);
            reached.is_some_and(|step| !matches!(step.state, StepState::Pending))
        };
        wait_for(&queue, id, at, here).await;
        // Now and then a little later, so that a program of the step runs.
        tokio::time::sleep(Duration::from_millis((kill as u64 * 37) % 300)).await;
        program.kill().unwrap();
        program.wait().unwrap();
        let was_done = queue.job(id).await.unwrap().state == State::Completed;
        let before = queue.job(id).await.unwrap();

        let runner = run_after_a_kill(&queue).await;
        previews.sweep().await.unwrap();
        let job = ended(&queue, id).await;
        assert_eq!(job.state, State::Completed, "killed in {at}: {:?}\n{}", job.error, log(&queue, id).await);
        for (step, then) in job.steps.iter().zip(&before.steps).filter(|(_, then)| then.state.is_done()) {
            assert_eq!(step.finished_at, then.finished_at, "killed in {at}: {} ran again", step.name);
        }
        looks_right(&queue, &previews, &root, id, was_done, at).await;
        runner.stop(Duration::from_secs(5)).await;
    }
}

/// The server of the job answers, on the port that is leased to it, and nobody else is left; a job that had ended when the program
/// was killed has lost its server, and its port.
async fn looks_right(queue: &Queue, previews: &Previews, root: &Path, id: JobId, was_done: bool, at: &str) {
    let listed = previews.list().unwrap();
    if was_done {
        assert_eq!(
            (listed.len(), leased(queue).await.len(), left_in(root)),
            (0, 0, vec![]),
            "killed in {at}"
        );
        return;
    }
    assert_eq!(listed.len(), 1, "killed in {at}");
    let port = listed[0].port;
    assert_eq!(leased(queue).await, [(port, id.to_string())], "killed in {at}");
    assert!(page(u64::from(port)).await.contains("tiny"), "killed in {at}");
    assert_eq!(left_in(root).len(), listed[0].usage().processes, "killed in {at}: somebody else is left");
    assert!(previews.stop(&id.to_string()).await.unwrap());
    assert_eq!((left_in(root), leased(queue).await), (vec![], vec![]), "killed in {at}");
}

fn open_commands(data: &Path) -> (Queue, Commands) {
    let commands = Commands::new(&Programs::of(data));
    (queue(data, Registry::new().with(CommandJob { commands: commands.clone() }), 4), commands)
}

async fn order(queue: &Queue, commands: &Commands, site: &Path, command: &str) -> JobId {
    let call = Call { command: command.into(), arguments: BTreeMap::new(), dry_run: false };
    let order = CommandOrder::new(commands, site.to_owned(), call, None).unwrap();
    queue.add::<CommandJob>(&order, AddOptions::default()).await.unwrap()
}

#[tokio::test]
async fn after_kills_a_resumable_command_goes_on_and_nothing_of_the_first_is_left() {
    // Two kills each.
    for _ in 0..count("CLONEDECK_KILLS", 2).div_ceil(2) {
        let (site, data) = (site(120), tempfile::tempdir().unwrap());
        site.pause(Duration::from_millis(10));
        let (queue, commands) = open_commands(data.path());
        let id = order(&queue, &commands, &site.folder, "craft.migrate-content").await;
        for at in [20, 60] {
            let mut program = again("a_program_that_will_be_killed", &[("CLONEDECK_TEST_DATA", data.path())]);
            let is_there = |job: &JobView| job.steps.iter().any(|step| step.name == "run" && step.done >= at);
            wait_for(&queue, id, "moving", is_there).await;
            program.kill().unwrap();
            program.wait().unwrap();
        }
        let runner = run_after_a_kill(&queue).await;
        let job = ended(&queue, id).await;
        let log = log(&queue, id).await;
        assert_eq!(job.state, State::Completed, "{:?}\n{log}", job.error);
        assert_eq!(site.number("SELECT count(DISTINCT entry) FROM moved"), 120);
        // What was moved between the last durable checkpoint and the end of the orphan; never everything again.
        assert!(site.number("SELECT count(*) FROM moved") < 300, "{log}");
        assert_eq!(log.matches("--checkpoint=").count(), 2, "{log}");
        assert_eq!(left_in(&site.folder), [0; 0]);
        runner.stop(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn after_a_kill_a_command_that_cannot_go_on_waits_for_a_person() {
    for _ in 0..count("CLONEDECK_KILLS", 1).div_ceil(10) {
        let (site, data) = (site(1), tempfile::tempdir().unwrap());
        site.pause(Duration::from_millis(100));
        let (queue, commands) = open_commands(data.path());
        let id = order(&queue, &commands, &site.folder, "craft.gc").await;
        let mut program = again("a_program_that_will_be_killed", &[("CLONEDECK_TEST_DATA", data.path())]);
        let collecting = |job: &JobView| job.steps.iter().any(|step| step.name == "run" && step.done >= 3);
        wait_for(&queue, id, "collecting", collecting).await;
        program.kill().unwrap();
        program.wait().unwrap();
        let runner = run_after_a_kill(&queue).await;
        let job = wait_for(&queue, id, "waiting", |job| job.state == State::Waiting).await;
        assert_eq!(left_in(&site.folder), [0; 0], "the sweep ended what was left");
        let before = site.number("SELECT count(*) FROM moved");
        let asks = format!("{:?}", job.waiting_for);
        assert!(before < 20 && asks.contains("Run it again?"), "{asks}");
        site.pause(Duration::ZERO);
        queue.resume(id).await.unwrap();
        assert_eq!(ended(&queue, id).await.state, State::Completed);
        assert_eq!(site.number("SELECT count(*) FROM moved"), before + 20);
        runner.stop(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn many_builds_at_once_all_end_and_keep_to_the_slots() {
    let many = count("CLONEDECK_BUILDS", 16);
    let data = tempfile::tempdir().unwrap();
    let root = data.path().canonicalize().unwrap();
    let (queue, previews) = bench::open(data.path(), some_ports(4), 4);
    for number in 0..many {
        let folder = root.join(format!("project-{number}"));
        tiny_project(&folder);
        let mut order = BuildOrder::new(folder).unwrap();
        order.preview = false;
        queue.add::<BuildJob>(&order, AddOptions::default()).await.unwrap();
    }
    let runner = queue.run().await.unwrap();
    let began = Instant::now();
    let (mut peak, mut peak_children, mut peak_memory) = (0, 0, 0);
    loop {
        let counts = queue.counts().await.unwrap();
        peak = peak.max(counts.running);
        assert!(counts.running <= 4, "{} at once", counts.running);
        let children = left_in(&root);
        peak_children = peak_children.max(children.len());
        peak_memory = peak_memory.max(children.iter().map(|pid| memory_of(*pid)).sum());
        if counts.completed == many as u64 {
            break;
        }
        assert_eq!(counts.failed, 0);
        assert!(began.elapsed() < Duration::from_secs(60 + 5 * many as u64));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!(
        "{many} builds in {:?}: at most {peak} at once, {peak_children} children, {} MB",
        began.elapsed(),
        peak_memory >> 20
    );
    assert!(peak >= 2);
    assert!(
        peak_memory < 4 * (512 << 20),
        "{} MB are more than four builds were promised",
        peak_memory >> 20
    );
    assert_eq!((left_in(&root), previews.list().unwrap().len()), (vec![], 0));
    runner.stop(Duration::from_secs(5)).await;
}

/// Bytes of memory that a process uses.
fn memory_of(pid: u32) -> u64 {
    let pages = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok();
    pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok()).unwrap_or(0) * 4096
}
