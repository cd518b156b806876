//! The program ends at every commit and at every place inside a transaction; the next one puts things right.
//!
//! Runs with `--features failpoints`.

#[path = "child/line.rs"]
#[allow(dead_code, reason = "the child uses the rest")]
mod line;
#[path = "child/promises.rs"]
#[allow(dead_code, reason = "the campaign uses the rest")]
mod promises;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use clonedeck_queue::JobId;
use promises::{Luck, Running, cancel_some, check};

/// Jobs of a round: every conduct, and one batch.
const JOBS: u32 = 20;

fn child(words: &[&str], points: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_queue-crash-child"))
        .args(words)
        .env("FAILPOINTS", points)
        .output()
        .unwrap()
}

fn accepted(output: &Output, jobs: &mut BTreeSet<JobId>, batches: &mut BTreeSet<String>) -> u32 {
    let mut next = 0;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "job" => {
                jobs.insert(words[2].parse().unwrap());
                next = words[1].parse::<u32>().unwrap() + 1;
            }
            "batch" => {
                batches.insert(words[1..].join(" "));
            }
            _ => {}
        }
    }
    next
}

async fn finish(dir: &Path, jobs: &BTreeSet<JobId>, batches: &BTreeSet<String>) {
    let queue = line::open(dir, 0).unwrap();
    let mut luck = Luck(1);
    let mut runner = Running::start(&["run".into(), dir.display().to_string(), "9".into()]);
    let began = Instant::now();
    while runner.child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_mins(1), "the queue never came to rest");
        cancel_some(&queue, &mut luck).await;
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    assert_eq!(runner.lines.iter().last().as_deref(), Some("idle"));
    check(&queue, dir, jobs, batches).await;
}

/// Runs a fresh queue into `point` after it was passed `times` times; `true` when the program ended there.
async fn ends_at(point: &str, times: u32) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display().to_string();
    let (mut jobs, mut batches) = (BTreeSet::new(), BTreeSet::new());
    accepted(&child(&["add", &path, "0", &JOBS.to_string()], ""), &mut jobs, &mut batches);
    // Cancelled before they are endless, so that undos are part of every round.
    let queue = line::open(dir.path(), 0).unwrap();
    let points = format!("{point}={times}*off->return");
    let mut run = Command::new(env!("CARGO_BIN_EXE_queue-crash-child"))
        .args(["run", &path, "1"])
        .env("FAILPOINTS", points)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut luck = Luck(2);
    let began = Instant::now();
    let status = loop {
        if let Some(status) = run.try_wait().unwrap() {
            break status;
        }
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "the child neither ended nor came to rest at {point}"
        );
        cancel_some(&queue, &mut luck).await;
        tokio::time::sleep(Duration::from_millis(3)).await;
    };
    drop(queue);
    finish(dir.path(), &jobs, &batches).await;
    !status.success()
}

#[tokio::test]
async fn an_end_at_any_commit_or_inside_any_transaction_of_the_runner_loses_and_doubles_nothing() {
    for (point, times) in [
        ("store::before-commit", [0, 3, 60]),
        ("store::after-commit", [0, 4, 61]),
        ("store::operation", [1, 9, 80]),
        ("queue::claim", [0, 5, 19]),
        ("queue::turn", [0, 2, 20]),
        ("queue::finish", [0, 3, 17]),
        ("queue::step-done", [0, 11, 50]),
        ("queue::ahead-done", [0, 3, 11]),
        ("queue::step-undone", [0, 1, 7]),
        ("queue::batch", [0, 1, 2]),
    ] {
        for times in times {
            assert!(ends_at(point, times).await, "{point} was not passed {times} times");
        }
    }
}

#[tokio::test]
async fn an_end_in_the_rescue_is_rescued_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display().to_string();
    let (mut jobs, mut batches) = (BTreeSet::new(), BTreeSet::new());
    accepted(&child(&["add", &path, "0", &JOBS.to_string()], ""), &mut jobs, &mut batches);
    assert!(!child(&["run", &path, "1"], "queue::step-done=8*off->return").status.success());
    assert!(!child(&["run", &path, "2"], "queue::rescue=1*off->return").status.success());
    finish(dir.path(), &jobs, &batches).await;
}

#[tokio::test]
async fn an_end_while_adding_loses_no_job_whose_id_was_told() {
    for (point, times) in [("store::before-commit", 5), ("store::after-commit", 5), ("store::operation", 19)]
    {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().display().to_string();
        let (mut jobs, mut batches) = (BTreeSet::new(), BTreeSet::new());
        let killed = child(&["add", &path, "0", &JOBS.to_string()], &format!("{point}={times}*off->return"));
        assert!(!killed.status.success(), "{point}");
        let next = accepted(&killed, &mut jobs, &mut batches);
        let rest = child(&["add", &path, &next.to_string(), &JOBS.to_string()], "");
        assert!(rest.status.success());
        accepted(&rest, &mut jobs, &mut batches);
        finish(dir.path(), &jobs, &batches).await;
    }
}

#[test]
fn an_end_in_the_first_migration_leaves_a_folder_that_opens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display().to_string();
    assert!(!child(&["add", &path, "0", "1"], "store::migrate::before-commit=return").status.success());
    assert!(child(&["add", &path, "0", "1"], "").status.success());
}
