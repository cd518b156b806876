//! The folder that the queue lives in: it is taken away, cannot be written, or its disk is full, at the start and while jobs run.
//! The window says so, nothing is lost, and everything goes on by itself when that is cured.

use std::path::Path;

use clonedeck_tests::desk::{assert_proved, step};
use clonedeck_tests::disk::{Disk, ReadOnly};
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::program::{clonedeck, signal, stdout_of};
use clonedeck_tests::wordpress::WordPress;
use serde_json::Value;

use crate::desktop::Desktop;
use crate::faults::Launched;
use crate::runtime;

/// A static site of some files.
fn press(folder: &Path, files: u32) {
    std::fs::create_dir(folder).expect("a folder");
    std::fs::write(folder.join("index.html"), "<!doctype html><title>Press</title>").expect("a file");
    for number in 0..files {
        std::fs::write(folder.join(format!("{number}.jpg")), vec![number as u8; 3000]).expect("a file");
    }
}

fn planned(job: &Value) -> bool {
    step(job, "plan")["state"] == "completed"
}

#[test]
fn a_data_folder_that_cannot_be_written_or_has_no_room_at_the_start_is_told_and_the_queue_opens_when_it_can()
{
    let home = tempfile::tempdir().expect("a folder");
    let Some(disk) = Disk::in_memory(&home.path().join("disk"), 128) else { return };
    let (data, source) = (disk.path().join("data"), home.path().join("press"));
    press(&source, 0);
    let desktop = Desktop::start();
    runtime().block_on(async {
        let one = Launched::launch(&data, &source, &home.path().join("one"), &[]);
        disk.make_read_only();
        let window = desktop.open(&data).await;
        window.reads("The queue could not be opened").await;
        window.reads("clonedeck.db cannot be used: its disk can only be read.").await;
        window.reads("Make it writable again; the queue goes on by itself.").await;
        desktop.picture("data-folder-read-only");
        disk.make_writable();
        window.find("job-state", "[data-state=\"completed\"]").await;
        assert_eq!(one.look()["state"], "completed");
        drop(window);

        let two = Launched::launch(&data, &source, &home.path().join("two"), &[]);
        let (filler, fresh) = (disk.fill(0), disk.path().join("fresh"));
        let window = desktop.open(&fresh).await;
        window.reads("The queue could not be opened").await;
        window.reads("No room on the disk").await;
        window.reads("Free some space on that disk; the queue goes on by itself.").await;
        desktop.picture("data-folder-full-at-start");
        std::fs::remove_file(filler).expect("room again");
        window.find("try-demo", "").await;
        drop(window);

        // Where there was a queue already, it is seen, and what waits for room has not gone.
        let filler = disk.fill(0);
        let window = desktop.open(&data).await;
        window.find("job-row", &format!("[data-job-id=\"{}\"]", two.id)).await;
        std::fs::remove_file(filler).expect("room again");
        window.find("job-row", &format!("[data-job-id=\"{}\"][data-state=\"completed\"]", two.id)).await;
        window.gone("trouble-bar").await;
        window.reads("all saved").await;
    });
}

#[test]
fn a_full_disk_under_the_queue_is_told_and_every_job_goes_on_by_itself_when_there_is_room() {
    let home = tempfile::tempdir().expect("a folder");
    let Some(disk) = Disk::in_memory(&home.path().join("disk"), 160) else { return };
    let server = MariaDb::shared();
    let site = WordPress::install_empty(&home.path().join("shop"), &server, "http://shop.test");
    let (data, source) = (disk.path().join("data"), home.path().join("press"));
    press(&source, 3000);
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        let press = Launched::launch(&data, &source, &home.path().join("press-copy"), &[]);
        let shop =
            Launched::launch(&data, &site.folder, &home.path().join("shop-copy"), &["--verify", "full"]);
        shop.stop_when(&window, "the plan", planned);
        let filler = disk.fill(0);
        signal(window.pid(), "CONT");
        window.find("trouble-bar", "[data-code=\"data-folder-full\"]").await;
        desktop.picture("data-folder-full");
        // What a person wants now is refused in words, and nothing of what they typed is lost.
        window.plan_clone(&source, &home.path().join("later")).await;
        std::fs::remove_file(filler).expect("room again");
        window.gone("trouble-bar").await;
        window.click("launch", ":not([disabled])").await;
        for job in [&press.id, &shop.id] {
            window.find("job-row", &format!("[data-job-id=\"{job}\"][data-state=\"completed\"]")).await;
        }
        for job in [&press.id, &shop.id] {
            let receipt = stdout_of(clonedeck(&data).args(["--json", "receipt", job]));
            assert_proved(&serde_json::from_str(&receipt).expect("JSON"));
        }
    });
}

#[test]
fn a_data_folder_that_becomes_read_only_holds_the_queue_and_the_clone_goes_on_by_itself_when_it_is_writable()
{
    let home = tempfile::tempdir().expect("a folder");
    let server = MariaDb::shared();
    let site = WordPress::install_empty(&home.path().join("shop"), &server, "http://shop.test");
    let (data, target) = (home.path().join("data"), home.path().join("copy"));
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        let clone = Launched::launch(&data, &site.folder, &target, &[]);
        clone.stop_when(&window, "the plan", planned);
        let laid = ReadOnly::over(&data);
        signal(window.pid(), "CONT");
        let Some(laid) = laid else { return };
        window.click("job-row", "").await;
        window.find("job-state", "[data-state=\"waiting\"]").await;
        window.find("trouble-bar", "[data-code=\"data-folder-read-only\"]").await;
        desktop.picture("data-folder-locked");
        drop(laid);
        window.find("job-state", "[data-state=\"completed\"]").await;
        window.gone("trouble-bar").await;
        assert_eq!(clone.look()["state"], "completed");
    });
}

#[test]
fn a_data_folder_that_is_taken_away_is_told_and_the_clone_goes_on_by_itself_when_it_is_back() {
    let home = tempfile::tempdir().expect("a folder");
    let server = MariaDb::shared();
    let site = WordPress::install_empty(&home.path().join("shop"), &server, "http://shop.test");
    let (data, away, target) = (home.path().join("data"), home.path().join("away"), home.path().join("copy"));
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        let clone = Launched::launch(&data, &site.folder, &target, &[]);
        let planned = |job: &Value| step(job, "plan")["state"] == "completed";
        let now = clone.stop_when(&window, "the plan", planned);
        assert_eq!(
            step(&now, "update-site-defaults")["state"],
            "pending",
            "caught before it needs its notes"
        );
        std::fs::rename(&data, &away).expect("the folder is taken away");
        signal(window.pid(), "CONT");
        window.click("job-row", "").await;
        window.find("job-state", "[data-state=\"waiting\"]").await;
        window.find("trouble-bar", "[data-code=\"data-folder\"]").await;
        window.reads(&format!("The data folder {} is not there any more.", data.display())).await;
        desktop.picture("data-folder-gone");
        assert!(!data.exists(), "nothing stands where it is to be put back");
        std::fs::rename(&away, &data).expect("the folder is put back");
        window.find("job-state", "[data-state=\"completed\"]").await;
        window.gone("trouble-bar").await;
        desktop.picture("data-folder-back");
        assert_eq!(clone.look()["state"], "completed");
    });
}
