//! The main job in the real window: a screen, a session bus, a notification daemon and the page's own driver, all real.

mod data_folder;
mod desktop;
mod faults;
mod leaving;
mod notices;
mod offers;
mod opening;
mod picture;
mod rights;
mod trouble;
mod work;

use std::time::Duration;

use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::program::{clonedeck, kill_9, stdout_of, wait_for};
use clonedeck_tests::wordpress::WordPress;
use desktop::Desktop;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(4);

/// A place for the asynchronous driver.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn newest_job(data: &std::path::Path) -> Option<Value> {
    let jobs = stdout_of(clonedeck(data).args(["--json", "jobs", "--limit", "1"]));
    serde_json::from_str(jobs.lines().next()?).ok()
}

#[test]
fn a_real_wordpress_is_cloned_from_the_window_goes_on_after_a_kill_and_is_announced() {
    let home = tempfile::tempdir().expect("a folder");
    let server = MariaDb::start();
    let site = WordPress::install(&home.path().join("shop"), &server, "http://shop.test");
    let many = site.folder.join("wp-content/uploads/many");
    std::fs::create_dir_all(&many).expect("a folder");
    for number in 0..6000 {
        std::fs::write(many.join(format!("{number}.bin")), vec![number as u8; 3000]).expect("a file");
    }
    let (data, target) = (home.path().join("data"), home.path().join("copy"));
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        window.plan_clone(&site.folder, &target).await;
        desktop.picture("plan");
        window.click("launch", ":not([disabled])").await;
        window.find("job-row", "[data-state]").await;
        let job = wait_for("the job in the database", PATIENCE, || newest_job(&data));
        assert_eq!(job["kind"], "clone");
        window.find("stepper-step", "[data-step=\"plan\"][data-state=\"completed\"]").await;
        desktop.picture("running");
        // A crash in the middle.
        kill_9(window.pid());
        drop(window);
        let job = newest_job(&data).expect("the job is still there");
        assert_ne!(job["state"], "failed", "{job}");

        let window = desktop.open(&data).await;
        wait_for("the notice that the job went on", PATIENCE, || {
            desktop
                .notifications()
                .iter()
                .any(|(title, _)| title.contains("went on after a stop"))
                .then_some(())
        });
        window.click("job-row", "").await;
        window.find("job-state", "[data-state=\"completed\"]").await;
        window.find("stepper-step", "[data-step=\"ready\"][data-state=\"completed\"]").await;
        desktop.picture("ready");
        window.click("reveal-password", "").await;
        let password = window.find("result-password", "").await.text().await.expect("a text");
        assert!(password.trim().len() >= 12, "the password is shown: {password:?}");
    });
    let job = newest_job(&data).expect("the job");
    assert_eq!(job["state"], "completed", "{job:#}");
    let id = job["id"].as_str().expect("an id");
    let receipt: Value =
        serde_json::from_str(&stdout_of(clonedeck(&data).args(["--json", "receipt", id]))).expect("JSON");
    assert_eq!(receipt["findings"], serde_json::json!([]), "{receipt:#}");
    let pages = receipt["pages"].to_string();
    assert!(pages.contains("login (http") && pages.contains("answered 200"), "{pages}");
}

#[test]
fn the_first_start_offers_a_demo_whose_copy_is_announced_and_answers() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    std::fs::write(data.join("settings.json"), r#"{"on_close":"hide"}"#).expect("a file");
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        let hold = |command: &str| format!("return window.__TAURI_INTERNALS__.invoke('{command}')");
        // Held until the window is away: what somebody watches on the screen is not announced.
        window.ask(&hold("pause_queue")).await;
        window.click("try-demo", "").await;
        window.find("job-state", "[data-state=\"queued\"]").await;
        desktop.close_window();
        wait_for("no window", PATIENCE, || (!desktop.shows_window()).then_some(()));
        window.ask(&hold("resume_queue")).await;
        // A click on the notice brings the window back, with the job in it.
        wait_for("the notice of the end, and the window", PATIENCE, || {
            desktop.choose("Show");
            desktop.shows_window().then_some(())
        });
        let told = desktop.notifications();
        let (_, body) =
            told.iter().find(|(title, _)| title.contains("Demo shop")).expect("the notice of the end");
        window.find("stepper-step", "[data-step=\"ready\"][data-state=\"completed\"]").await;
        let address = window.find("result-url", "").await.text().await.expect("a text");
        assert_eq!(*body, format!("Ready at {}", address.trim()));
        assert_eq!(status_of(address.trim()), "200");
        desktop.picture("demo-ready");
    });
}

/// What a server on this machine answers to a request for this address: the status.
fn status_of(address: &str) -> String {
    use std::io::{Read, Write};
    let host = address.strip_prefix("http://").expect("an address of this machine").trim_end_matches('/');
    let mut copy = std::net::TcpStream::connect(host).expect("the copy is served");
    copy.write_all(format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).expect("it listens");
    let mut answer = String::new();
    let _ = copy.read_to_string(&mut answer);
    answer.split_whitespace().nth(1).unwrap_or_default().to_owned()
}
