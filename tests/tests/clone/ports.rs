//! Ports and addresses of copies: whose they are, what a plan may say of them, and what answers there in place of a copy.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use clonedeck_site::check::Client;
use clonedeck_site::preview::free_port;
use clonedeck_tests::desk::{Desk, id_of};
use clonedeck_tests::program::{expect_code, stdout_of};
use serde_json::Value;

use crate::errors::{assert_told, goes_on, latest, page, waits};

#[test]
fn a_port_is_promised_to_one_copy_and_goes_to_the_next_when_that_is_deleted() {
    let desk = Desk::new();
    let site = page(&desk);
    let url = format!("http://127.0.0.1:{}", free_port().expect("a port"));
    let first = desk.clone(&site, &desk.path("one"), &["--url", &url]);
    desk.stop_preview(id_of(&first));
    let error = waits(&desk, &site, &desk.path("two"), &["--url", &url]);
    assert_told(&error, "port.taken");
    assert!(!desk.path("two").exists(), "it is said before anything is written");
    stdout_of(desk.command().args(["delete", id_of(&first), "--yes", "one"]));
    goes_on(&desk);
    // One that was taken away by hand holds nothing back.
    stdout_of(desk.command().args(["previews", "stop", id_of(&latest(&desk))]));
    fs::remove_dir_all(desk.path("two")).expect("a copy less");
    desk.clone(&site, &desk.path("five"), &["--url", &url]);

    // Copies that nobody serves have their ports all the same.
    let nothing = desk.path("nothing");
    fs::create_dir(&nothing).expect("a folder");
    let unserved = |name: &str| {
        let mut command = desk.command();
        command.env("PATH", &nothing).args(["--json", "clone"]).arg(&site).arg(desk.path(name));
        let output = expect_code(&mut command, 0);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let job: Value = serde_json::from_str(text.lines().last().expect("the job")).expect("JSON");
        (id_of(&job).to_owned(), job["result"]["url"].as_str().expect("an address").to_owned())
    };
    let (three, four) = (unserved("three"), unserved("four"));
    assert_ne!(three.1, four.1);
    let started = stdout_of(desk.command().args(["previews", "start", &three.0]));
    assert_eq!(started.trim(), three.1, "once PHP is there");
    assert_eq!(desk.json(&["previews", "start", &four.0])["url"], *four.1);
}

#[test]
fn what_answers_in_place_of_a_copy_is_told_from_it() {
    let desk = Desk::new();
    let site = page(&desk);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut visitor in listener.incoming().flatten() {
            let mut asked = [0; 4096];
            let _ = visitor.read(&mut asked);
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nElsewhere";
            let _ = visitor.write_all(answer.as_bytes());
        }
    });
    let planned = desk.json(&[
        "clone",
        "--dry-run",
        "--url",
        &url,
        &site.display().to_string(),
        &desk.path("copy").display().to_string(),
    ]);
    assert!(planned["warnings"].to_string().contains("is in use"), "{planned:#}");
    let job = desk.clone(&site, &desk.path("copy"), &["--url", &url]);
    let findings = desk.receipt(id_of(&job))["findings"].to_string();
    assert!(findings.contains("Another program answers at") && findings.contains("--url"), "{findings}");
    let left = fs::read_dir(desk.path("copy")).expect("a copy").count();
    assert_eq!(left, 2, "the page and a robots.txt");
}

#[test]
fn a_plan_says_of_a_port_only_what_is_known() {
    let desk = Desk::new();
    let site = page(&desk);
    let plan = |words: &[&str]| {
        let mut command = desk.command();
        command.args(["--json", "clone", "--dry-run"]).args(words).arg(&site).arg(desk.path("copy"));
        let answer: Value = serde_json::from_str(&stdout_of(&mut command)).expect("JSON");
        answer["url"].as_str().expect("an address").to_owned()
    };
    assert_eq!(plan(&[]), "http://127.0.0.1:…", "it is chosen at the launch");
    let asked = format!("http://127.0.0.1:{}", free_port().expect("a port"));
    assert_eq!(plan(&["--url", &asked]), asked);
    assert_eq!(stdout_of(desk.command().args(["--json", "jobs"])), "");
}

#[test]
fn a_copy_that_another_takes_the_place_of_is_not_shown_any_more() {
    let desk = Desk::new();
    let site = page(&desk);
    let target = desk.path("copy");
    let served = || {
        let lines = stdout_of(desk.command().args(["--json", "previews"]));
        let preview = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["job"].clone();
        lines.lines().map(preview).collect::<Vec<_>>()
    };
    let first = desk.clone(&site, &target, &[]);
    assert_eq!(served(), [id_of(&first)]);
    fs::write(site.join("index.html"), "<h1>Again</h1>").expect("a page");
    let second = desk.clone(&site, &target, &["--replace"]);
    assert_eq!(served(), [id_of(&second)], "one server for one folder");
    let log = stdout_of(desk.command().args(["logs", id_of(&second)]));
    let url = first["result"]["url"].as_str().expect("an address");
    assert!(log.contains("has ended: ") && log.contains(url), "{log}");

    // What comes back is shown again where it was.
    stdout_of(desk.command().args(["delete", id_of(&second), "--yes", "copy"]));
    assert_eq!(stdout_of(desk.command().args(["previews", "start", id_of(&first)])).trim(), url);
    let shown = Client::new(url).expect("an address").get("/").expect("an answer");
    assert_eq!(String::from_utf8_lossy(&shown.body), "<h1>Hello</h1>");

    // Nothing is asked of a copy that was taken away by hand, and its server is in the way all the same.
    fs::remove_dir_all(&target).expect("a copy less");
    let third = desk.clone(&site, &target, &[]);
    assert_eq!(served(), [id_of(&third)]);
}
