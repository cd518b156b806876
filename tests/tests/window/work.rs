//! Commands of a site, and builds, from the window.

use std::path::Path;
use std::process::Command;

use crate::desktop::Desktop;
use crate::faults::Launched;
use crate::{PATIENCE, newest_job, runtime};
use clonedeck_tests::program::{clonedeck, kill_9, stdout_of, wait_for};

/// What the console program of the site says of its database, in one number.
fn number(site: &Path, query: &str) -> u64 {
    let script = format!(
        "$s = new PDO('sqlite:site.sqlite'); $s->exec('PRAGMA busy_timeout = 5000'); echo $s->query({query:?})->fetchColumn();"
    );
    let out = Command::new("php").args(["-r", &script]).current_dir(site).output().expect("php runs");
    String::from_utf8_lossy(&out.stdout).trim().parse().expect("a number")
}

/// A site over SQLite with a console program as Craft's is, and `entries` entries to move.
pub fn console_site(site: &Path, entries: u32) {
    std::fs::create_dir(site).expect("a folder");
    std::fs::write(site.join("craft"), include_str!("../../../src-tauri/crates/jobs/tests/data/craft"))
        .expect("the console program");
    let script = format!(
        "$s = new PDO('sqlite:site.sqlite'); $s->exec('PRAGMA journal_mode = WAL');
         $s->exec('CREATE TABLE entry (id INTEGER PRIMARY KEY)'); $s->exec('CREATE TABLE moved (entry INTEGER, process INTEGER)');
         $s->beginTransaction(); for ($i = 1; $i <= {entries}; $i++) $s->exec(\"INSERT INTO entry VALUES ($i)\"); $s->commit();"
    );
    let made =
        Command::new("php").args(["-r", &script]).current_dir(site).status().expect("php is installed");
    assert!(made.success());
}

#[test]
fn a_command_goes_on_from_its_checkpoint_after_a_kill_and_one_that_fails_shows_its_last_lines() {
    let home = tempfile::tempdir().expect("a folder");
    let (data, site) = (home.path().join("data"), home.path().join("shop"));
    console_site(&site, 600);
    std::fs::write(site.join("pause"), "20000").expect("a file");
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        window.click("new-menu", "").await;
        window.click("menu-new-command", "").await;
        window.fill("command-site", &site.display().to_string()).await;
        window.fill("command-search", "content migration").await;
        window.click("command-entry", "[data-command=\"craft.migrate-content\"]").await;
        window.find("command-words", "").await;
        desktop.picture("command-form");
        window.click("launch-command", ":not([disabled])").await;
        window.find("command-card", "").await;
        window.find("stat", "").await;
        wait_for("some entries moved", PATIENCE, || {
            (number(&site, "SELECT count(*) FROM moved") > 50).then_some(())
        });
        desktop.picture("command-running");
        kill_9(window.pid());
        drop(window);

        std::fs::write(site.join("pause"), "0").expect("a file");
        let window = desktop.open(&data).await;
        window.find("job-state", "[data-state=\"completed\"]").await;
        window.reads("went on once after a restart").await;
        desktop.picture("command-done");
        assert_eq!(number(&site, "SELECT count(DISTINCT entry) FROM moved"), 600);
        assert_eq!(
            number(&site, "SELECT count(DISTINCT process) FROM moved"),
            2,
            "it went on, it did not begin anew"
        );

        window.click("new-menu", "").await;
        window.click("menu-new-command", "").await;
        window.click("recent-site", "").await;
        window.click("command-entry", "[data-command=\"craft.up\"]").await;
        window.click("launch-command", ":not([disabled])").await;
        let lines = window.find("last-lines", "").await.text().await.expect("text");
        assert!(lines.contains("exit code 4") && lines.contains("Migration m240101 failed"), "{lines}");
        desktop.picture("command-failed");
    });
}

#[test]
fn a_project_is_built_and_its_preview_is_stopped_and_started() {
    let home = tempfile::tempdir().expect("a folder");
    let (data, project) = (home.path().join("data"), home.path().join("landing"));
    std::fs::create_dir(&project).expect("a folder");
    std::fs::write(project.join("package.json"), r#"{"private":true,"scripts":{"dev":"node server.mjs"}}"#)
        .expect("a file");
    let server = "import { createServer } from 'node:http';\n\
                  createServer((_, answer) => answer.end('<h1>Landing</h1>')).listen(process.env.PORT, process.env.HOST);\n";
    std::fs::write(project.join("server.mjs"), server).expect("a file");
    let answers = |url: &str| {
        let place = url.trim_start_matches("http://").trim_end_matches('/');
        std::net::TcpStream::connect(place).is_ok()
    };
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        window.click("new-menu", "").await;
        window.click("menu-new-build", "").await;
        window.fill("build-source", &project.display().to_string()).await;
        window.find("build-report", "").await;
        desktop.picture("build-form");
        window.click("launch-build", ":not([disabled])").await;
        let url = window.find("result-url", "").await.text().await.expect("an address");
        window.find("build-card", "[data-running=\"true\"]").await;
        assert!(answers(&url), "{url}");
        desktop.picture("build-ready");
        window.click("preview-stop", ":not([disabled])").await;
        window.find("build-card", "[data-running=\"false\"]").await;
        assert!(!answers(&url), "{url}");
        window.click("go-previews", "").await;
        window.reads("Nothing is shown right now").await;
        let job = newest_job(&data).expect("the job");
        assert_eq!((job["kind"].as_str(), job["state"].as_str()), (Some("build"), Some("completed")));
    });
}

#[test]
fn a_job_in_line_says_how_far_it_is_from_its_turn_also_when_others_leave_the_line() {
    let home = tempfile::tempdir().expect("a folder");
    let (data, site, press) = (home.path().join("data"), home.path().join("shop"), home.path().join("press"));
    // One slot, and a command that has it for as long as the test wants.
    std::fs::create_dir(&data).expect("a folder");
    std::fs::write(data.join("settings.json"), r#"{"slots":1}"#).expect("a file");
    console_site(&site, 1000);
    std::fs::write(site.join("pause"), "100000").expect("a file");
    std::fs::create_dir(&press).expect("a folder");
    std::fs::write(press.join("index.html"), "<!doctype html><title>Press</title>").expect("a file");
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        window.find("try-demo", "").await;
        let run = ["--", "php", "craft", "clonedeck/migrate"];
        stdout_of(clonedeck(&data).args(["run", "--detach"]).arg(&site).args(run));
        window.find("job-row", "[data-state=\"running\"]").await;
        let launch = |name: &str| Launched::launch(&data, &press, &home.path().join(name), &[]);
        let (first, second) = (launch("first"), launch("second"));
        let reads = async |job: &Launched<'_>, wanted: &str| {
            let row = format!("[data-job-id=\"{}\"]", job.id);
            let since = std::time::Instant::now();
            loop {
                let found = window.find("job-row", &row).await;
                let text = found.prop("textContent").await.expect("a property").unwrap_or_default();
                if text.contains(wanted) {
                    return;
                }
                assert!(since.elapsed() < std::time::Duration::from_mins(1), "{text}");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        reads(&first, "It is next").await;
        reads(&second, "1 job is ahead of it").await;
        stdout_of(clonedeck(&data).args(["cancel", &first.id]));
        reads(&second, "It is next").await;
    });
}
