//! Copies of a WordPress database beside what other tools need for the same, in one run on one private server.
//!
//! `cargo bench -p clonedeck-site --bench databases` · `CLONEDECK_BENCH_SCALE=1.0` is the whole size (about 1 GB: 150,000 posts,
//! 1.2 million rows of postmeta, 200,000 comments, the old address in about a third of the rows); 0.02 is the default.
//! `CLONEDECK_BENCH_ONLY=word,word` runs the lines that hold one of the words. Needs mariadb-server; mydumper is measured where it is
//! installed. Memory is the most that this process held during one run, what runs before it left behind included.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clonedeck_site::databases::{
    CONNECTIONS, Known, Occupied, Rewriting, Source, Target, check, copy, rewrite, settle,
};
use clonedeck_site::{Secret, Unwatched};
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::shop_rows::{TABLES, fill};

const OLD: &str = "http://old-shop.example.com";
const NEW: &str = "https://staging.example.org/shop";

const OPTIONS: [&str; 4] = [
    "--innodb-buffer-pool-size=1G",
    "--innodb-log-file-size=1G",
    "--innodb-flush-log-at-trx-commit=1",
    "--max-allowed-packet=64M",
];

fn main() {
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    let scale: f64 =
        std::env::var("CLONEDECK_BENCH_SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(0.02);
    let only = std::env::var("CLONEDECK_BENCH_ONLY").unwrap_or_default();
    let wanted = |line: &str| only.is_empty() || only.split(',').any(|word| line.contains(word));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let server = MariaDb::start_with(&OPTIONS);
    let since = Instant::now();
    server.sql(&format!(
        "CREATE DATABASE src CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci; USE src; {TABLES}"
    ));
    fill(&server, "src", OLD, 0, scale);
    let bytes: f64 = server
        .sql("SELECT SUM(data_length+index_length) FROM information_schema.tables WHERE table_schema='src'")
        .trim()
        .parse()
        .expect("a number");
    println!(
        "database of {:.0} MB made in {:.1} s (scale {scale})\n",
        bytes / 1e6,
        since.elapsed().as_secs_f64()
    );

    let base = best(&server, 2, || bare(&server));
    line("INSERT ... SELECT, two connections, nothing rewritten", base, base, None);
    if wanted("same server rewriting") {
        let time = ours(&server, 2, || runtime.block_on(clone(&server, &server, Some(rewriting()))));
        line("clonedeck, same server, settled, rewriting", time, base, Some(1.5));
        runtime.block_on(check_copy_of("src", &server));
    }
    if wanted("same server reading back") {
        let rewriting = || Some(rewriting().reading_back());
        let time = ours(&server, 2, || runtime.block_on(clone(&server, &server, rewriting())));
        line("clonedeck, the same, and read back for the check", time, base, None);
    }
    if wanted("same server plain") {
        let time = ours(&server, 1, || runtime.block_on(clone(&server, &server, None)));
        line("clonedeck, same server, settled, nothing rewritten", time, base, None);
    }
    if wanted("dump") {
        let time = best(&server, 1, || dump(&server));
        line("mariadb-dump | mariadb, nothing rewritten", time, base, None);
    }
    let have_mydumper = Command::new("mydumper").arg("--version").output().is_ok();
    let mut mydumper_time = None;
    if have_mydumper && (wanted("mydumper") || wanted("two servers")) {
        let time = best(&server, 1, || mydumper(&server));
        line("mydumper + myloader, 2 threads, nothing rewritten", time, base, None);
        mydumper_time = Some(time);
    }
    if wanted("two servers") {
        let other = MariaDb::start_with(&OPTIONS);
        let time = ours(&other, 1, || runtime.block_on(clone(&server, &other, Some(rewriting()))));
        line("clonedeck, two servers, settled, rewriting", time, mydumper_time.unwrap_or(base), Some(1.0));
    }
    if wanted("giants") {
        server.sql(
            "CREATE DATABASE giants; CREATE TABLE giants.t (id INT PRIMARY KEY, v LONGTEXT) ENGINE=InnoDB",
        );
        for id in 1..=4 {
            server.sql(&format!("INSERT INTO giants.t VALUES ({id}, CONCAT('{OLD}/ ', REPEAT('0123456789abcdef', (60 << 20) / 16)))"));
        }
        let rewriting = || Some(rewriting().reading_back());
        for (way, loads) in [("loaded", "ON"), ("inserted", "OFF")] {
            server.sql(&format!("SET GLOBAL local_infile={loads}"));
            let time =
                ours(&server, 1, || runtime.block_on(clone_of("giants", &server, &server, rewriting())));
            println!(
                "four values of 60 MB, rewritten, {way:<8} and read back {:>15.2} s",
                time.as_secs_f64()
            );
        }
        runtime.block_on(check_copy_of("giants", &server));
    }
}

/// The shortest of some runs of ours, and how much memory they took.
fn ours(target: &MariaDb, runs: u32, mut run: impl FnMut()) -> Duration {
    best(target, runs, || {
        forget_peak();
        run();
        println!("  memory of this process at most {} MB (target 150)", peak_memory());
    })
}

/// The shortest of some runs, each into an empty database, with everything written out before it.
fn best(target: &MariaDb, runs: u32, mut run: impl FnMut()) -> Duration {
    (0..runs)
        .map(|_| {
            target.sql("DROP DATABASE IF EXISTS dst");
            let _ = Command::new("sync").status();
            let (own, served) = (processor("self"), processor_of(target));
            let since = Instant::now();
            run();
            let time = since.elapsed();
            println!(
                "  processor: server {:.2} s, this process {:.2} s",
                processor_of(target) - served,
                processor("self") - own
            );
            time
        })
        .min()
        .expect("a run")
}

fn line(what: &str, time: Duration, base: Duration, target: Option<f64>) {
    let ratio = time.as_secs_f64() / base.as_secs_f64();
    let verdict = match target {
        Some(target) if ratio <= target => format!("  target {target}: met"),
        Some(target) => format!("  target {target}: MISSED"),
        None => String::new(),
    };
    println!("{what:<56} {:>7.2} s  {ratio:>5.2}x{verdict}", time.as_secs_f64());
}

/// Seconds of processor that a process has used.
fn processor(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let ticks: u64 =
        stat.split_whitespace().skip(13).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

/// The same for a server.
fn processor_of(server: &MariaDb) -> f64 {
    let pid = std::fs::read_to_string(server.data().with_file_name("pid")).unwrap_or_default();
    processor(pid.trim())
}

async fn clone(from: &MariaDb, to: &MariaDb, rewriting: Option<Rewriting>) {
    clone_of("src", from, to, rewriting).await;
}

async fn clone_of(database: &str, from: &MariaDb, to: &MariaDb, rewriting: Option<Rewriting>) {
    let none = Secret::default();
    let since = Instant::now();
    let source = Source::open(&from.address(database).parse().expect("an address"), &none)
        .await
        .expect("the source opens");
    let address = to.address("dst").parse().expect("an address");
    let target = Target::prepare(&source, &address, &none, "bench", Occupied::Refuse, &Unwatched)
        .await
        .expect("prepared");
    copy(&source, &target, rewriting.as_ref(), CONNECTIONS, &Unwatched).await.expect("copied");
    let copied = since.elapsed();
    settle(&source, &target, rewriting.as_ref(), 3, &Unwatched).await.expect("settled");
    let settled = since.elapsed().saturating_sub(copied);
    if let Some(rewriting) = &rewriting {
        let done = rewrite(&source, &target, rewriting, CONNECTIONS, &Unwatched).await.expect("rewritten");
        assert!(done.cells_changed > 0 && done.newly_broken == 0);
    }
    println!("  copy {:.2} s, settle {:.2} s", copied.as_secs_f64(), settled.as_secs_f64());
    target.finish().await.expect("finished");
}

/// The check of the copy that the line before made, which is no part of its time.
async fn check_copy_of(database: &str, server: &MariaDb) {
    let none = Secret::default();
    let since = Instant::now();
    forget_peak();
    let source = Source::open(&server.address(database).parse().expect("an address"), &none)
        .await
        .expect("the source opens");
    let address = server.address("dst").parse().expect("an address");
    let target = Target::finished(&source, &address, &none).await.expect("the copy opens");
    let checked =
        check(&source, &target, Some(&rewriting()), Known::default(), &Unwatched).await.expect("checked");
    assert!(checked.left_over.is_empty(), "{:?}", checked.left_over);
    println!(
        "  check of the copy {:.2} s; memory of this process at most {} MB",
        since.elapsed().as_secs_f64(),
        peak_memory()
    );
}

fn bare(server: &MariaDb) {
    server.sql(
        "CREATE DATABASE dst CHARACTER SET utf8mb4; CREATE TABLE dst.wp_posts LIKE src.wp_posts; \
         CREATE TABLE dst.wp_postmeta LIKE src.wp_postmeta; CREATE TABLE dst.wp_comments LIKE src.wp_comments; \
         CREATE TABLE dst.wp_options LIKE src.wp_options",
    );
    let fill = |table: &str| format!("INSERT INTO dst.{table} SELECT * FROM src.{table};");
    std::thread::scope(|scope| {
        scope.spawn(|| server.sql(&fill("wp_postmeta")));
        scope.spawn(|| server.sql(&[fill("wp_posts"), fill("wp_comments"), fill("wp_options")].concat()));
    });
}

fn dump(server: &MariaDb) {
    server.sql("CREATE DATABASE dst CHARACTER SET utf8mb4");
    let mut dump = server
        .client("mariadb-dump")
        .args(["--single-transaction", "--quick", "src"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("mariadb-dump starts");
    let out = dump.stdout.take().expect("piped");
    let status = server.client("mariadb").arg("dst").stdin(out).status().expect("mariadb starts");
    assert!(status.success() && dump.wait().expect("it ends").success());
}

fn mydumper(server: &MariaDb) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("dump");
    for (program, more) in [
        (
            "mydumper",
            vec![
                "--database=src".to_owned(),
                format!("--outputdir={}", out.display()),
                "--rows=50000".to_owned(),
            ],
        ),
        ("myloader", vec!["--database=dst".to_owned(), format!("--directory={}", out.display())]),
    ] {
        let output = server
            .client(program)
            .args(["--threads=2", "--verbose=1"])
            .args(more)
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The peak of memory counts from here on.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn rewriting() -> Rewriting {
    fixture::rewriting(OLD, NEW)
}

#[allow(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/database_fixture/mod.rs"]
mod fixture;
