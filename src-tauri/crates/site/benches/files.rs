//! Copies a generated site tree with Clonedeck, `cp -a`, `rsync -a` and (where it is installed) `xcp`, side by side.
//!
//! Every run starts with a cold cache (as root; else warm, and said so) and ends when the disk has everything. The tools take turns, so
//! that a busy machine hits all of them; medians are compared. Clonedeck's time includes taking the index. It runs in a process of its
//! own, as the others do, so that its memory is its own. Room is needed for the tree once for every run of every tool.
//!
//! `CLONEDECK_BENCH_FILES` (22000), `CLONEDECK_BENCH_BYTES` (1700000000), `CLONEDECK_BENCH_RUNS` (3), `CLONEDECK_BENCH_DIR` (a
//! temporary folder), `CLONEDECK_BENCH_SEED` (1), `CLONEDECK_BENCH_THREADS` (as built), `CLONEDECK_BENCH_ONLY` (a tool's name).

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clonedeck_site::files::{self, Exclusions, Index, Options};
use clonedeck_site::{Part, Unwatched};

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
        Generator::new(number("CLONEDECK_BENCH_SEED", 1)).tree(
            &source,
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

/// Makes the same tree for the same seed.
struct Generator {
    state: u64,
}

impl Generator {
    fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Between 0 and 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A size whose logarithm is normal around `median`.
    fn size(&mut self, median: f64, spread: f64) -> u64 {
        let normal =
            (-2.0 * self.share().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos();
        (median * (spread * normal).exp()) as u64
    }

    /// Two thirds small code files; uploads of all sizes for the rest of the bytes, some of 5 to 20 MB.
    fn tree(&mut self, root: &Path, files: u64, bytes: u64) {
        let uploads = files / 3;
        let large = uploads / 200;
        let mut left = bytes;
        for number in 0..files - uploads {
            let folder = match number % 10 {
                0..=2 => format!("wp-includes/d{}", number / 10 % 60),
                3..=8 => format!("wp-content/plugins/p{}/src/d{}", number / 10 % 40, number / 400 % 12),
                _ => format!("wp-content/themes/t{}/parts", number / 10 % 6),
            };
            let name = match number % 500 {
                7 => b"with space.php".to_vec(),
                8 => b"new\nline.php".to_vec(),
                9 => b"\xff\xfe.php".to_vec(),
                10 => b"--help".to_vec(),
                _ => Vec::new(),
            };
            let name = [format!("f{number}").as_bytes(), &name, b".php"].concat();
            let len = self.size(3000.0, 1.2).min(200_000);
            left = left.saturating_sub(len);
            self.file(&root.join(folder).join(OsStr::from_bytes(&name)), len);
        }
        for number in 0..large {
            let len = 5_000_000 + self.next() % 15_000_000;
            let len = len.min(bytes / 10);
            left = left.saturating_sub(len);
            self.file(
                &root.join(format!("wp-content/uploads/2024/{:02}/film-{number}.mp4", number % 12 + 1)),
                len,
            );
        }
        let median = left as f64 / (uploads - large) as f64 / 1.65;
        for number in 0..uploads - large {
            let len = self.size(median, 1.0).min(4_000_000);
            let folder = format!("wp-content/uploads/{}/{:02}", 2015 + number % 10, number / 10 % 12 + 1);
            self.file(&root.join(folder).join(format!("image-{number}.jpg")), len);
        }
        std::os::unix::fs::symlink("index.php", root.join("link")).expect("a link");
        sync(root);
    }

    fn file(&mut self, path: &Path, len: u64) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let bytes: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        fs::write(path, &bytes[..len as usize]).expect("a file");
    }
}
