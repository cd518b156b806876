//! The command line as a contract: words, exit codes, JSON.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use clonedeck_tests::program::{clonedeck, expect_code, kill_9, stdout_of, wait_for};
use serde_json::Value;

fn error_of(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|why| panic!("{}: {why}", String::from_utf8_lossy(&output.stdout)))
}

#[test]
fn unknown_and_ambiguous_jobs_are_refused_with_a_code_a_sentence_and_help() {
    let data = tempfile::tempdir().expect("a folder");
    let output = expect_code(clonedeck(data.path()).args(["--json", "show", "0123"]), 2);
    let error = &error_of(&output)["error"];
    assert_eq!(error["code"], "job.unknown");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("0123")));

    let site = data.path().join("site");
    fs::create_dir(&site).expect("a folder");
    fs::write(site.join("index.html"), "hello").expect("a page");
    for name in ["one", "two"] {
        stdout_of(clonedeck(data.path()).args(["clone", "--detach"]).arg(&site).arg(data.path().join(name)));
    }
    // Ids of one moment begin alike.
    let output = expect_code(clonedeck(data.path()).args(["--json", "show", "0"]), 2);
    assert_eq!(error_of(&output)["error"]["code"], "job.ambiguous");
    let jobs = stdout_of(clonedeck(data.path()).args(["--json", "jobs", "--state", "queued"]));
    assert_eq!(jobs.lines().count(), 2);
    let kinds = |words: &[&str]| {
        let jobs = stdout_of(clonedeck(data.path()).args(["--json", "jobs"]).args(words));
        jobs.lines().count()
    };
    assert_eq!(kinds(&["--kind", "build", "--kind", "clone"]), 2);
    assert_eq!(kinds(&["--kind", "build"]), 0);
}

#[test]
fn what_people_try_first_is_understood() {
    let data = tempfile::tempdir().expect("a folder");
    for verb in ["list", "ls"] {
        assert_eq!(
            stdout_of(clonedeck(data.path()).arg(verb)),
            stdout_of(clonedeck(data.path()).arg("jobs"))
        );
    }
    for verb in ["status", "rm"] {
        let output = expect_code(clonedeck(data.path()).args(["--json", verb, "0123"]), 2);
        assert_eq!(error_of(&output)["error"]["code"], "job.unknown", "{verb}");
    }
}

#[test]
fn wrong_words_are_refused_for_scripts_as_every_other_error() {
    let data = tempfile::tempdir().expect("a folder");
    let output = expect_code(clonedeck(data.path()).args(["--json", "show"]), 2);
    assert_eq!(error_of(&output)["error"]["code"], "words");
    let output = expect_code(clonedeck(data.path()).arg("no-such-verb"), 2);
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error"), "people get a sentence");
}

#[test]
fn adding_the_same_clone_twice_answers_with_the_first_jobs_id() {
    let data = tempfile::tempdir().expect("a folder");
    let site = data.path().join("site");
    fs::create_dir(&site).expect("a folder");
    fs::write(site.join("index.html"), "hello").expect("a page");
    let add = || {
        stdout_of(clonedeck(data.path()).args(["clone", "--detach"]).arg(&site).arg(data.path().join("copy")))
    };
    assert_eq!(add(), add());
}

#[test]
fn a_second_runner_is_told_who_runs_the_queue() {
    let data = tempfile::tempdir().expect("a folder");
    let mut first = clonedeck(data.path())
        .arg("work")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let output = wait_for("the first runner to hold the queue", Duration::from_secs(30), || {
        let output =
            clonedeck(data.path()).args(["--json", "work", "--until-idle"]).output().expect("it runs");
        (output.status.code() == Some(2)).then_some(output)
    });
    let error = error_of(&output);
    let text = error["error"]["message"].as_str().expect("a sentence");
    assert!(text.contains(&first.id().to_string()), "{text}");
    kill_9(first.id());
    first.wait().expect("it is gone");
    // The lock goes with the process that held it.
    expect_code(clonedeck(data.path()).args(["work", "--until-idle"]), 0);
}

#[test]
fn a_data_directory_that_cannot_be_used_is_said_and_nothing_is_lost() {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("file");
    fs::write(&file, "not a folder").expect("a file");
    let output = expect_code(clonedeck(&file).args(["--json", "jobs"]), 2);
    assert!(error_of(&output)["error"]["code"].as_str().is_some_and(|code| !code.is_empty()));
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "not a folder");
}

#[test]
fn steering_works_by_any_unique_beginning_of_an_id() {
    let data = tempfile::tempdir().expect("a folder");
    let site = data.path().join("site");
    fs::create_dir(&site).expect("a folder");
    fs::write(site.join("index.html"), "hello").expect("a page");
    let id = stdout_of(
        clonedeck(data.path()).args(["clone", "--detach"]).arg(&site).arg(data.path().join("copy")),
    );
    let id = id.trim();
    let state = || {
        let job: Value =
            serde_json::from_str(&stdout_of(clonedeck(data.path()).args(["--json", "show", id])))
                .expect("JSON");
        (job["state"].as_str().expect("a state").to_owned(), job["priority"].as_i64().expect("a number"))
    };
    let steer = |words: &[&str]| expect_code(clonedeck(data.path()).args(words), 0);
    steer(&["pause", &id[..20]]);
    assert_eq!(state().0, "paused");
    steer(&["resume", id]);
    assert_eq!(state().0, "queued");
    steer(&["priority", id, "-3"]);
    assert_eq!(state().1, -3);
    steer(&["cancel", id]);
    assert_eq!(state().0, "cancelled");
    let output = expect_code(clonedeck(data.path()).args(["--json", "pause", id]), 2);
    assert_eq!(error_of(&output)["error"]["code"], "job.state");
    expect_code(clonedeck(data.path()).args(["priority", id, "11"]), 2);
}
