//! A child process of the crash tests, and what the queue promises whatever happens to it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use clonedeck_queue::{Filter, JobId, JobView, Queue, State};

use crate::line::Conduct;

/// A child and the lines it prints.
pub struct Running {
    pub child: Child,
    pub lines: Receiver<String>,
}

impl Running {
    pub fn start(words: &[String]) -> Self {
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
    pub fn kill(mut self) -> Vec<String> {
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

/// Checks every promise against the database and the traces.
pub async fn check(queue: &Queue, dir: &Path, accepted: &BTreeSet<JobId>, batches: &BTreeSet<String>) {
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
    // Also of batches whose addition was told to nobody.
    let mut followers = BTreeSet::new();
    for job in jobs.iter().filter(|job| job.title.starts_with("then ") || job.title.starts_with("finally ")) {
        assert!(followers.insert(&job.title), "{} followed twice", job.title);
    }
    let crashed = jobs.iter().filter(|job| job.crashes > 0).count();
    eprintln!("{} jobs, {crashed} of them killed at work at least once", jobs.len());
    events(queue, &jobs).await;
    for job in &jobs {
        let text = std::fs::read_to_string(dir.join("traces").join(job.id.to_string())).unwrap_or_default();
        trace(job, &text);
        let beside = dir.join("traces").join(format!("{}-beside", job.id));
        trace_beside(&std::fs::read_to_string(beside).unwrap_or_default());
    }
}

/// What the step ahead did: `GENERATION part NUMBER`. It never goes back behind its cursor.
fn trace_beside(text: &str) {
    let mut reached = (0, 0);
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (generation, part) = (words[0].parse::<u32>().unwrap(), words[2].parse::<u32>().unwrap());
        assert!(generation >= reached.0, "a dead program wrote: {line}\n{text}");
        assert!(
            part >= reached.1 && part <= reached.1 + 1,
            "part {part} came after part {}\n{text}",
            reached.1
        );
        reached = (generation, part);
    }
    assert_eq!(reached.1, 1, "the step ahead is done\n{text}");
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
        // A cancelled one may have ended between the commit that began its fourth step and that step's first trace.
        assert!(reached == 4 || reached == 3 && job.state == State::Cancelled, "{text}");
        assert_eq!(undone, 1, "{text}");
    }
}

/// A small generator whose every campaign can be repeated.
pub struct Luck(pub u64);

impl Luck {
    pub fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }
}

/// Cancels the endless jobs that have come to their fourth step.
pub async fn cancel_some(queue: &Queue, luck: &mut Luck) {
    let filter =
        Filter { states: vec![State::Running, State::Queued], limit: Some(1000), ..Filter::default() };
    for job in queue.list(filter).await.unwrap().jobs {
        let endless = job.spec["conduct"] == serde_json::json!(Conduct::Endless);
        let fourth = job.steps.iter().find(|step| step.name == "four");
        if endless && fourth.is_some_and(|step| step.started_at.is_some()) && luck.next(2) == 0 {
            // It may have ended in between.
            let _ = queue.cancel(job.id).await;
        }
    }
}
