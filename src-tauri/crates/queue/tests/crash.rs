//! The campaign: a child process runs the queue and is killed at random moments, over and over. Then everything that it
//! promised is checked against the traces that its jobs left.
//!
//! `CLONEDECK_KILLS` says how often it is killed, 30 when not set; `CLONEDECK_SEED` repeats a campaign.

#[path = "child/line.rs"]
#[allow(dead_code, reason = "the child uses the rest")]
mod line;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use clonedeck_queue::{Filter, JobId, JobView, Queue, State, StepState};
use line::Conduct;

/// Jobs (and batches) in a round, and kills before the next round begins.
const JOBS: u32 = 200;
const KILLS_A_ROUND: u32 = 30;

/// A small generator whose every campaign can be repeated.
struct Luck(u64);

impl Luck {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }
}

/// A child and the lines it prints.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(words: &[String]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_queue-crash-child"))
            .args(words)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let out = child.stdout.take().expect("its output is piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// SIGKILL; whatever it printed before counts.
    fn kill(mut self) -> Vec<String> {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.lines.iter().collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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
    let mut batches: BTreeSet<u32> = BTreeSet::new();
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
                    batches.insert(words[1].parse().unwrap());
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

/// Cancels the endless jobs that have come to their fourth step.
async fn cancel_some(queue: &Queue, luck: &mut Luck) {
    let filter =
        Filter { states: vec![State::Running, State::Queued], limit: Some(1000), ..Filter::default() };
    for job in queue.list(filter).await.unwrap().jobs {
        let endless = job.spec["conduct"] == serde_json::json!(Conduct::Endless);
        if endless && job.steps[2].state == StepState::Completed && luck.next(2) == 0 {
            // It may have ended in between.
            let _ = queue.cancel(job.id).await;
        }
    }
}

async fn check(queue: &Queue, dir: &Path, accepted: &BTreeSet<JobId>, batches: &BTreeSet<u32>) {
    let mut jobs: Vec<JobView> = Vec::new();
    let mut before = None;
    loop {
        let page = queue.list(Filter { before, limit: Some(500), ..Filter::default() }).await.unwrap();
        jobs.extend(page.jobs);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let known: HashMap<JobId, &JobView> = jobs.iter().map(|job| (job.id, job)).collect();
    for id in accepted {
        assert!(known.contains_key(id), "job {id} was accepted and is lost");
    }
    for job in &jobs {
        let wanted = match job.spec["conduct"].as_str().unwrap() {
            "Broken" => State::Failed,
            "Endless" => State::Cancelled,
            _ => State::Completed,
        };
        assert_eq!(job.state, wanted, "{job:#?}");
    }
    for number in batches {
        for role in ["then", "finally"] {
            let count = jobs.iter().filter(|job| job.title == format!("{role} {number}")).count();
            assert_eq!(count, 1, "{role} of batch {number}");
        }
    }
    let crashed = jobs.iter().filter(|job| job.crashes > 0).count();
    eprintln!("{} jobs, {crashed} of them killed at work at least once", jobs.len());
    events(queue, &jobs).await;
    for job in &jobs {
        let text = std::fs::read_to_string(dir.join("traces").join(job.id.to_string())).unwrap_or_default();
        trace(job, &text);
    }
}

/// Epochs only grow, every step completes once, every undo is written down once.
async fn events(queue: &Queue, jobs: &[JobView]) {
    let mut following = queue.subscribe(Some(0)).await.unwrap();
    let last = following.snapshot.seq;
    let mut epochs: HashMap<JobId, i64> = HashMap::new();
    let mut counts: BTreeMap<(JobId, String, usize), u32> = BTreeMap::new();
    let mut ends: HashMap<JobId, u32> = HashMap::new();
    let mut seq = 0;
    while seq < last {
        let news = following.next().await.unwrap();
        for event in news.events {
            assert!(event.seq > seq, "events come in order and once");
            seq = event.seq;
            let Some(job) = event.job else { continue };
            match (event.name.as_str(), event.step) {
                ("job.running", _) => {
                    let epoch = event.data.unwrap()["epoch"].as_i64().unwrap();
                    let before = epochs.insert(job, epoch).unwrap_or(0);
                    assert!(epoch > before, "epoch {epoch} of {job} came after {before}");
                }
                ("job.completed" | "job.failed" | "job.cancelled", _) => *ends.entry(job).or_default() += 1,
                (name @ ("step.completed" | "step.undone"), Some(step)) => {
                    *counts.entry((job, name.to_owned(), step)).or_default() += 1;
                }
                _ => {}
            }
        }
    }
    for ((job, name, step), count) in &counts {
        assert_eq!(*count, 1, "{name} of step {step} of job {job}");
    }
    for job in jobs {
        assert_eq!(ends.get(&job.id), Some(&1), "job {} ended once", job.id);
        let undone = counts.keys().filter(|(id, name, _)| *id == job.id && name == "step.undone").count();
        let wanted = if job.state == State::Completed { 0 } else { 4 };
        assert_eq!(undone, wanted, "undos of {job:#?}");
    }
}

/// What the job did, told by itself: `GENERATION begin|end|undo STEP`.
fn trace(job: &JobView, text: &str) {
    let mut reached = 0;
    let mut undone = usize::MAX;
    let mut seen: HashMap<(u32, &str, usize), u32> = HashMap::new();
    let mut newest = 0;
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (generation, what, step) =
            (words[0].parse().unwrap(), words[1], words[2].parse::<usize>().unwrap());
        assert!(generation >= newest, "a dead program wrote: {line}\n{text}");
        newest = generation;
        let times = seen.entry((generation, what, step)).or_default();
        *times += 1;
        // Only a crash repeats a step, once; and a flaky job its third.
        let flaky = job.spec["conduct"] == "Flaky" && step == 3 && what == "begin";
        assert!(
            *times <= 1 + u32::from(flaky),
            "{line} came {times} times in one life of the program\n{text}"
        );
        match what {
            "begin" => {
                assert!(step >= reached, "step {step} ran again after step {reached} had begun\n{text}");
                assert!(step <= reached + 1, "step {step} ran before its turn\n{text}");
                assert_eq!(undone, usize::MAX, "a step ran after an undo\n{text}");
                reached = step;
            }
            "undo" => {
                assert!(step <= undone, "undo {step} ran again after undo {undone}\n{text}");
                undone = step;
            }
            _ => assert_eq!(step, reached, "{text}"),
        }
    }
    if job.state == State::Completed {
        assert_eq!((reached, undone), (5, usize::MAX), "{text}");
    } else {
        assert_eq!((reached, undone), (4, 1), "{text}");
    }
}
