//! Copies a generated site tree with Clonedeck, `cp -a`, `rsync -a` and (where it is installed) `xcp`, side by side.
//!
//! Every run starts with a cold cache (as root; else warm, and said so) and ends when the disk has everything. The tools take turns, so
//! that a busy machine hits all of them; medians are compared. Clonedeck's time includes taking the index. It runs in a process of its
//! own, as the others do, so that its memory is its own. Room is needed for the tree once for every run of every tool.
//!
//! `CLONEDECK_BENCH_FILES` (22000), `CLONEDECK_BENCH_BYTES` (1700000000), `CLONEDECK_BENCH_RUNS` (3), `CLONEDECK_BENCH_DIR` (a
//! temporary folder), `CLONEDECK_BENCH_SEED` (1), `CLONEDECK_BENCH_THREADS` (as built), `CLONEDECK_BENCH_ONLY` (a tool's name).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clonedeck_site::files::{self, Exclusions, Index, Options};
use clonedeck_site::{Part, Unwatched};
use clonedeck_tests::site_tree::generate;

fn main() {
    let args: Vec<_> = std::env::args_os().collect();
    if args.get(1).is_some_and(|arg| arg == "copy-only") {
        copy_only(Path::new(&args[2]), Path::new(&args[3]));
        return;
    }
    let number = |name: &str, default: u64| {
        std::env::var(name)
            .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
    };
    let kept = std::env::var_os("CLONEDECK_BENCH_DIR").map(PathBuf::from);
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = kept.as_deref().unwrap_or(temporary.path());
    let source = folder.join("source");
    if !source.exists() {
        println!("making the tree...");
        generate(
            &source,
            number("CLONEDECK_BENCH_SEED", 1),
            number("CLONEDECK_BENCH_FILES", 22_000),
            number("CLONEDECK_BENCH_BYTES", 1_700_000_000),
        );
    }
    Bench { source, targets: folder.join("targets"), cold: drop_caches() }
        .run(number("CLONEDECK_BENCH_RUNS", 3));
}

/// What the measured process does: index and copy, both told apart.
fn copy_only(source: &Path, target: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let started = Instant::now();
        let index =
            Index::take(source, &Exclusions::none(), |_| Part::Core, &Unwatched).await.expect("an index");
        let indexed = started.elapsed();
        let mut options = Options::default();
        if let Ok(threads) = std::env::var("CLONEDECK_BENCH_THREADS") {
            options.threads = threads.parse().expect("a number of threads");
        }
        let index = Arc::new(index);
        let report = files::copy(Arc::clone(&index), source, target, &[Part::Core], options, &Unwatched)
            .await
            .expect("a copy");
        assert_eq!(report.changed.len() + report.vanished.len(), 0);
        println!("index_ms={} peak_kb={}", indexed.as_millis(), peak_kb());
    });
}

/// The most memory that this process ever held.
fn peak_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

struct Bench {
    source: PathBuf,
    /// One folder for each run. They are removed at the end only: a file system goes on being busy with what was just removed.
    targets: PathBuf,
    cold: bool,
}

const OURS: &str = "clonedeck";

impl Bench {
    fn run(&self, runs: u64) {
        let only = std::env::var("CLONEDECK_BENCH_ONLY").ok();
        let tools: Vec<&str> = [OURS, "cp", "rsync", "xcp"]
            .into_iter()
            .filter(|tool| only.as_ref().is_none_or(|only| only == tool))
            .filter(|tool| *tool == OURS || is_installed(tool))
            .collect();
        let mut first: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
        let mut second: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
        let (mut index_ms, mut peak) = (Vec::new(), 0);
        let _ = fs::remove_dir_all(&self.targets);
        fs::create_dir(&self.targets).expect("a folder");
        for round in 0..runs as usize {
            for turn in 0..tools.len() {
                let tool = tools[(turn + round) % tools.len()];
                let target = self.targets.join(format!("{round}-{tool}"));
                sync(&self.source);
                if self.cold {
                    drop_caches();
                }
                let (took, said) = self.once(tool, &target);
                first.entry(tool).or_default().push(took);
                if tool == OURS {
                    let fact = |name: &str| -> u64 {
                        let text = said.split_whitespace().find_map(|word| word.strip_prefix(name));
                        text.and_then(|text| text.parse().ok()).expect("the facts of the run")
                    };
                    index_ms.push(fact("index_ms="));
                    peak = peak.max(fact("peak_kb="));
                }
                if matches!(tool, OURS | "rsync") {
                    for _ in 0..3 {
                        second.entry(tool).or_default().push(self.once(tool, &target).0);
                    }
                }
                eprintln!("round {} {tool}: {:.2} s {}", round + 1, took.as_secs_f64(), said.trim());
            }
        }
        let _ = fs::remove_dir_all(&self.targets);
        index_ms.sort_unstable();
        println!(
            "\n{} cache, synced, {runs} runs, medians",
            if self.cold { "cold" } else { "WARM (not root)" }
        );
        for (tool, times) in &mut first {
            times.sort();
            let (best, worst) = (times[0].as_secs_f64(), times[times.len() - 1].as_secs_f64());
            println!("  {tool:<10} {:>6.2} s   ({best:.2} to {worst:.2})", median(times));
        }
        println!("  index alone {:.2} s of it", index_ms[index_ms.len() / 2] as f64 / 1000.0);
        println!("second pass, nothing changed");
        for (tool, times) in &mut second {
            times.sort();
            println!("  {tool:<10} {:>6.3} s", median(times));
        }
        println!("\n{:<34} {:>8} {:>9}", "", "target", "measured");
        let ratio = |label: &str, limit: f64, times: &BTreeMap<&str, Vec<Duration>>, other: &str| {
            if let (Some(ours), Some(other)) = (times.get(OURS), times.get(other)) {
                println!("{label:<34} {:>8} {:>9.2}", format!("<= {limit}"), median(ours) / median(other));
            }
        };
        ratio("copy, share of xcp's time", 0.8, &first, "xcp");
        ratio("copy, share of cp -a's time", 0.5, &first, "cp");
        ratio("second pass, share of rsync's time", 0.6, &second, "rsync");
        println!("{:<34} {:>8} {:>9.1}", "peak memory, MB", "< 60", peak as f64 / 1000.0);
    }

    /// One run of one tool, until the disk has everything.
    fn once(&self, tool: &str, target: &Path) -> (Duration, String) {
        let mut command = if tool == OURS {
            Command::new(std::env::current_exe().expect("this program"))
        } else {
            Command::new(tool)
        };
        match tool {
            OURS => command.arg("copy-only").arg(&self.source).arg(target),
            "cp" => command.arg("-a").arg(self.source.join(".")).arg(target),
            "rsync" => command.arg("-a").arg(self.source.join("")).arg(target),
            _ => command.args(["-r", "--no-progress"]).arg(self.source.join("")).arg(target),
        };
        let started = Instant::now();
        let output = command.stdout(Stdio::piped()).output().expect("the tool starts");
        assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
        if tool != OURS {
            sync(target);
        }
        (started.elapsed(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn median(sorted: &[Duration]) -> f64 {
    sorted[sorted.len() / 2].as_secs_f64()
}

fn is_installed(tool: &str) -> bool {
    let version = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

fn sync(path: &Path) {
    let folder = fs::File::open(path).expect("a folder");
    rustix::fs::syncfs(&folder).expect("a sync");
}

/// Whether this user may, and then it is done.
fn drop_caches() -> bool {
    fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}
