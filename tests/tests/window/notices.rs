//! The notification server is another program: it goes, it hangs, it comes back. Jobs and window go on.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::desktop::Desktop;
use crate::{PATIENCE, newest_job, runtime};
use clonedeck_tests::program::{clonedeck, stdout_of, wait_for};

/// What the program's log says of notices that nobody shows.
const NO_SERVER: &str = "no notification server shows notices";

/// The program's own log.
fn log_of(data: &Path) -> String {
    let files = fs::read_dir(data.join("logs")).into_iter().flatten().flatten().map(|entry| entry.path());
    files.filter(|file| file.is_file()).filter_map(|file| fs::read_to_string(file).ok()).collect()
}

#[test]
fn jobs_end_and_are_kept_in_the_inbox_while_no_server_answers_and_the_next_server_gets_buttons_again() {
    let home = tempfile::tempdir().expect("a folder");
    let (data, source) = (home.path().join("data"), home.path().join("press"));
    fs::create_dir(&source).expect("a folder");
    fs::write(source.join("index.html"), "<!doctype html><title>Press</title>").expect("a file");
    let mut desktop = Desktop::start();
    let clone = |name: &str| {
        stdout_of(clonedeck(&data).args(["clone", "--detach"]).arg(&source).arg(home.path().join(name)));
        wait_for("the job to complete", PATIENCE, || {
            newest_job(&data).filter(|job| job["state"] == "completed")
        });
    };
    let signal = |name: &str, pid: u32| {
        let sent = Command::new("kill").args([name, &pid.to_string()]).status().expect("kill is there");
        assert!(sent.success());
    };
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        window.find("try-demo", "").await;
        desktop.stop_notices();
        clone("gone");
        window.find("bell", "[data-unread=\"1\"]").await;
        // It is in the inbox before it is sent: the next server comes when that has failed.
        wait_for("the notice to find no server", PATIENCE, || {
            log_of(&data).contains(NO_SERVER).then_some(())
        });

        desktop.start_notices();
        signal("-STOP", desktop.notices_pid());
        clone("hangs");
        window.find("bell", "[data-unread=\"2\"]").await;
        signal("-CONT", desktop.notices_pid());

        clone("told");
        let address = wait_for("the browser", PATIENCE, || {
            desktop.choose("Open copy");
            desktop.opened().pop()
        });
        assert!(address.starts_with("http://127.0.0.1:"), "{address}");
        // What hung may come late; what was told while nobody was there does not come.
        let told = wait_for("the notice of the last one", PATIENCE, || {
            let all = desktop.notifications();
            all.iter().any(|(title, _)| title.contains("told")).then_some(all)
        });
        assert!(!told.iter().any(|(title, _)| title.contains("gone")), "{told:?}");
        window.click("bell", "").await;
        window.find("notice", "").await;
        window.find("bell", "[data-unread=\"0\"]").await;
        desktop.picture("inbox");
    });
}
