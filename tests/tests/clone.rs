//! The main job by the command line, on a real WordPress with a real MariaDB, end to end.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::program::{clonedeck, expect_code, kill_9, processes_with, stdout_of, wait_for};
use clonedeck_tests::wordpress::WordPress;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(3);

/// A site to clone, a data directory, and nothing else.
struct Bench {
    home: tempfile::TempDir,
    server: MariaDb,
    site: WordPress,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let server = MariaDb::start();
        let site = WordPress::install(&home.path().join("shop"), &server, "http://shop.test");
        Self { home, server, site }
    }

    fn data(&self) -> std::path::PathBuf {
        self.home.path().join("data")
    }

    fn target(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join(name)
    }

    fn json(&self, words: &[&str]) -> Value {
        let text = stdout_of(clonedeck(&self.data()).arg("--json").args(words));
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{words:?} printed {text}: {why}"))
    }

    fn launch_detached(&self, target: &Path) -> String {
        let answer = stdout_of(
            clonedeck(&self.data()).args(["--json", "clone", "--detach"]).arg(&self.site.folder).arg(target),
        );
        let answer: Value = serde_json::from_str(&answer).expect("one line of JSON");
        answer["id"].as_str().expect("an id").to_owned()
    }

    fn work(&self) -> Child {
        clonedeck(&self.data())
            .args(["work", "--until-idle"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts")
    }

    /// What the source is, in a form that shows any change of it.
    fn source_print(&self) -> String {
        let mut lines = vec![self.server.sql_in(
            &self.site.database,
            "CHECKSUM TABLE wp_posts, wp_postmeta, wp_options, wp_users, wp_usermeta, wp_comments, wp_terms",
        )];
        print_tree(&self.site.folder, &self.site.folder, &mut lines);
        lines.sort();
        lines.join("\n")
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Previews go on by themselves after a command; what a failed test leaves is ended here.
        for pid in processes_with(&self.home.path().display().to_string()) {
            kill_9(pid);
        }
    }
}

fn print_tree(root: &Path, folder: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the source").flatten() {
        let path = entry.path();
        let meta = entry.metadata().expect("an entry of the source");
        let bytes = if meta.is_file() { fs::read(&path).expect("a file of the source") } else { Vec::new() };
        let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        lines.push(format!(
            "{} {sum:x} {:?} {:?}",
            path.strip_prefix(root).expect("below").display(),
            meta.modified().ok(),
            meta.permissions()
        ));
        if meta.is_dir() {
            print_tree(root, &path, lines);
        }
    }
}

