//! The life of a job, told from outside.

mod toys;

use std::time::Duration;

use clonedeck_queue::{AddOptions, Batch, Error, Intent, State, StepState};
use toys::{Toy, add, keep, open, order, quick, toys, until, until_state};

#[tokio::test]
async fn a_job_goes_through_its_steps_and_leaves_its_result() {
    let (_dir, world, queue) = toys(quick());
    let id = add(&queue, &order("a")).await;
    let before = queue.job(id).await.unwrap();
    assert_eq!(before.state, State::Queued);
    assert_eq!(before.waiting_for.unwrap().code, "no-runner");
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    let job = queue.job(id).await.unwrap();
    assert_eq!(job.state, State::Completed);
    assert_eq!(job.result.unwrap()["name"], "a");
    assert!((job.progress - 100.0).abs() < f64::EPSILON);
    assert!(job.steps.iter().all(|step| step.state == StepState::Completed && step.attempts == 1));
    assert_eq!(world.did(), ["a begin", "a middle 1 from 0", "a end"]);
    queue.correct_result(id, &serde_json::json!({ "gone": true })).await.unwrap();
    assert_eq!(queue.job(id).await.unwrap().result.unwrap(), serde_json::json!({ "gone": true }));
    let other = add(&queue, &order("b").waiting()).await;
    assert!(matches!(queue.correct_result(other, &true.into()).await, Err(Error::Refused { .. })));
    let log = queue.log_page(id, 1, 10).await.unwrap();
    assert_eq!(
        (log.lines.len(), log.lines[0].text.as_str(), log.lines[0].step.as_str()),
        (1, "beginning", "begin")
    );
    assert!(runner.stop(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn a_step_that_fails_for_a_while_is_tried_again_from_its_cursor() {
    let (_dir, world, queue) = toys(quick());
    let flaky = order("a").failing(2);
    let id = add(&queue, &flaky).await;
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    let job = queue.job(id).await.unwrap();
    assert_eq!((job.state, job.attempts), (State::Completed, 3));
    assert_eq!(
        world.did(),
        ["a begin", "a middle 1 from 0", "a middle 2 from 1", "a middle 3 from 2", "a end"]
    );
}

#[tokio::test]
async fn a_job_that_fails_takes_back_what_it_did_and_can_be_retried() {
    let (_dir, world, queue) = toys(quick());
    let broken = order("a").broken();
    let id = add(&queue, &broken).await;
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    let job = queue.job(id).await.unwrap();
    assert_eq!(job.state, State::Failed);
    assert_eq!(job.error.unwrap().code, "broken");
    assert_eq!(job.steps[0].state, StepState::Undone);
    assert_eq!(job.steps[1].state, StepState::Failed);
    assert_eq!(world.did(), ["a begin", "a middle 1 from 0", "a undo middle at 1", "a undo begin"]);
    queue.retry(id).await.unwrap();
    until_state(&queue, id, State::Failed).await;
    runner.until_idle().await;
    assert_eq!(world.did().iter().filter(|did| *did == "a begin").count(), 2);
}

#[tokio::test]
async fn a_kind_that_keeps_failures_goes_on_from_the_failed_step() {
    let (_dir, world, queue) = toys(keep());
    let broken = order("a").failing(3);
    let id = add(&queue, &broken).await;
    let _runner = queue.run().await.unwrap();
    until_state(&queue, id, State::Failed).await;
    queue.retry(id).await.unwrap();
    until(&queue, id, |job| job.state == State::Failed && job.attempts > 4).await;
    assert_eq!(world.did().iter().filter(|did| *did == "a begin").count(), 1);
    // A cancel of the failed job clears up.
    queue.cancel(id).await.unwrap();
    let job = until_state(&queue, id, State::Cancelled).await;
    assert_eq!(job.steps[0].state, StepState::Undone);
}

#[tokio::test]
async fn a_retry_from_the_start_takes_back_what_was_done_and_begins_anew() {
    // One that failed and keeps what it did, one that waits for a person, and one that is paused.
    let (_dir, world, queue) = toys(keep());
    let broken = add(&queue, &order("a").broken()).await;
    let mut runner = queue.run().await.unwrap();
    until_state(&queue, broken, State::Failed).await;
    queue.retry_from_start(broken).await.unwrap();
    runner.until_idle().await;
    let job = queue.job(broken).await.unwrap();
    assert_eq!((job.state, job.attempts), (State::Failed, 2));
    let first = ["a begin", "a middle 1 from 0"];
    let again = ["a undo middle at 1", "a undo begin"];
    assert_eq!(world.did(), [first, again, first].concat());

    let locked = add(&queue, &order("b").locked()).await;
    until_state(&queue, locked, State::Waiting).await;
    queue.retry_from_start(locked).await.unwrap();
    runner.until_idle().await;
    assert_eq!(queue.job(locked).await.unwrap().state, State::Waiting, "nobody has let it in");
    queue.pause(locked).await.unwrap();
    world.let_go();
    queue.retry_from_start(locked).await.unwrap();
    until_state(&queue, locked, State::Completed).await;
    let did = world.did();
    assert_eq!(did.iter().filter(|did| *did == "b middle 1 from 0").count(), 3, "no cursor is left: {did:?}");
    assert_eq!(did.iter().filter(|did| *did == "b undo begin").count(), 2, "{did:?}");
    // What has ended well stays as it is.
    assert!(matches!(queue.retry_from_start(locked).await, Err(Error::Refused { .. })));
}

#[tokio::test]
async fn a_retry_from_the_start_is_kept_over_a_stop_and_gives_way_to_a_cancel() {
    let (dir, world, queue) = toys(keep());
    let id = add(&queue, &order("a").broken()).await;
    let runner = queue.run().await.unwrap();
    until_state(&queue, id, State::Failed).await;
    runner.stop(Duration::from_secs(5)).await;
    queue.retry_from_start(id).await.unwrap();
    queue.retry_from_start(id).await.unwrap();
    queue.close().await;
    let queue = open(dir.path(), &world, keep());
    assert_eq!(queue.job(id).await.unwrap().state, State::Queued);
    queue.cancel(id).await.unwrap();
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    assert_eq!(queue.job(id).await.unwrap().state, State::Cancelled);
    assert_eq!(world.did(), ["a begin", "a middle 1 from 0", "a undo middle at 1", "a undo begin"]);
    // Nothing is left to take back.
    queue.retry_from_start(id).await.unwrap();
    runner.until_idle().await;
    assert_eq!(world.did().len(), 6, "{:?}", world.did());
}

#[tokio::test]
async fn pause_takes_hold_at_a_safe_point_and_resume_goes_on_from_the_cursor() {
    let (_dir, world, queue) = toys(quick());
    let long = order("a").waiting();
    let id = add(&queue, &long).await;
    let _runner = queue.run().await.unwrap();
    until(&queue, id, |job| job.steps[1].done == 1).await;
    queue.pause(id).await.unwrap();
    let job = until_state(&queue, id, State::Paused).await;
    assert_eq!((job.attempts, job.steps[1].attempts), (1, 1));
    world.let_go();
    queue.resume(id).await.unwrap();
    let job = until_state(&queue, id, State::Completed).await;
    assert_eq!(job.steps[1].attempts, 1);
    assert_eq!(world.did(), ["a begin", "a middle 1 from 0", "a middle 1 from 1", "a end"]);
}

#[tokio::test]
async fn cancel_runs_the_undos_backwards() {
    let (_dir, world, queue) = toys(quick());
    let long = order("a").waiting();
    let id = add(&queue, &long).await;
    let never = queue.add::<Toy>(&order("b"), AddOptions::default().paused()).await.unwrap();
    let _runner = queue.run().await.unwrap();
    until(&queue, id, |job| job.steps[1].done == 1).await;
    queue.cancel(id).await.unwrap();
    until_state(&queue, id, State::Cancelled).await;
    assert_eq!(world.did(), ["a begin", "a middle 1 from 0", "a undo middle at 1", "a undo begin"]);
    // What has not begun has nothing to take back.
    queue.cancel(never).await.unwrap();
    assert_eq!(queue.job(never).await.unwrap().state, State::Cancelled);
    assert!(matches!(queue.pause(never).await, Err(Error::Refused { .. })));
}

#[tokio::test]
async fn a_job_that_needs_a_person_waits_and_costs_no_try() {
    let (_dir, world, queue) = toys(quick());
    let locked = order("a").locked();
    let id = add(&queue, &locked).await;
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    let job = queue.job(id).await.unwrap();
    assert_eq!(job.state, State::Waiting);
    let why = job.waiting_for.unwrap();
    assert_eq!((why.code.as_str(), why.needs_person), ("password-expired", true));
    world.let_go();
    queue.resume(id).await.unwrap();
    let job = until_state(&queue, id, State::Completed).await;
    assert_eq!((job.attempts, job.steps[1].attempts), (1, 1));
}

#[tokio::test]
async fn a_stop_in_good_order_costs_no_try_and_the_next_program_goes_on() {
    let (dir, world, queue) = toys(quick());
    let long = order("a").waiting();
    let id = add(&queue, &long).await;
    let runner = queue.run().await.unwrap();
    until(&queue, id, |job| job.steps[1].done == 1).await;
    assert!(runner.stop(Duration::from_secs(10)).await);
    let job = queue.job(id).await.unwrap();
    assert_eq!((job.state, job.crashes), (State::Queued, 0));
    drop(queue);
    world.let_go();
    let queue = open(dir.path(), &world, quick());
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    let job = queue.job(id).await.unwrap();
    assert_eq!((job.state, job.attempts, job.resumed, job.crashes), (State::Completed, 1, 1, 0));
}

#[tokio::test]
async fn a_step_that_panics_fails_its_job_and_nothing_else() {
    let (_dir, _, queue) = toys(quick());
    let bad = order("bad").panicking();
    let bad = add(&queue, &bad).await;
    let good = add(&queue, &order("good")).await;
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    assert_eq!(queue.job(bad).await.unwrap().error.unwrap().code, "panic");
    assert_eq!(queue.job(good).await.unwrap().state, State::Completed);
}

#[tokio::test]
async fn what_follows_a_batch_follows_once() {
    let (_dir, world, queue) = toys(quick());
    let broken = order("broken").broken();
    let plain = AddOptions::default;
    let batch = Batch::new("two").job::<Toy>(order("1"), plain()).job::<Toy>(order("2"), plain());
    let batch = batch.then::<Toy>(order("then"), plain()).catch::<Toy>(order("catch"), plain());
    let (good, _) = queue.add_batch(batch.finally::<Toy>(order("finally"), plain())).await.unwrap();
    let batch = Batch::new("three").job::<Toy>(order("3"), plain()).job::<Toy>(broken, plain());
    let batch = batch.then::<Toy>(order("then!"), plain()).catch::<Toy>(order("catch!"), plain());
    let (bad, _) = queue.add_batch(batch.finally::<Toy>(order("finally!"), plain())).await.unwrap();
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    let count = |name: &str| world.did().iter().filter(|did| **did == format!("{name} end")).count();
    assert_eq!((count("then"), count("catch"), count("finally")), (1, 0, 1));
    assert_eq!((count("then!"), count("catch!"), count("finally!")), (0, 1, 1));
    let good = queue.batch(good).await.unwrap();
    assert_eq!((good.total, good.completed, good.open), (2, 2, 0));
    let bad = queue.batch(bad).await.unwrap();
    assert_eq!((bad.failed, bad.completed), (1, 1));
}

#[tokio::test]
async fn adding_the_same_thing_twice_answers_with_the_first() {
    let (_dir, _, queue) = toys(quick());
    let once = || AddOptions::default().unique("clone:/srv/shop");
    let first = queue.add::<Toy>(&order("a"), once()).await.unwrap();
    assert_eq!(queue.add::<Toy>(&order("a"), once()).await.unwrap(), first);
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    assert_ne!(queue.add::<Toy>(&order("a"), once()).await.unwrap(), first);
    assert!(matches!(queue.retry(first).await, Err(Error::Refused { .. } | Error::Duplicate { .. })));
}

#[tokio::test]
async fn two_jobs_never_work_on_one_target_and_the_second_says_why_it_waits() {
    let (_dir, world, queue) = toys(quick());
    let first = order("a").on("target:/srv/shop").waiting();
    let mut second = first.clone();
    second.name = "b".into();
    let a = add(&queue, &first).await;
    let _runner = queue.run().await.unwrap();
    until(&queue, a, |job| job.steps[1].done == 1).await;
    let b = add(&queue, &second).await;
    let job = until(&queue, b, |job| job.waiting_for.as_ref().is_some_and(|why| why.code == "target")).await;
    assert!(job.waiting_for.unwrap().message.contains(&a.to_string()));
    // A pause does not give the half-written target away.
    queue.pause(a).await.unwrap();
    until_state(&queue, a, State::Paused).await;
    assert_eq!(queue.job(b).await.unwrap().state, State::Queued);
    world.let_go();
    queue.resume(a).await.unwrap();
    until_state(&queue, b, State::Completed).await;
    let did = world.did();
    let at = |what: &str| did.iter().position(|did| did == what).unwrap();
    assert!(at("a end") < at("b begin"));
}

#[tokio::test]
async fn a_paused_queue_starts_nothing_and_says_so() {
    let (_dir, _, queue) = toys(quick());
    queue.pause_queue().await.unwrap();
    let mut runner = queue.run().await.unwrap();
    let id = add(&queue, &order("a")).await;
    runner.until_idle().await;
    let job = queue.job(id).await.unwrap();
    assert_eq!(
        (job.state, job.intent, job.waiting_for.unwrap().code.as_str()),
        (State::Queued, Intent::Go, "queue-paused")
    );
    queue.resume_queue().await.unwrap();
    until_state(&queue, id, State::Completed).await;
}

#[tokio::test]
async fn ids_are_found_by_any_unique_beginning() {
    let (_dir, _, queue) = toys(quick());
    let ids = queue.add_many::<Toy>(&[order("a"), order("b")], AddOptions::default()).await.unwrap();
    assert_eq!(queue.find(&ids[0].to_string()).await.unwrap(), ids[0]);
    assert!(matches!(queue.find("0").await, Err(Error::AmbiguousJob { matches, .. }) if matches.len() == 2));
    assert!(matches!(queue.find("ffff").await, Err(Error::UnknownJob(_))));
    assert!(matches!(queue.find("not an id").await, Err(Error::UnknownJob(_))));
}
