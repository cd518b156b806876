//! What fails, how it is told, and how it is put right.

use std::fs;

use crate::desktop::Desktop;
use crate::{PATIENCE, newest_job, runtime};
use clonedeck_tests::program::{clonedeck, stdout_of, wait_for};

#[test]
fn a_failing_clone_says_why_retry_works_once_the_cause_is_gone_and_the_buttons_of_notices_do_what_they_say() {
    let home = tempfile::tempdir().expect("a folder");
    let (data, source) = (home.path().join("data"), home.path().join("press"));
    fs::create_dir(&source).expect("a folder");
    fs::write(source.join("index.html"), "<!doctype html><title>Press</title>").expect("a file");
    let desktop = Desktop::start();
    // Launched while its target is free, and run when that holds something.
    let launch_into_trouble = |name: &str| {
        let target = home.path().join(name);
        stdout_of(clonedeck(&data).args(["clone", "--detach"]).arg(&source).arg(&target));
        fs::create_dir(&target).expect("a folder");
        fs::write(target.join("theirs.txt"), "somebody's").expect("a file");
        target
    };
    let state = |wanted: &str| {
        wait_for(&format!("the job to be {wanted}"), PATIENCE, || {
            newest_job(&data).filter(|job| job["state"] == wanted)
        })
    };
    let notice = || wait_for("a notice", PATIENCE, || (desktop.displayed() == 1).then_some(()));
    runtime().block_on(async {
        let target = launch_into_trouble("one");
        let window = desktop.open(&data).await;
        window.click("job-row", "").await;
        window.find("job-state", "[data-state=\"failed\"]").await;
        window.find("stepper-step", "[data-state=\"failed\"]").await;
        window.reads("already holds something").await;
        desktop.picture("failed");
        fs::remove_dir_all(&target).expect("the cause goes");
        window.click("retry-step", "").await;
        window.find("job-state", "[data-state=\"completed\"]").await;
        assert!(target.join("index.html").is_file());

        // Nobody looks at the next one, so it is told, with buttons.
        desktop.command("dunstctl").arg("close-all").status().expect("dunstctl answers");
        let target = launch_into_trouble("two");
        state("failed");
        notice();
        desktop.picture("notice");
        fs::remove_dir_all(&target).expect("the cause goes");
        desktop.choose("Retry");
        state("completed");
        let address = wait_for("the notice of the end, and the browser", PATIENCE, || {
            desktop.choose("Open copy");
            desktop.opened().pop()
        });
        wait_for("answered notices to go", PATIENCE, || (desktop.displayed() == 0).then_some(()));
        let told = desktop.notifications();
        assert!(told.iter().any(|(_, body)| *body == format!("Ready at {address}")), "{address}: {told:?}");
    });
}
