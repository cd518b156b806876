//! The speed of commands and builds beside its targets: `cargo bench -p clonedeck-jobs`.
//!
//! Arguments choose measurements by name: `start`, `flood`, `many`, `again`. Nothing here fails; a missed target is marked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clonedeck_jobs::build::{BuildJob, BuildOrder, Builds};
use clonedeck_jobs::command::{Call, CommandJob, CommandOrder, Commands};
use clonedeck_jobs::{Previews, Programs};
use clonedeck_queue::{AddOptions, JobId, Options, Queue, Registry, State};

/// Programs of the measurement, in a site that has nothing else.
const LIST: &str = r#"
    [[program]]
    name = "bench"
    says = ["bench"]
    run = [["./bench"]]
    evidence = ["bench"]
    [[command]]
    id = "bench.hello"
    program = "bench"
    words = ["hello"]
    title = "Say hello"
    effect = "reads"
    [[command]]
    id = "bench.flood"
    program = "bench"
    words = ["flood"]
    title = "Print much"
    effect = "reads"
"#;
const FLOOD: u64 = 100 << 20;
const PROGRAM: &str = "#!/bin/sh
case $1 in
  hello) echo hello ;;
  flood) yes 'a line of output as programs write it, seventy characters or so long' | head -c 104857600 ;;
esac
";

struct Row {
    what: &'static str,
    target: &'static str,
    measured: String,
    is_met: bool,
}

struct Bench {
    place: tempfile::TempDir,
    commands: Commands,
    queue: Queue,
}

/// A data directory on a real disk: in memory, fsync would be free.
fn open(slots: usize) -> Bench {
    let target = std::env::var("CLONEDECK_BENCH_DIR").or_else(|_| std::env::var("CARGO_TARGET_DIR"));
    let target = target.unwrap_or_else(|_| "target".into());
    std::fs::create_dir_all(&target).expect("the target folder");
    let target = Path::new(&target).canonicalize().expect("the target folder");
    let place = tempfile::tempdir_in(target).expect("a folder for the measurement");
    let data = place.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    std::fs::write(data.join("commands.toml"), LIST).expect("written");
    let (programs, previews) = (Programs::of(&data), Previews::of(&data, false));
    let commands = Commands::new(&programs);
    let registry = Registry::new()
        .with(CommandJob { commands: commands.clone() })
        .with(BuildJob { builds: Builds::new(&programs, &previews) });
    // What else the machine does must not hold anything back.
    let options = Options { slots, cpu_limit: 100.0, ..Options::default() };
    let queue = Queue::open(&data, registry, options).expect("opens");
    previews.lease_from(&queue);
    Bench { place, commands, queue }
}

impl Bench {
    fn site(&self, name: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let site = self.place.path().join(name);
        std::fs::create_dir_all(&site).expect("a folder");
        std::fs::write(site.join("bench"), PROGRAM).expect("written");
        let may = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(site.join("bench"), may).expect("executable");
        site
    }

    fn order(&self, site: &Path, command: &str) -> CommandOrder {
        let call = Call { command: command.into(), arguments: BTreeMap::new(), dry_run: false };
        CommandOrder::new(&self.commands, site.to_owned(), call, None).expect("allowed")
    }

    async fn add(&self, order: &CommandOrder) -> JobId {
        self.queue.add::<CommandJob>(order, AddOptions::default()).await.expect("added")
    }

