//! Clocks, schedules, deadlines, retention, estimates.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clonedeck_queue::{AddOptions, Filter, ManualClock, Options, Policy, State};

use crate::database;
use crate::toys::{Toy, add, options, order, quick, toys, toys_with, until, until_state};

/// A clock that the test moves, and options that read it.
fn clocked(start: &str) -> (ManualClock, Options) {
    let clock = ManualClock::new(start.parse().unwrap());
    let options = Options { clock: Arc::new(clock.clone()), poll: Duration::from_millis(5), ..options() };
    (clock, options)
}

#[tokio::test]
async fn waits_for_a_retry_count_active_time_whatever_the_clock_on_the_wall_does() {
    let (clock, options) = clocked("2026-11-22T08:00:00Z");
    let slow =
        Policy { first_backoff: Duration::from_hours(1), max_backoff: Duration::from_hours(1), ..quick() };
    let (_dir, _, queue) = toys_with(slow, options);
    let flaky = order("a").failing(1);
    let id = add(&queue, &flaky).await;
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
    let (dir, _, queue) = toys(quick());
    let flaky = order("a").failing(1);
    let id = add(&queue, &flaky).await;
    database(dir.path())
        .execute("UPDATE job SET state = 'waiting', timer = 'active', due_at = ?1", [i64::MAX / 2])
        .unwrap();
    let _runner = queue.run().await.unwrap();
    until_state(&queue, id, State::Completed).await;
}

#[tokio::test]
async fn missed_times_of_a_schedule_are_made_up_for_by_one_run() {
    let (clock, options) = clocked("2026-11-22T08:30:00Z");
    let (_dir, world, queue) = toys_with(quick(), options);
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
    let (clock, options) = clocked("2026-11-22T08:00:00Z");
    let (_dir, _, queue) = toys_with(quick(), options);
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
    let (clock, options) = clocked("2026-01-01T08:00:00Z");
    let options = Options { keep_jobs: 3, ..options };
    let (dir, _, queue) = toys_with(quick(), options);
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(queue.add::<Toy>(&order(&number.to_string()), AddOptions::default()).await.unwrap());
    }
    let waiting = queue.add::<Toy>(&order("kept"), AddOptions::default().paused()).await.unwrap();
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    assert!(dir.path().join("logs").join(ids[0].to_string()).exists());
    assert_eq!(queue.tidy().await.unwrap(), 2);
    let left = queue.list(Filter::default()).await.unwrap().jobs;
    assert_eq!(left.len(), 4);
    clock.sleep(Duration::from_hours(24 * 91));
    assert_eq!(queue.tidy().await.unwrap(), 3);
    let left = queue.list(Filter::default()).await.unwrap().jobs;
    assert_eq!(left.iter().map(|job| job.id).collect::<Vec<_>>(), [waiting]);
    for id in ids {
        assert!(!dir.path().join("logs").join(id.to_string()).exists());
    }
}

#[tokio::test]
async fn a_job_that_takes_longer_than_its_deadline_fails() {
    let (clock, options) = clocked("2026-11-22T08:00:00Z");
    let (_dir, _, queue) = toys_with(quick(), options);
    let long = order("a").waiting();
    let id = add(&queue, &long).await;
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
async fn how_long_still_is_told_from_earlier_jobs_and_not_at_all_without_any() {
    let (clock, options) = clocked("2026-11-22T08:00:00Z");
    let (_dir, world, queue) = toys_with(quick(), options);
    let long = order("a").waiting();
    let first = add(&queue, &long).await;
    let _runner = queue.run().await.unwrap();
    let job = until(&queue, first, |job| job.steps[1].done == 1).await;
    assert_eq!(job.eta_seconds, None);
    clock.advance(Duration::from_secs(100));
    world.let_go();
    until_state(&queue, first, State::Completed).await;
    world.open.store(false, Ordering::SeqCst);
    let second = add(&queue, &long).await;
    until(&queue, second, |job| job.steps[1].done == 1).await;
    clock.advance(Duration::from_mins(1));
    let eta = queue.job(second).await.unwrap().eta_seconds.unwrap();
    assert!(eta.low <= 40.0 && 40.0 <= eta.high && eta.high < 60.0, "{eta:?}");
    world.let_go();
    until_state(&queue, second, State::Completed).await;
}