fn states(job: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    job["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| (text(&step["name"]), text(&step["state"])))
        .collect()
}

fn assert_clean(receipt: &Value) {
    assert_eq!(receipt["findings"], serde_json::json!([]), "{receipt:#}");
    assert_eq!(receipt["rewrite"]["left_over"], serde_json::json!([]));
    assert_eq!(receipt["rewrite"]["newly_broken"], 0);
    assert_eq!(receipt["files"]["differences"], serde_json::json!([]));
    for table in receipt["tables"].as_array().expect("tables") {
        assert_eq!(table["rows_source"], table["rows_target"], "{table}");
    }
    let pages: Vec<String> =
        receipt["pages"].as_array().expect("pages").iter().map(ToString::to_string).collect();
    for page in ["front page", "post", "login page", "login ("] {
        assert!(
            pages.iter().any(|line| line.contains(page) && line.contains("answered 200")),
            "no {page} in {pages:#?}"
        );
    }
}

#[test]
fn a_real_wordpress_is_cloned_proved_and_served_and_the_source_is_as_it_was() {
    let bench = Bench::new();
    let before = bench.source_print();
    let target = bench.target("copy");
    let output = expect_code(
        clonedeck(&bench.data()).args(["--json", "clone"]).arg(&bench.site.folder).arg(&target),
        0,
    );
    let text = String::from_utf8(output.stdout).expect("JSON");
    let job: Value = serde_json::from_str(text.lines().last().expect("the job at the end")).expect("JSON");
    assert_eq!(job["state"], "completed");
    assert_eq!(job["progress"], 100.0);
    for (name, state) in states(&job) {
        assert_eq!(state, "completed", "{name}");
    }
    let id = job["id"].as_str().expect("an id");
    assert_clean(&bench.json(&["receipt", id]));
    assert_eq!(bench.source_print(), before, "the source changed");

    // The copy stands on its own: its database has its own address, and its login is not in anything that is shown.
    let shown = bench.json(&["show", "--secrets", id]);
    let password = shown["secrets"]["password"].as_str().expect("a password");
    assert!(password.len() >= 16);
    let log = stdout_of(clonedeck(&bench.data()).args(["logs", id]));
    assert!(!log.contains(password) && !bench.json(&["show", id]).to_string().contains(password));
    let check =
        clonedeck(&bench.data()).args(["--json", "receipt", "--check", id]).output().expect("it runs");
    assert_eq!(check.status.code(), Some(0), "{}", String::from_utf8_lossy(&check.stdout));

    // What is damaged afterwards is found.
    fs::write(target.join("wp-includes/version.php"), "<?php // not what it was\n")
        .expect("a file of the copy");
    let check = clonedeck(&bench.data()).args(["receipt", "--check", id]).output().expect("it runs");
    assert_eq!(check.status.code(), Some(1));
}

#[test]
fn a_clone_that_is_killed_goes_on_at_the_next_start_and_completes() {
    let bench = Bench::new();
    let uploads = bench.site.folder.join("wp-content/uploads/many");
    fs::create_dir_all(&uploads).expect("a folder");
    for number in 0..3000 {
        fs::write(uploads.join(format!("{number}.bin")), vec![number as u8; 2000]).expect("a file");
    }
    let id = bench.launch_detached(&bench.target("copy"));
    assert_eq!(bench.json(&["show", &id])["state"], "queued");
    let mut kills = 0;
    // A job that took the program down three times is set aside, so it is killed twice.
    for step in ["copy-core", "copy-media"] {
        let mut worker = bench.work();
        let reached = wait_for(&format!("{step} or the end"), PATIENCE, || {
            let job = bench.json(&["show", &id]);
            let at = states(&job).iter().position(|(name, _)| name == step).expect("the step is in the line");
            let over = job["state"] == "completed";
            (over || states(&job)[at].1 != "pending").then_some(!over)
        });
        if reached {
            kills += 1;
        }
        kill_9(worker.id());
        worker.wait().expect("it is gone");
    }
    assert!(kills > 0, "the job was never caught at work");
    assert_eq!(
        expect_code(clonedeck(&bench.data()).args(["work", "--until-idle"]), 0).status.code(),
        Some(0)
    );
    let job = bench.json(&["show", &id]);
    assert_eq!(job["state"], "completed", "{job:#}");
    assert!(job["resumed"].as_u64().expect("a number") >= 1, "{job:#}");
    let receipt = bench.json(&["receipt", &id]);
    assert_clean(&receipt);
}

#[test]
fn a_cancelled_clone_leaves_nothing_behind() {
    let bench = Bench::new();
    let before = bench.server.sql("SHOW DATABASES");
    let target = bench.target("copy");
    let id = bench.launch_detached(&target);
    let mut worker = bench.work();
    wait_for("the database to be copied", PATIENCE, || {
        let job = bench.json(&["show", &id]);
        let states = states(&job);
        states.iter().any(|(name, state)| name == "copy-core" && state != "pending").then_some(())
    });
    let cancelled = clonedeck(&bench.data()).args(["cancel", &id]).output().expect("it runs");
    worker.wait().expect("it ends");
    let job = bench.json(&["show", &id]);
    if cancelled.status.success() {
        assert_eq!(job["state"], "cancelled", "{job:#}");
        assert!(!target.exists(), "{} is still there", target.display());
        assert_eq!(bench.server.sql("SHOW DATABASES"), before);
    } else {
        assert_eq!(job["state"], "completed", "a cancel is refused only when it comes too late");
    }
}

#[test]
fn what_cannot_be_cloned_is_refused_and_nothing_is_added() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let site = home.path().join("site");
    fs::create_dir(&site).expect("a folder");
    fs::write(site.join("index.html"), "<h1>Hello</h1>").expect("a page");
    let full = home.path().join("full");
    fs::create_dir(&full).expect("a folder");
    fs::write(full.join("precious"), "mine").expect("a file");
    let data = home.path().join("data");
    for (source, target, code) in [
        (site.clone(), full.clone(), "target.not-empty"),
        (site.clone(), site.clone(), "target.is-source"),
        (site.clone(), site.join("inside"), "target.in-source"),
        (home.path().join("nowhere"), home.path().join("copy"), "site.missing"),
        (full.clone(), home.path().join("copy"), "site.not-found"),
    ] {
        let output = expect_code(clonedeck(&data).args(["--json", "clone"]).arg(source).arg(target), 2);
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(answer["error"]["code"], code, "{answer}");
        assert!(answer["error"]["help"].as_str().is_some_and(|help| !help.is_empty()), "{answer}");
    }
    assert_eq!(stdout_of(clonedeck(&data).args(["--json", "jobs"])), "");
    assert_eq!(fs::read_to_string(full.join("precious")).expect("it is there"), "mine");
}

#[test]
fn a_static_site_is_cloned_without_a_database() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let site = home.path().join("site");
    fs::create_dir_all(site.join("css")).expect("folders");
    fs::write(site.join("index.html"), "<h1>Hello</h1>").expect("a page");
    fs::write(site.join("css/site.css"), "h1 { color: teal }").expect("a style");
    let data = home.path().join("data");
    let target = home.path().join("copy");
    expect_code(clonedeck(&data).arg("clone").arg(&site).arg(&target), 0);
    assert_eq!(fs::read_to_string(target.join("css/site.css")).expect("it was copied"), "h1 { color: teal }");
    for pid in processes_with(&home.path().display().to_string()) {
        kill_9(pid);
    }
}
