//! Starts that something stands in the way of: the window opens and says what, or does without.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::desktop::Desktop;
use crate::{PATIENCE, newest_job, runtime};
use clonedeck_tests::program::{built_programs, clonedeck, expect_code, stdout_of, wait_for};

#[test]
fn a_database_of_a_newer_version_or_a_folder_that_cannot_be_says_so_in_the_window_and_trying_again_is_offered()
 {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("data");
    stdout_of(clonedeck(&data).args(["jobs"]));
    let newer = "$d = new PDO('sqlite:clonedeck.db'); $d->exec('PRAGMA user_version = 9999');";
    let done = Command::new("php").args(["-r", newer]).current_dir(&data).status().expect("php is installed");
    assert!(done.success());
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        window.reads("The queue could not be opened").await;
        window.reads("was written by a newer version").await;
        desktop.picture("newer");
        let pid = window.pid();
        desktop.close_window();
        wait_for("the end of the program", PATIENCE, || {
            (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
        });
        drop(window);
        let window = desktop.open(Path::new("/proc/clonedeck")).await;
        window.reads("The queue could not be opened").await;
        window.reads("/proc/clonedeck").await;
        desktop.picture("no-folder");
    });
}

#[test]
fn a_page_that_is_loaded_again_goes_on_being_told_what_happens() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("data");
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        window.find("try-demo", "").await;
        window.reload().await;
        window.find("try-demo", "").await;
        expect_code(clonedeck(&data).arg("demo"), 0);
        window.find("job-row", "[data-state=\"completed\"]").await;
    });
}

#[test]
fn without_a_session_bus_the_window_works_and_closing_it_asks() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("data");
    let mut desktop = Desktop::start();
    desktop.lose_bus();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        window.click("try-demo", "").await;
        window.find("job-state", "[data-state=\"completed\"]").await;
        let job = newest_job(&data).expect("the job");
        assert_eq!(job["state"], "completed");
        let pid = window.pid();
        desktop.close_window();
        window.click("close-quit", "").await;
        wait_for("the end of the program", PATIENCE, || {
            (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
        });
    });
}

#[test]
fn a_queue_that_another_program_runs_is_run_by_the_window_once_that_program_has_ended() {
    let home = tempfile::tempdir().expect("a folder");
    let (data, source) = (home.path().join("data"), home.path().join("press"));
    std::fs::create_dir(&source).expect("a folder");
    std::fs::write(source.join("index.html"), "<!doctype html><title>Press</title>").expect("a file");
    let mut other = clonedeck(&data).arg("work").stderr(Stdio::null()).spawn().expect("it starts");
    wait_for("the other program to run the queue", PATIENCE, || {
        data.join("runner.json").exists().then_some(())
    });
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        window.reads("run elsewhere").await;
        other.kill().expect("it runs");
        other.wait().expect("it has ended");
        stdout_of(clonedeck(&data).args(["clone", "--detach"]).arg(&source).arg(home.path().join("copy")));
        window.find("job-row", "[data-state=\"completed\"]").await;
        window.reads("all saved").await;
    });
}

#[test]
fn without_a_display_that_answers_the_program_says_so_and_what_to_do_instead() {
    let mut start = Command::new(built_programs().join("clonedeck-desktop"));
    start.env("DISPLAY", ":9999").env_remove("WAYLAND_DISPLAY");
    let said = expect_code(&mut start, 1);
    let told = String::from_utf8_lossy(&said.stderr);
    assert!(
        told.starts_with("error[window.open]: The window cannot be opened: no display answers."),
        "{told}"
    );
    assert!(told.contains("`clonedeck` does the same work in a terminal"), "{told}");
}

#[test]
fn of_two_starts_at_once_one_stays() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("data");
    let desktop = Desktop::start();
    let start = || {
        desktop
            .command(built_programs().join("clonedeck-desktop"))
            .arg("--data-dir")
            .arg(&data)
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts")
    };
    let mut both = [start(), start()];
    let (gone, code) = wait_for("one of them to hand over", PATIENCE, || {
        both.iter_mut()
            .enumerate()
            .find_map(|(number, child)| Some((number, child.try_wait().expect("it can be asked")?)))
    });
    assert!(code.success(), "{code}");
    wait_for("the window", PATIENCE, || desktop.shows_window().then_some(()));
    let stays = &mut both[1 - gone];
    assert!(stays.try_wait().expect("it can be asked").is_none(), "the other one stays");
    let _ = stays.kill();
    let _ = stays.wait();
}
