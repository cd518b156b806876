//! Faults of the machine: full disks, torn files, stopped processes, many processes at once.

#[path = "child/line.rs"]
#[allow(dead_code, reason = "the child uses the rest")]
mod line;
#[path = "child/promises.rs"]
#[allow(dead_code, reason = "the campaign uses the rest")]
mod promises;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clonedeck_queue::{AddOptions, DATABASE, Error, Filter, JobId, Queue, State, StoreError};
use line::{Conduct, Quick, Traced, TracedJob};
use promises::Running;

fn start(role: &str, dir: &Path, rest: &[&str]) -> Running {
    let mut words = vec![role.to_owned(), dir.display().to_string()];
    words.extend(rest.iter().map(|word| (*word).to_owned()));
    Running::start(&words)
}

async fn until_completed(queue: &Queue, count: u64) {
    let began = Instant::now();
    loop {
        let counts = queue.counts().await.unwrap();
        if counts.completed == count {
            return;
        }
        assert!(began.elapsed() < Duration::from_mins(2), "only {counts:?} of {count}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_add_a_thousand_jobs_each_while_a_third_runs_them() {
    let dir = tempfile::tempdir().unwrap();
    let queue = line::open(dir.path(), 0).unwrap();
    let runner = start("serve", dir.path(), &["1"]);
    assert_eq!(runner.lines.recv().unwrap(), "ready");
    let adders = [start("quick", dir.path(), &["0", "1000"]), start("quick", dir.path(), &["1000", "2000"])];
    let mut accepted: BTreeSet<JobId> = BTreeSet::new();
    for mut adder in adders {
        assert!(adder.child.wait().unwrap().success());
        let lines: Vec<String> = adder.lines.iter().collect();
        let ids = lines.iter().filter_map(|line| line.strip_prefix("job ")?.split(' ').nth(1)?.parse().ok());
        accepted.extend::<Vec<JobId>>(ids.collect());
    }
    assert_eq!(accepted.len(), 2000);
    until_completed(&queue, 2000).await;
    runner.kill();
    let mut before = None;
    let mut attempts = 0;
    loop {
        let page = queue.list(Filter { before, limit: Some(1000), ..Filter::default() }).await.unwrap();
        attempts += page.jobs.iter().filter(|job| accepted.contains(&job.id) && job.attempts == 1).count();
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(attempts, 2000, "every job ran, and ran once");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_that_is_stopped_for_a_while_is_not_taken_for_dead() {
    let dir = tempfile::tempdir().unwrap();
    let queue = line::open(dir.path(), 0).unwrap();
    let mut ids = Vec::new();
    for number in 0..8 {
        let order = Traced { name: format!("job {number}"), conduct: Conduct::Plain };
        ids.push(queue.add::<TracedJob>(&order, AddOptions::default()).await.unwrap());
    }
    let runner = start("serve", dir.path(), &["1"]);
    assert_eq!(runner.lines.recv().unwrap(), "ready");
    let pid = rustix::process::Pid::from_raw(runner.child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        let Err(Error::Store(StoreError::Held { holder })) = queue.run().await else {
            panic!("a second runner was let in while the first was only stopped")
        };
        assert_eq!(holder.pid, runner.child.id());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    until_completed(&queue, 8).await;
    for id in ids {
        let job = queue.job(id).await.unwrap();
        assert_eq!((job.attempts, job.crashes, job.resumed), (1, 0, 0));
        let trace = std::fs::read_to_string(dir.path().join("traces").join(id.to_string())).unwrap();
        assert_eq!(trace.lines().count(), 10, "each step began and ended once\n{trace}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_copied_mid_work_with_a_torn_log_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let queue = line::open(dir.path(), 0).unwrap();
    for number in 0..40 {
        queue.add::<Quick>(&format!("quick {number}"), AddOptions::default()).await.unwrap();
        let order = Traced { name: format!("job {number}"), conduct: Conduct::Plain };
        queue.add::<TracedJob>(&order, AddOptions::default()).await.unwrap();
    }
    let runner = start("serve", dir.path(), &["1"]);
    assert_eq!(runner.lines.recv().unwrap(), "ready");
    for cut in [0usize, 13, 5000] {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let copy = tempfile::tempdir().unwrap();
        let log = format!("{DATABASE}-wal");
        // The file while no checkpoint is under way, then its log: what a power cut leaves.
        std::fs::copy(dir.path().join(DATABASE), copy.path().join(DATABASE)).unwrap();
        let bytes = std::fs::read(dir.path().join(&log)).unwrap_or_default();
        std::fs::write(copy.path().join(&log), &bytes[..bytes.len().saturating_sub(cut)]).unwrap();
        std::fs::create_dir_all(copy.path().join("traces")).unwrap();
        let torn = line::open(copy.path(), 5).unwrap();
        let total = torn.list(Filter { limit: Some(1000), ..Filter::default() }).await.unwrap().jobs.len();
        assert!(cut > 0 || total == 80, "{total} jobs in a whole copy");
        let mut again = torn.run().await.unwrap();
        again.until_idle().await;
        until_completed(&torn, total as u64).await;
        again.stop(Duration::from_secs(5)).await;
    }
    runner.kill();
}

/// A small file system that goes away with the test.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(at: &Path, size: &str) -> Result<Self, String> {
        let out = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at)
            .output()
            .map_err(|error| error.to_string())?;
        if out.status.success() {
            Ok(Self(at.into()))
        } else {
            Err(String::from_utf8_lossy(&out.stderr).trim().to_owned())
        }
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_and_empties_again_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let _disk = match Tmpfs::mount(dir.path(), "8m") {
        Ok(disk) => disk,
        Err(why) => {
            assert!(std::env::var("CI").is_err(), "no small disk can be mounted here: {why}");
            eprintln!("not shown here: a small disk cannot be mounted ({why})");
            return;
        }
    };
    let queue = line::open(dir.path(), 1).unwrap();
    let runner = queue.run().await.unwrap();
    let mut accepted = Vec::new();
    for number in 0..20 {
        accepted.push(queue.add::<Quick>(&format!("before {number}"), AddOptions::default()).await.unwrap());
    }
    let order = Traced { name: "traced".into(), conduct: Conduct::Plain };
    accepted.push(queue.add::<TracedJob>(&order, AddOptions::default()).await.unwrap());
    let filler = dir.path().join("filler");
    let mut refused = 0;
    for number in 0..2000 {
        if number % 50 == 0 {
            fill(&filler);
        }
        match queue.add::<Quick>(&format!("full {number} {}", "x".repeat(2000)), AddOptions::default()).await
        {
            Ok(id) => accepted.push(id),
            Err(error) => {
                assert_eq!((error.code(), error.is_retryable()), ("disk-full", true), "{error}");
                refused += 1;
                if refused > 20 {
                    break;
                }
            }
        }
    }
    assert!(refused > 20, "the disk never became full");
    tokio::time::sleep(Duration::from_millis(300)).await;
    std::fs::remove_file(&filler).unwrap();
    // By itself, within a few seconds.
    until_completed(&queue, accepted.len() as u64).await;
    for id in accepted {
        assert_eq!(queue.job(id).await.unwrap().state, State::Completed);
    }
    let again = queue.add::<Quick>(&"after".into(), AddOptions::default()).await.unwrap();
    let began = Instant::now();
    while queue.job(again).await.unwrap().state != State::Completed {
        assert!(began.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    runner.stop(Duration::from_secs(5)).await;
    queue.close().await;
}

/// Takes what is left of the disk.
fn fill(path: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
    for size in [64 << 10, 4096, 512] {
        let block = vec![1u8; size];
        while file.write_all(&block).is_ok() {}
    }
}

#[test]
fn a_damaged_queue_is_set_aside_and_a_newer_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(line::open(dir.path(), 0).unwrap());
    let file = dir.path().join(DATABASE);
    let db = clonedeck_store::rusqlite::Connection::open(&file).unwrap();
    db.pragma_update(None, "user_version", 999).unwrap();
    drop(db);
    let error = line::open(dir.path(), 0).unwrap_err();
    assert_eq!(error.code(), "database-newer");
    std::fs::write(&file, "no database at all, only a sentence that is long enough to be read").unwrap();
    let error = line::open(dir.path(), 0).unwrap_err();
    assert_eq!(error.code(), "database-damaged");
    assert!(!error.help().is_empty());
    line::open(dir.path(), 0).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_of_every_released_schema_opens_and_goes_on() {
    let this_start = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    // The machine that wrote the fixture has started anew since; the second time it is as if it had not.
    for (version, dump, boot, crashes) in [
        (1, include_str!("fixtures/v1.sql"), None, 0),
        (1, include_str!("fixtures/v1.sql"), Some(this_start.trim()), 1),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let db = clonedeck_store::rusqlite::Connection::open(dir.path().join(DATABASE)).unwrap();
        db.pragma_update(None, "auto_vacuum", "INCREMENTAL").unwrap();
        db.execute_batch(dump).unwrap();
        db.pragma_update(None, "user_version", version).unwrap();
        db.pragma_update(None, "application_id", 0x434C_4451).unwrap();
        if let Some(boot) = boot {
            db.execute("UPDATE job SET boot = ?1 WHERE boot IS NOT NULL", [boot]).unwrap();
        }
        drop(db);
        let queue = line::open_released(dir.path(), 2).unwrap();
        let before = queue.counts().await.unwrap();
        assert_eq!((before.completed, before.queued, before.running), (3, 15, 4));
        let mut runner = queue.run().await.unwrap();
        let mut luck = promises::Luck(3);
        let began = Instant::now();
        loop {
            promises::cancel_some(&queue, &mut luck).await;
            let counts = queue.counts().await.unwrap();
            if counts.queued + counts.running + counts.waiting == 0 {
                break;
            }
            assert!(began.elapsed() < Duration::from_mins(1), "{counts:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        runner.until_idle().await;
        let page = queue.list(Filter { limit: Some(100), ..Filter::default() }).await.unwrap();
        assert_eq!(page.jobs.iter().filter(|job| job.crashes == crashes && job.resumed == 1).count(), 4);
        for job in page.jobs {
            let wanted = match job.spec["conduct"].as_str().unwrap() {
                "Broken" => State::Failed,
                "Endless" => State::Cancelled,
                _ => State::Completed,
            };
            assert_eq!(job.state, wanted, "{}", job.title);
        }
        runner.stop(Duration::from_secs(5)).await;
    }
}
