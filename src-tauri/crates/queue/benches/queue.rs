//! The speed of the queue beside its targets: `cargo bench -p clonedeck-queue`.
//!
//! Every figure is a ratio to something measured in the same run, or a rate on this machine; nothing here fails.
//! Arguments choose measurements by name; `huey` is measured as well where Python has it.

mod huey;
mod toys;

use std::time::{Duration, Instant};

use clonedeck_queue::{AddOptions, Filter, Queue, State};
use clonedeck_store::rusqlite::{Connection, params};
use toys::{Line1, Nothing, Ticker, open, registry};

struct Row {
    what: &'static str,
    target: String,
    measured: String,
    met: bool,
}

fn folder() -> tempfile::TempDir {
    // On a real disk: a temporary folder in memory would make fsync free.
    let place = |name| std::env::var(name).ok();
    let target =
        place("CLONEDECK_BENCH_DIR").or_else(|| place("CARGO_TARGET_DIR")).unwrap_or("target".into());
    std::fs::create_dir_all(&target).expect("the target folder");
    tempfile::tempdir_in(target).expect("a folder for the measurement")
}

fn percentile(times: &mut [Duration], part: f64) -> Duration {
    times.sort();
    times[((times.len() - 1) as f64 * part) as usize]
}

/// Seconds for one durable one-row commit in a bare SQLite file.
fn bare_commit(rounds: u32) -> f64 {
    let dir = folder();
    let db = Connection::open(dir.path().join("bare.db")).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    db.pragma_update(None, "synchronous", "FULL").unwrap();
    db.execute_batch("CREATE TABLE row (id INTEGER PRIMARY KEY, text TEXT)").unwrap();
    let text = "x".repeat(300);
    let began = Instant::now();
    for _ in 0..rounds {
        db.prepare_cached("INSERT INTO row (text) VALUES (?1)").unwrap().execute(params![text]).unwrap();
    }
    began.elapsed().as_secs_f64() / f64::from(rounds)
}

async fn single_adds(queue: &Queue, rounds: u32) -> f64 {
    let began = Instant::now();
    for _ in 0..rounds {
        queue.add::<Nothing>(&0, AddOptions::default().paused()).await.unwrap();
    }
    began.elapsed().as_secs_f64() / f64::from(rounds)
}

