//! A site with a console program, and a queue that runs its jobs.

#![allow(dead_code, reason = "each test binary uses a part")]

pub mod bench;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clonedeck_queue::{JobId, JobView, Options, Queue, Registry, Runner, State};
use tempfile::TempDir;

/// A Craft-like site over SQLite with `entries` entries.
pub struct Site {
    pub folder: PathBuf,
    _keep: TempDir,
}

pub fn site(entries: u32) -> Site {
    let keep = tempfile::tempdir().expect("a folder");
    let folder = keep.path().join("shop");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("craft"), include_str!("../data/craft")).expect("the console program");
    let script = format!(
        "$s = new PDO('sqlite:site.sqlite'); $s->exec('PRAGMA journal_mode = WAL'); $s->exec('CREATE TABLE entry (id INTEGER PRIMARY KEY)');
         $s->exec('CREATE TABLE moved (entry INTEGER, process INTEGER)');
         $s->beginTransaction(); for ($i = 1; $i <= {entries}; $i++) $s->exec(\"INSERT INTO entry VALUES ($i)\"); $s->commit();"
    );
    let made =
        Command::new("php").args(["-r", &script]).current_dir(&folder).status().expect("php is installed");
    assert!(made.success());
    Site { folder: folder.canonicalize().expect("it is there"), _keep: keep }
}

impl Site {
    /// How long the console program rests after each piece of work.
    pub fn pause(&self, pause: Duration) {
        std::fs::write(self.folder.join("pause"), pause.as_micros().to_string()).expect("written");
    }

    /// What a query answers, one number.
    pub fn number(&self, query: &str) -> i64 {
        let script = format!(
            "$s = new PDO('sqlite:site.sqlite'); $s->exec('PRAGMA busy_timeout = 5000'); echo $s->query({query:?})->fetchColumn();"
        );
        let out =
            Command::new("php").args(["-r", &script]).current_dir(&self.folder).output().expect("php runs");
        String::from_utf8_lossy(&out.stdout)
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("{query}: {}", String::from_utf8_lossy(&out.stdout)))
    }
}

pub fn queue(data: &Path, registry: Registry, slots: usize) -> Queue {
    Queue::open(data, registry, Options { slots, cpu_limit: 100.0, ..Options::default() }).expect("opens")
}

/// Runs the queue after another program was killed. A program that it was about to start in that very moment holds the lock for some
/// milliseconds more, until it has become that program.
pub async fn run_after_a_kill(queue: &Queue) -> Runner {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match queue.run().await {
            Ok(runner) => return runner,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub async fn wait_for(queue: &Queue, id: JobId, what: &str, is_so: impl Fn(&JobView) -> bool) -> JobView {
    let until = Instant::now() + Duration::from_mins(2);
    loop {
        let job = queue.job(id).await.expect("it is there");
        if is_so(&job) {
            return job;
        }
        assert!(Instant::now() < until, "never {what}: {job:#?}\n{}", log(queue, id).await);
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

pub async fn ended(queue: &Queue, id: JobId) -> JobView {
    wait_for(queue, id, "ended", |job| {
        matches!(job.state, State::Completed | State::Failed | State::Cancelled)
    })
    .await
}

pub async fn log(queue: &Queue, id: JobId) -> String {
    let page = queue.log_page(id, 1, 10_000).await.expect("a log");
    page.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// Processes that carry any mark of ours and work in `folder`: their ids.
pub fn left_in(folder: &Path) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc")
        .expect("proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes
        .filter(|pid: &u32| {
            std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|at| at.starts_with(folder))
        })
        .collect()
}

/// This test program again, as a child that runs only `test` with `variables` set: something that can be killed.
pub fn again(test: &str, variables: &[(&str, &Path)]) -> Child {
    Command::new(std::env::current_exe().expect("itself"))
        .args(["--exact", test, "--nocapture", "--include-ignored"])
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts")
}

pub fn count(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A project that needs no registry: its tools are in it. `npm ci`, a type-check and a server of its own, each of which takes a moment.
pub fn tiny_project(folder: &Path) {
    let write = |file: &str, text: &str| {
        let place = folder.join(file);
        std::fs::create_dir_all(place.parent().expect("a parent")).expect("a folder");
        std::fs::write(place, text).expect("written");
    };
    write(
        "package.json",
        r#"{"name":"tiny","version":"1.0.0","private":true,"scripts":{"dev":"node server.cjs","build":"node build.cjs"},"devDependencies":{"typescript":"file:./tools/typescript"}}"#,
    );
    write(
        "package-lock.json",
        r#"{"name":"tiny","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{"":{"name":"tiny","version":"1.0.0","devDependencies":{"typescript":"file:./tools/typescript"}},"node_modules/typescript":{"resolved":"tools/typescript","link":true},"tools/typescript":{"name":"typescript","version":"1.0.0","dev":true,"bin":{"tsc":"tsc.cjs"}}}}"#,
    );
    write(
        "tools/typescript/package.json",
        r#"{"name":"typescript","version":"1.0.0","bin":{"tsc":"tsc.cjs"}}"#,
    );
    write("tools/typescript/tsc.cjs", "#!/usr/bin/env node\nsetTimeout(() => {}, 400);\n");
    write("tsconfig.json", "{}");
    write(
        "build.cjs",
        "setTimeout(() => { require('fs').mkdirSync('dist', { recursive: true }); require('fs').writeFileSync('dist/out', 'built'); }, 400);",
    );
    write(
        "server.cjs",
        "setTimeout(() => require('http').createServer((_, answer) => answer.end('tiny')).listen(process.env.PORT, process.env.HOST), 400);",
    );
}

/// Ports that no other test uses.
pub fn some_ports(count: u16) -> std::ops::RangeInclusive<u16> {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 21_000 + (std::process::id() % 200) as u16 * 50 + NEXT.fetch_add(count, Ordering::Relaxed);
    first..=first + count - 1
}