    async fn completes(&self, id: JobId) {
        while !self.queue.job(id).await.expect("it is there").state.is_final() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let job = self.queue.job(id).await.expect("it is there");
        assert_eq!(job.state, State::Completed, "{:?}", job.error);
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// From the order to the first line in the log, beside the same program started bare to its first line.
async fn start(rows: &mut Vec<Row>) {
    let bench = open(4);
    let site = bench.site("site");
    let runner = bench.queue.run().await.expect("runs");
    let order = bench.order(&site, "bench.hello");
    let (mut bare, mut own) = (Vec::new(), Vec::new());
    for round in 0..35 {
        let began = Instant::now();
        let mut child = Command::new("./bench")
            .arg("hello")
            .current_dir(&site)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("says hello");
        let took_bare = began.elapsed();
        child.wait().expect("ends");

        let began = Instant::now();
        let id = bench.add(&order).await;
        loop {
            let page = bench.queue.log_page(id, 1, 50).await.expect("a log");
            if page.lines.iter().any(|line| line.text == "hello") {
                break;
            }
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        let took_own = began.elapsed();
        bench.completes(id).await;
        // The first rounds warm everything up.
        if round >= 5 {
            bare.push(took_bare);
            own.push(took_own);
        }
    }
    let (bare, own) = (median(bare).as_secs_f64() * 1e3, median(own).as_secs_f64() * 1e3);
    rows.push(Row {
        what: "order to first line in the log, over the program bare",
        target: "< 20 ms",
        measured: format!("{:.1} ms ({own:.1} − {bare:.1})", own - bare),
        is_met: own - bare < 20.0,
    });
    runner.stop(Duration::from_secs(5)).await;
}

/// 100 MB of output through the log, and the memory of this program meanwhile.
async fn flood(rows: &mut Vec<Row>) {
    let bench = open(4);
    let site = bench.site("site");
    let began = Instant::now();
    let mut child = Command::new("./bench").arg("flood").current_dir(&site).stdout(Stdio::piped()).spawn();
    let mut out = child.as_mut().expect("starts").stdout.take().expect("piped");
    let mut chunk = vec![0; 64 << 10];
    while out.read(&mut chunk).expect("reads") > 0 {}
    child.expect("started").wait().expect("ends");
    let bare = FLOOD as f64 / 1e6 / began.elapsed().as_secs_f64();

    let runner = bench.queue.run().await.expect("runs");
    let order = bench.order(&site, "bench.flood");
    let hello = bench.order(&site, "bench.hello");
    let warm = bench.add(&hello).await;
    bench.completes(warm).await;
    forget_peak();
    let mut best = 0.0f64;
    for _ in 0..5 {
        let id = bench.add(&order).await;
        bench.completes(id).await;
        let steps = bench.queue.job(id).await.expect("it is there").steps;
        let run = steps.iter().find(|step| step.name == "run").expect("it has run");
        best = best.max(FLOOD as f64 / 1e6 / (run.active_ms.max(1) as f64 / 1e3));
    }
    let peak = peak() as f64 / 1e6;
    rows.push(Row {
        what: "100 MB of output logged",
        target: "≥ 200 MB/s",
        measured: format!("{best:.0} MB/s (only read: {bare:.0})"),
        is_met: best >= 200.0,
    });
    rows.push(Row {
        what: "memory of the whole program meanwhile",
        target: "< 30 MB",
        measured: format!("{peak:.1} MB"),
        is_met: peak < 30.0,
    });
    runner.stop(Duration::from_secs(5)).await;
}

/// 200 commands that do nearly nothing, in 20 sites.
async fn many(rows: &mut Vec<Row>) {
    let bench = open(4);
    for number in 0..200 {
        let site = bench.site(&format!("site-{}", number % 20));
        bench.add(&bench.order(&site, "bench.hello")).await;
    }
    let began = Instant::now();
    let runner = bench.queue.run().await.expect("runs");
    while bench.queue.counts().await.expect("counts").completed < 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let rate = 200.0 / began.elapsed().as_secs_f64();
    rows.push(Row {
        what: "200 queued trivial commands, 4 slots",
        target: "≥ 40/s",
        measured: format!("{rate:.0}/s"),
        is_met: rate >= 40.0,
    });
    runner.stop(Duration::from_secs(5)).await;
}

/// A small Vite and TypeScript project twice; its packages come from the registry the first time.
async fn again(rows: &mut Vec<Row>) {
    let bench = open(4);
    let project = bench.place.path().join("project");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/shop");
    std::fs::create_dir_all(project.join("src")).expect("a folder");
    for file in ["package.json", "package-lock.json", "index.html", "tsconfig.json", "src/main.ts"] {
        std::fs::copy(from.join(file), project.join(file)).expect("copied");
    }
    let runner = bench.queue.run().await.expect("runs");
    let mut took = Vec::new();
    for _ in 0..2 {
        let mut order = BuildOrder::new(project.clone()).expect("a project");
        (order.build, order.preview) = (true, false);
        let began = Instant::now();
        let id = bench.queue.add::<BuildJob>(&order, AddOptions::default()).await.expect("added");
        bench.completes(id).await;
        took.push(began.elapsed().as_secs_f64());
        for made in ["node_modules", "dist"] {
            std::fs::remove_dir_all(project.join(made)).expect("it was made");
        }
    }
    let part = took[1] / took[0] * 100.0;
    rows.push(Row {
        what: "second build of an unchanged project ÷ the first",
        target: "< 5 %",
        measured: format!("{part:.1} % ({:.2} s ÷ {:.1} s)", took[1], took[0]),
        is_met: part < 5.0,
    });
    runner.stop(Duration::from_secs(5)).await;
}

/// Lets the system count the peak of this program's memory anew.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Most bytes of memory of this program since then.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[tokio::main(flavor = "multi_thread", worker_threads = 4)]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| word == name);
    let mut rows = Vec::new();
    // First, while this program is small.
    if wanted("flood") {
        flood(&mut rows).await;
    }
    if wanted("start") {
        start(&mut rows).await;
    }
    if wanted("many") {
        many(&mut rows).await;
    }
    if wanted("again") {
        again(&mut rows).await;
    }
    println!("{:<54} {:>12}   measured", "commands and builds", "target");
    for Row { what, target, measured, is_met } in rows {
        let missed = if is_met { "" } else { "   ← missed" };
        println!("{what:<54} {target:>12}   {measured}{missed}");
    }
}
