//! Whole clones by the real `clonedeck` (release build): a large site end to end, going on after a kill, many small ones at once.
//!
//! `make bench-clone` measures the copiers and the databases on their own first, then this. `CLONEDECK_BENCH_FILES` (22000),
//! `CLONEDECK_BENCH_BYTES` (1700000000), `CLONEDECK_BENCH_SCALE` of the database
//! (1.0: about 1 GB), `CLONEDECK_BENCH_SEED` (1), `CLONEDECK_BENCH_SMALL` (24).

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use clonedeck_tests::desk::{Desk, PATIENCE, assert_clean, states, step};
use clonedeck_tests::luck::asked;
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::program::{expect_code, kill_9, wait_for};
use clonedeck_tests::shop_rows::fill;
use clonedeck_tests::site_tree::generate;
use clonedeck_tests::wordpress::WordPress;

fn main() {
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    println!("{:<58} {:>9} {:>10}", "", "target", "measured");
    large();
    small();
}

fn line(what: &str, target: &str, measured: impl std::fmt::Display, met: Option<bool>) {
    let verdict = match met {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "",
    };
    println!("{what:<58} {target:>9} {measured:>10} {verdict}");
}

/// A site of the size that the measurements are about.
fn large() {
    let desk = Desk::new();
    let server = MariaDb::start_with(&[
        "--innodb-buffer-pool-size=1G",
        "--innodb-log-file-size=1G",
        "--innodb-flush-log-at-trx-commit=1",
    ]);
    let site = WordPress::install(&desk.path("shop"), &server, "http://shop.test");
    generate(
        &site.folder,
        asked("CLONEDECK_BENCH_SEED", 1),
        asked("CLONEDECK_BENCH_FILES", 22_000),
        asked("CLONEDECK_BENCH_BYTES", 1_700_000_000),
    );
    let scale = std::env::var("CLONEDECK_BENCH_SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(1.0);
    fill(&server, &site.database, "http://shop.test", 10_000, scale);

    let cold = chill();
    let id = desk.launch(&site.folder, &desk.path("whole"), &[]);
    let began = Instant::now();
    expect_code(desk.command().args(["work", "--until-idle"]), 0);
    let whole = began.elapsed().as_secs_f64();
    let job = desk.job(&id);
    let receipt = desk.receipt(&id);
    assert_clean(&receipt);
    let took = |names: &[&str]| -> f64 {
        names.iter().map(|name| step(&job, name)["active_ms"].as_f64().unwrap_or(0.0) / 1000.0).sum()
    };
    let files = took(&["copy-core", "copy-modules", "copy-themes", "copy-media"]);
    let database = took(&["copy-database", "rewrite-addresses"]);
    let rest = took(&[
        "attach-platform",
        "plan",
        "prepare-target",
        "update-site-defaults",
        "check-the-copy",
        "ready",
    ]);
    let rows: u64 = receipt["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .filter_map(|table| table["rows_target"].as_u64())
        .sum();
    println!(
        "{} files, {:.0} MB, {rows} rows, {} cache; seconds by step:",
        receipt["files"]["count"],
        receipt["files"]["bytes"].as_f64().unwrap_or(0.0) / 1e6,
        if cold { "cold" } else { "WARM (not root)" }
    );
    for (name, _) in states(&job) {
        println!("  {name:<24} {:>6.2}", took(&[&name]));
    }
    // What the copy's own PHP takes is part of the check.
    for page in receipt["pages"].as_array().into_iter().flatten() {
        println!("    {}", page.as_str().unwrap_or_default());
    }
    let seconds = |value: f64| format!("{value:.2} s");
    line("whole clone", "", seconds(whole), None);
    line("  files", "", seconds(files), None);
    line("  database and addresses", "", seconds(database), None);
    let share = whole / (files + database);
    line("  of the sum of both", "<= 1.15", format!("{share:.2}"), Some(share <= 1.15));
    line(
        "  of the slower of both, where they overlap",
        "<= 1.15",
        format!("{:.2}", whole / files.max(database)),
        None,
    );
    line(
        "  planning, defaults and checks",
        "< 10 %",
        format!("{:.1} %", 100.0 * rest / whole),
        Some(rest / whole < 0.1),
    );
    desk.stop_preview(&id);
    fs::remove_dir_all(desk.path("whole")).expect("the copy is removed");
    going_on(&desk, &site);
}

/// Kills a clone in the middle of its files, and looks how soon it writes again and what it writes twice.
fn going_on(desk: &Desk, site: &WordPress) {
    let target = desk.path("again");
    chill();
    let id = desk.launch(&site.folder, &target, &["--skip", "database"]);
    let mut worker = desk.work();
    let began = Instant::now();
    let half = files_below(&site.folder).0 / 2;
    wait_for("half of the files", PATIENCE, || (files_below(&target).0 >= half).then_some(()));
    kill_9(worker.id());
    worker.wait().expect("it is gone");
    let (before, _) = files_below(&target);
    let speed = before as f64 / began.elapsed().as_secs_f64();
    let mut worker = desk.work();
    let began = Instant::now();
    let first = wait_for("the first new file", PATIENCE, || {
        (files_below(&target).0 > before || worker.try_wait().expect("it runs").is_some())
            .then(|| began.elapsed())
    });
    assert!(worker.wait().expect("it ends").success());
    let job = desk.job(&id);
    // "… · N of them whole already"
    let whole: u64 = states(&job)
        .iter()
        .filter_map(|(name, _)| {
            let message = step(&job, name)["message"].as_str()?.to_owned();
            let number = message.split_once(" of them whole already")?.0.rsplit(' ').next()?.replace(',', "");
            number.parse::<u64>().ok()
        })
        .sum();
    let first = first.as_secs_f64();
    line("after a kill: to the first new file", "< 1 s", format!("{first:.2} s"), Some(first < 1.0));
    println!(
        "  {before} files were there at the kill; the step that went on found {whole} of its own whole; {speed:.0} files/s before"
    );
}

/// Files below a folder and their bytes.
fn files_below(folder: &Path) -> (u64, u64) {
    let Ok(entries) = fs::read_dir(folder) else { return (0, 0) };
    entries.flatten().fold((0, 0), |sum, entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => {
            let below = files_below(&entry.path());
            (sum.0 + below.0, sum.1 + below.1)
        }
        Ok(meta) => (sum.0 + 1, sum.1 + meta.len()),
        Err(_) => sum,
    })
}

/// Small clones one after another, and as many at once as the program likes.
fn small() {
    let desk = Desk::new();
    let site = clonedeck_site::demo::make(&desk.path("shop")).expect("a small shop");
    let many = asked("CLONEDECK_BENCH_SMALL", 24);
    let run = |name: &str, slots: &[&str]| -> f64 {
        let mut slowest = Duration::ZERO;
        for number in 0..many {
            let began = Instant::now();
            desk.launch(&site, &desk.path(&format!("{name}-{number}")), &[]);
            slowest = slowest.max(began.elapsed());
        }
        line(
            &format!("accepted, a process each, the slowest of {many}"),
            "< 100 ms",
            format!("{} ms", slowest.as_millis()),
            Some(slowest.as_millis() < 100),
        );
        let began = Instant::now();
        expect_code(desk.command().args(["work", "--until-idle"]).args(slots), 0);
        let took = began.elapsed().as_secs_f64();
        line(&format!("{many} small clones, {name}"), "", format!("{took:.2} s"), None);
        took
    };
    let alone = run("one after another", &["--slots", "1"]);
    let together = run("at once", &[]);
    let gain = alone / together;
    line("  throughput at once against one after another", ">= 1.6", format!("{gain:.2}"), Some(gain >= 1.6));
}

/// Everything on the disk and, where this user may, nothing in memory.
fn chill() -> bool {
    let _ = std::process::Command::new("sync").status();
    fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}