async fn adding(rows: &mut Vec<Row>) {
    let dir = folder();
    let queue = open(dir.path(), 4);
    single_adds(&queue, 200).await;
    bare_commit(200);
    // Turn about, so that both see the same disk.
    let (mut bare, mut own) = (0.0, 0.0);
    for _ in 0..5 {
        bare += bare_commit(300) / 5.0;
        own += single_adds(&queue, 300).await / 5.0;
    }
    rows.push(Row {
        what: "durable add of one job ÷ bare commit",
        target: "≤ 1.5".into(),
        measured: format!("{:.2} ({:.0} µs ÷ {:.0} µs)", own / bare, own * 1e6, bare * 1e6),
        met: own / bare <= 1.5,
    });
    let began = Instant::now();
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move {
                for _ in 0..250 {
                    queue.add::<Nothing>(&0, AddOptions::default().paused()).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let ratio = 4000.0 / began.elapsed().as_secs_f64() * bare;
    rows.push(Row {
        what: "16 callers at once ÷ bare commits/s",
        target: "≥ 5".into(),
        measured: format!("{ratio:.1}"),
        met: ratio >= 5.0,
    });
    let many = vec![0u32; 10_000];
    let began = Instant::now();
    queue.add_many::<Nothing>(&many, AddOptions::default().paused()).await.unwrap();
    let took = began.elapsed();
    rows.push(Row {
        what: "10,000 jobs in one call",
        target: "< 0.5 s".into(),
        measured: format!("{:.2} s", took.as_secs_f64()),
        met: took < Duration::from_millis(500),
    });
}

async fn throughput(rows: &mut Vec<Row>) {
    let bare = bare_commit(1000);
    let mut best = 0.0f64;
    let mut all = Vec::new();
    for _ in 0..3 {
        let dir = folder();
        let queue = open(dir.path(), 4);
        let mut runner = queue.run().await.unwrap();
        runner.until_idle().await;
        let many = vec![0u32; 10_000];
        let began = Instant::now();
        queue.add_many::<Nothing>(&many, AddOptions::default()).await.unwrap();
        loop {
            runner.until_idle().await;
            let counts = queue.counts().await.unwrap();
            if counts.completed == 10_000 {
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        let rate = 10_000.0 / began.elapsed().as_secs_f64();
        runner.stop(Duration::from_secs(5)).await;
        all.push(format!("{rate:.0}"));
        best = best.max(rate);
    }
    rows.push(Row {
        what: "no-op jobs of one step, add to completed, 4 slots",
        target: "≥ 10,000 /s".into(),
        measured: format!(
            "{best:.0} /s (runs: {}; {:.1} jobs in the time of a bare commit)",
            all.join(", "),
            best * bare
        ),
        met: best >= 10_000.0,
    });
    if let Some(rate) = huey::rate(&folder()) {
        rows.push(Row {
            what: "  the same with huey's SQLite backend",
            target: "—".into(),
            measured: format!("{rate:.0} /s"),
            met: true,
        });
    }
}

async fn latency(rows: &mut Vec<Row>) {
    let dir = folder();
    let queue = open(dir.path(), 4);
    let runner = queue.run().await.unwrap();
    let mut times = Vec::new();
    for round in 0..1_050 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let (sender, receiver) = tokio::sync::oneshot::channel();
        toys::expect_first_line(sender);
        let began = Instant::now();
        queue.add::<Line1>(&0, AddOptions::default()).await.unwrap();
        let first: Instant = receiver.await.unwrap();
        if round >= 50 {
            times.push(first - began);
        }
    }
    runner.stop(Duration::from_secs(5)).await;
    let (half, most) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
    rows.push(Row {
        what: "idle queue, add to the step's first line, p50",
        target: "< 1 ms".into(),
        measured: format!("{:.2} ms", half.as_secs_f64() * 1e3),
        met: half < Duration::from_millis(1),
    });
    rows.push(Row {
        what: "idle queue, add to the step's first line, p99",
        target: "< 5 ms".into(),
        measured: format!("{:.2} ms", most.as_secs_f64() * 1e3),
        met: most < Duration::from_millis(5),
    });
}

/// Processor time of this process, in seconds.
fn cpu_seconds() -> f64 {
    let usage = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    usage.tv_sec as f64 + usage.tv_nsec as f64 / 1e9
}

async fn progress(rows: &mut Vec<Row>) {
    let dir = folder();
    let queue = open(dir.path(), 64);
    queue.set_slots(64);
    let runner = queue.run().await.unwrap();
    // 64 is the most slots there are; each job ticks for several, so that it is 200 × 100 ticks a second.
    queue.add_many::<Ticker>(&vec![200 * 100 / 64; 64], AddOptions::default()).await.unwrap();
    while queue.counts().await.unwrap().running < 64 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut following = queue.subscribe(None).await.unwrap();
    let listener = tokio::spawn(async move {
        let mut messages = 0u32;
        let until = Instant::now() + Duration::from_secs(5);
        while tokio::time::timeout_at(until.into(), following.next()).await.is_ok() {
            messages += 1;
        }
        messages
    });
    let before = cpu_seconds();
    let began = Instant::now();
    let messages = listener.await.unwrap();
    let took = began.elapsed().as_secs_f64();
    let cost = (cpu_seconds() - before) / took * 100.0;
    runner.stop(Duration::from_secs(5)).await;
    rows.push(Row {
        what: "progress, 20,000 ticks/s: share of one core",
        target: "< 10 %".into(),
        measured: format!("{cost:.1} %"),
        met: cost < 10.0,
    });
    let rate = f64::from(messages) / took;
    rows.push(Row {
        what: "progress: messages to a subscriber",
        target: "≤ 10 /s".into(),
        measured: format!("{rate:.1} /s"),
        met: rate <= 10.5,
    });
}

async fn history(rows: &mut Vec<Row>) {
    let dir = folder();
    let queue = open(dir.path(), 4);
    // 100,000 finished jobs, written as the queue would have left them.
    queue.add_many::<Nothing>(&vec![0; 100_000], AddOptions::default().paused()).await.unwrap();
    queue.close().await;
    let db = Connection::open(dir.path().join(clonedeck_queue::DATABASE)).unwrap();
    db.execute_batch(
        "UPDATE job SET state = CASE WHEN seq % 50 = 0 THEN 'failed' ELSE 'completed' END, step = 1,
                started_at = created_at, finished_at = created_at + seq, wait = NULL;
         INSERT INTO step (job, idx, name, state, output, active_ms) SELECT seq, 0, 'nothing', 'completed', 'null', 1 FROM job;",
    )
    .unwrap();
    drop(db);
    let queue = open(dir.path(), 4);
    queue.add_many::<Nothing>(&vec![0; 1_000], AddOptions::default()).await.unwrap();
    queue.close().await;
    drop(queue);
    let db = Connection::open(dir.path().join(clonedeck_queue::DATABASE)).unwrap();
    db.execute("UPDATE job SET state = 'running', epoch = 1, started_at = 1 WHERE seq > 100990", []).unwrap();
    drop(db);
    let began = Instant::now();
    let queue = open(dir.path(), 4);
    queue.list(Filter::default()).await.unwrap();
    let first = began.elapsed();
    rows.push(Row {
        what: "start with 100,000 jobs: open and first page",
        target: "< 50 ms".into(),
        measured: format!("{:.1} ms", first.as_secs_f64() * 1e3),
        met: first < Duration::from_millis(50),
    });
    queue.pause_queue().await.unwrap();
    let began = Instant::now();
    let runner = queue.run().await.unwrap();
    let rescue = began.elapsed();
    rows.push(Row {
        what: "start with 100,000 jobs: rescue",
        target: "< 1 s".into(),
        measured: format!("{:.1} ms", rescue.as_secs_f64() * 1e3),
        met: rescue < Duration::from_secs(1),
    });
    let mut slowest = Duration::ZERO;
    for before in [None, Some(100_000), Some(50_000), Some(60)] {
        for states in
            [vec![], vec![State::Completed], vec![State::Failed], vec![State::Completed, State::Failed]]
        {
            for kind in [None, Some("nothing".to_owned()), Some("ticker".to_owned())] {
                let filter = Filter {
                    before,
                    states: states.clone(),
                    kinds: kind.into_iter().collect(),
                    ..Filter::default()
                };
                let began = Instant::now();
                queue.list(filter).await.unwrap();
                slowest = slowest.max(began.elapsed());
            }
        }
    }
    rows.push(Row {
        what: "slowest of 48 pages of the history",
        target: "< 20 ms".into(),
        measured: format!("{:.1} ms", slowest.as_secs_f64() * 1e3),
        met: slowest < Duration::from_millis(20),
    });
    runner.stop(Duration::from_secs(5)).await;
}

fn memory(rows: &mut Vec<Row>) {
    let dir = folder();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["idle", &dir.path().display().to_string()])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&child.stdout);
    let kilobytes: f64 = text.trim().parse().unwrap_or(f64::NAN);
    rows.push(Row {
        what: "memory of a process that runs an idle queue",
        target: "< 25 MB".into(),
        measured: format!("{:.1} MB", kilobytes / 1024.0),
        met: kilobytes < 25.0 * 1024.0,
    });
}

/// The process that [`memory`] measures.
async fn idle(dir: &str) {
    let queue = Queue::open(dir, registry(), clonedeck_queue::Options::default()).unwrap();
    let mut runner = queue.run().await.unwrap();
    queue.add::<Nothing>(&0, AddOptions::default()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    runner.until_idle().await;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    println!("{}", line.split_whitespace().nth(1).unwrap_or("nan"));
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [role, dir] = words.as_slice()
        && role == "idle"
    {
        return idle(dir).await;
    }
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| word == name);
    let mut rows = Vec::new();
    if wanted("add") {
        adding(&mut rows).await;
    }
    if wanted("throughput") {
        throughput(&mut rows).await;
    }
    if wanted("latency") {
        latency(&mut rows).await;
    }
    if wanted("progress") {
        progress(&mut rows).await;
    }
    if wanted("history") {
        history(&mut rows).await;
    }
    if wanted("memory") {
        memory(&mut rows);
    }
    println!("{:<52} {:>12}   measured", "queue", "target");
    for row in rows {
        println!(
            "{:<52} {:>12}   {}{}",
            row.what,
            row.target,
            row.measured,
            if row.met { "" } else { "   ← missed" }
        );
    }
}
