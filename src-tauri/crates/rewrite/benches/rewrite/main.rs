//! How fast dumps go through the filter, beside `cat` and `sed` on the same file.
//!
//! Each measurement is a process of its own that reads a file and writes to nowhere, like the command line does. The dumps
//! are made here from a seed: `CLONEDECK_BENCH_MB` sets their size (500 by default), and `CLONEDECK_BENCH_RUNS` how often each is
//! run (the best counts, since other work on the machine can only slow a run down).

mod generator;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clonedeck_rewrite::{DumpOptions, Options, Pair, Rewriter, rewrite_dump};

const OLD: &str = "http://old.example.com";
const NEW: &str = "https://copy-of-the-shop.example.org";

fn main() {
    if let Ok(threads) = std::env::var("CLONEDECK_BENCH_FILTER") {
        return filter(threads.parse().expect("a number of threads"));
    }
    // Without `--bench` this is a test run: only see that everything works.
    let measure = std::env::args().any(|word| word == "--bench");
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let megabytes = if measure { number("CLONEDECK_BENCH_MB", 500) } else { 2 };
    let runs = if measure { number("CLONEDECK_BENCH_RUNS", 3) } else { 1 };

    let folder = tempfile::tempdir().expect("a temporary folder");
    println!("rewriting dumps of {megabytes} MB, the best of {runs} runs");
    println!("{:<34} {:>9} {:>9} {:>8} {:>8} {:>9}", "", "MB/s", "target", "to cat", "to sed", "memory");
    for (name, matching, target) in [("no match", false, 1200), ("typical", true, 500)] {
        let path = folder.path().join(format!("{name}.sql"));
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&path).expect("room for the dump"));
        generator::write_dump(&mut file, megabytes as u64 * 1_000_000, matching).expect("room for the dump");
        file.flush().expect("room for the dump");
        let size = path.metadata().expect("it was just written").len();
        let sed_words = format!("s/{}/{}/g", OLD.replace('/', "\\/"), NEW.replace('/', "\\/"));
        let cat = best(runs, || run(Command::new("cat"), &path));
        let sed = best(runs, || {
            let mut sed = Command::new("sed");
            sed.arg(&sed_words).env("LC_ALL", "C");
            run(sed, &path)
        });
        let speed = |time: Duration| size as f64 / 1e6 / time.as_secs_f64();
        println!("{:<34} {:>9.0}", format!("{name}: cat"), speed(cat.0));
        println!("{:<34} {:>9.0}", format!("{name}: sed"), speed(sed.0));
        for threads in [1, 2] {
            let ours = best(runs, || run(ourselves(threads), &path));
            println!(
                "{:<34} {:>9.0} {:>9} {:>7.2}x {:>7.2}x {:>6} MB",
                format!("{name}: clonedeck, {threads} thread{}", if threads == 1 { "" } else { "s" }),
                speed(ours.0),
                target,
                speed(ours.0) / speed(cat.0),
                speed(ours.0) / speed(sed.0),
                ours.1 / 1000,
            );
        }
        std::fs::remove_file(&path).expect("it is ours");
    }
    println!("targets: no match 1200, typical 500 with one thread and faster than sed, memory below 64 MB");
    values(if measure { 2_000 } else { 2 });
}

/// Single values, as a clone asks for them cell by cell.
fn values(times: u32) {
    let rewriter = rewriter();
    let post = generator::post(true);
    let serialized = format!("a:1:{{s:4:\"data\";s:{}:\"{post}\";}}", post.len());
    let without = generator::post(false);
    for (name, value) in
        [("a post without a match", &without), ("a post", &post), ("a serialized post", &serialized)]
    {
        let start = Instant::now();
        let mut total = 0;
        for _ in 0..times {
            total += std::hint::black_box(rewriter.apply(value.as_bytes())).len();
        }
        let speed = value.len() as f64 * f64::from(times) / 1e6 / start.elapsed().as_secs_f64();
        println!("{:<34} {speed:>9.0}", format!("value: {name} ({} bytes)", total / times as usize));
    }
}

fn rewriter() -> Rewriter {
    let pair = Pair::parse(OLD, NEW).expect("a good pair");
    Rewriter::new([pair], Options::default()).expect("a good pair")
}

/// This program again, as a filter.
fn ourselves(threads: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a place"));
    command.env("CLONEDECK_BENCH_FILTER", threads.to_string());
    command
}

fn filter(threads: usize) {
    let options = DumpOptions { threads, ..DumpOptions::default() };
    let report =
        rewrite_dump(&rewriter(), io::stdin().lock(), io::stdout(), options).expect("the dump passes");
    assert_eq!(report.problems, []);
    assert_eq!(report.left_over_count, 0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    eprintln!("{}", peak.trim().trim_end_matches(" kB"));
}

/// The time of one run, and its peak memory in kB where it says so.
fn run(mut command: Command, input: &Path) -> (Duration, u64) {
    let start = Instant::now();
    let output = command
        .stdin(File::open(input).expect("the dump is there"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .expect("the program starts");
    let time = start.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    (time, said.trim().parse().unwrap_or(0))
}

fn best(runs: u32, once: impl Fn() -> (Duration, u64)) -> (Duration, u64) {
    let all: Vec<_> = (0..runs).map(|_| once()).collect();
    (all.iter().map(|run| run.0).min().unwrap_or_default(), all.iter().map(|run| run.1).max().unwrap_or(0))
}
