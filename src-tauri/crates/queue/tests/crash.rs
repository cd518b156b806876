//! The campaign: a child process runs the queue and is killed at random moments, over and over. Then everything that it
//! promised is checked against the traces that its jobs left.
//!
//! `CLONEDECK_KILLS` says how often it is killed, 30 when not set; `CLONEDECK_SEED` repeats a campaign.

#[path = "child/line.rs"]
#[allow(dead_code, reason = "the child uses the rest")]
mod line;
#[path = "child/promises.rs"]
#[allow(dead_code, reason = "the other tests with a child use the rest")]
mod promises;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use clonedeck_queue::JobId;
use promises::{Luck, Running, cancel_some, check};

/// Jobs (and batches) in a round, and kills before the next round begins.
const JOBS: u32 = 200;
const KILLS_A_ROUND: u32 = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_the_queue_keeps_every_promise() {
    let kills: u32 = std::env::var("CLONEDECK_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(30);
    let seed = std::env::var("CLONEDECK_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(20_261_122);
    eprintln!("{kills} kills, seed {seed}");
    let mut luck = Luck(seed);
    let mut left = kills;
    while left > 0 {
        let now = left.min(KILLS_A_ROUND);
        round(now, &mut luck).await;
        left -= now;
    }
}

async fn round(kills: u32, luck: &mut Luck) {
    let dir = tempfile::tempdir().unwrap();
    let queue = line::open(dir.path(), 0).unwrap();
    let mut accepted: BTreeSet<JobId> = BTreeSet::new();
    let mut batches: BTreeSet<String> = BTreeSet::new();
    let mut next = 0;
    let mut adder: Option<Running> = None;
    let path = dir.path().display().to_string();
    let mut generation = 0;
    let mut take = |lines: Vec<String>, next: &mut u32| -> bool {
        let mut done = false;
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words[0] {
                "job" => {
                    accepted.insert(words[2].parse().unwrap());
                    *next = (*next).max(words[1].parse::<u32>().unwrap() + 1);
                }
                "batch" => {
                    batches.insert(words[1..].join(" "));
                }
                "added" => done = true,
                other => panic!("the adder said {other}: {line}"),
            }
        }
        done
    };
    let mut all_added = false;
    for _ in 0..kills {
        generation += 1;
        if !all_added && adder.is_none() {
            adder = Some(Running::start(&["add".into(), path.clone(), next.to_string(), JOBS.to_string()]));
        }
        let runner = Running::start(&["run".into(), path.clone(), generation.to_string()]);
        if luck.next(10) > 0 {
            // Mostly in the middle of the work, sometimes in the middle of the start.
            let said = runner.lines.recv_timeout(Duration::from_mins(1)).expect("the child gets ready");
            assert_eq!(said, "ready");
        }
        let until = Instant::now() + Duration::from_millis(luck.next(90));
        while Instant::now() < until {
            cancel_some(&queue, luck).await;
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        for line in runner.kill() {
            assert!(!line.starts_with("error"), "{line}");
        }
        if luck.next(3) == 0
            && let Some(killed) = adder.take()
        {
            all_added = take(killed.kill(), &mut next);
        }
    }
    // The rest in peace.
    if let Some(adder) = adder.take() {
        let mut adder = adder;
        assert!(adder.child.wait().unwrap().success());
        all_added = take(adder.lines.iter().collect(), &mut next);
    }
    if !all_added {
        let mut adder = Running::start(&["add".into(), path.clone(), next.to_string(), JOBS.to_string()]);
        assert!(adder.child.wait().unwrap().success());
        assert!(take(adder.lines.iter().collect(), &mut next));
    }
    generation += 1;
    let mut runner = Running::start(&["run".into(), path, generation.to_string()]);
    let began = Instant::now();
    while runner.child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_mins(2), "the queue never came to rest");
        cancel_some(&queue, luck).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(runner.lines.iter().last().as_deref(), Some("idle"));
    check(&queue, dir.path(), &accepted, &batches).await;
}
