//! One runner, fencing, crashes.

use std::time::Duration;

use clonedeck_queue::{Error, State, StepState, StoreError};

use crate::database;
use crate::toys::{add, open, order, quick, toys, until, until_state};

#[tokio::test]
async fn a_second_runner_is_refused_and_told_who_runs_the_queue() {
    let (dir, world, queue) = toys(quick());
    assert_eq!(queue.runner(), None);
    let runner = queue.run().await.unwrap();
    let other = open(dir.path(), &world, quick());
    let Err(Error::Store(StoreError::Held { holder })) = other.run().await else {
        panic!("a second runner was let in")
    };
    assert_eq!((holder.pid, holder.name.as_str()), (std::process::id(), "clonedeck"));
    assert_eq!(other.runner().unwrap().pid, std::process::id());
    // It can add all the same, and the runner takes it at once.
    let id = add(&other, &order("a")).await;
    until_state(&other, id, State::Completed).await;
    runner.stop(Duration::from_secs(5)).await;
    let runner = other.run().await.unwrap();
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_stale_attempt_writes_nothing() {
    let (dir, world, queue) = toys(quick());
    let long = order("a").waiting();
    let id = add(&queue, &long).await;
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
    let (dir, _, queue) = toys(quick());
    let id = add(&queue, &order("a")).await;
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
    let (dir, _, queue) = toys(quick());
    let id = add(&queue, &order("a")).await;
    database(dir.path()).execute("UPDATE job SET state = 'running', boot = 'another'", []).unwrap();
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    let job = queue.job(id).await.unwrap();
    assert_eq!((job.state, job.crashes, job.resumed), (State::Completed, 0, 1));
}
