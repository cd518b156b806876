//! The main job by the command line, on a real WordPress with a real MariaDB, end to end.

use std::fs;

use clonedeck_tests::desk::{Desk, assert_clean, id_of, states, step};
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::program::{expect_code, kill_9, stdout_of};
use clonedeck_tests::trees::{assert_unchanged, fingerprint};
use clonedeck_tests::wordpress::WordPress;

use crate::logs_in;

/// A site to clone on a server of its own.
struct Shop {
    desk: Desk,
    server: MariaDb,
    site: WordPress,
}

impl Shop {
    fn new() -> Self {
        let desk = Desk::new();
        let server = MariaDb::start();
        let site = WordPress::install(&desk.path("shop"), &server, "http://shop.test");
        Self { desk, server, site }
    }
}

#[test]
fn a_real_wordpress_is_cloned_proved_and_served_and_the_source_is_as_it_was() {
    let shop = Shop::new();
    let broken =
        "CREATE TABLE wp_gone (x INT); CREATE VIEW wp_shadow AS SELECT x FROM wp_gone; DROP TABLE wp_gone";
    shop.server.sql_in(&shop.site.database, broken);
    let (files, rows) = (fingerprint(&shop.site.folder), shop.server.checksums(&shop.site.database));
    let (desk, target) = (&shop.desk, shop.desk.path("copy"));
    let job = desk.clone(&shop.site.folder, &target, &[]);
    assert_eq!((&job["state"], &job["progress"]), (&"completed".into(), &100.0.into()));
    for (name, state) in states(&job) {
        assert_eq!(state, "completed", "{name}");
    }
    let id = id_of(&job);
    let receipt = desk.receipt(id);
    assert_clean(&receipt);
    assert_eq!(
        receipt["definitions"],
        serde_json::json!(["wp_shadow: not made: it is broken in the source, what it stands on is gone"])
    );
    assert_unchanged(&files, &fingerprint(&shop.site.folder));
    assert_eq!(shop.server.checksums(&shop.site.database), rows, "the source changed");

    // The copy stands on its own: its database has its own address, and its login is not in anything that is shown.
    let shown = desk.json(&["show", "--secrets", id]);
    let password = shown["secrets"]["password"].as_str().expect("a password");
    assert!(password.len() >= 16);
    let url = job["result"]["url"].as_str().expect("an address");
    assert!(logs_in(url, "clonedeck", password) && !logs_in(url, "clonedeck", "wrong"));
    let log = stdout_of(desk.command().args(["logs", id]));
    assert!(!log.contains(password) && !desk.job(id).to_string().contains(password));
    expect_code(desk.command().args(["--json", "receipt", "--check", id]), 0);

    // What is damaged afterwards is found.
    fs::write(target.join("wp-includes/version.php"), "<?php // not what it was\n")
        .expect("a file of the copy");
    expect_code(desk.command().args(["receipt", "--check", id]), 1);
}

#[test]
fn a_clone_that_is_killed_goes_on_at_the_next_start_and_completes() {
    let shop = Shop::new();
    let uploads = shop.site.folder.join("wp-content/uploads/many");
    fs::create_dir_all(&uploads).expect("a folder");
    for number in 0..3000 {
        fs::write(uploads.join(format!("{number}.bin")), vec![number as u8; 2000]).expect("a file");
    }
    let desk = &shop.desk;
    let id = desk.launch(&shop.site.folder, &desk.path("copy"), &[]);
    assert_eq!(desk.job(&id)["state"], "queued");
    let mut kills = 0;
    // A job that took the program down three times is set aside, so it is killed twice.
    for name in ["copy-core", "copy-media"] {
        let mut worker = desk.work();
        let reached = desk.wait_for_job(&id, name, |job| {
            let over = job["state"] == "completed";
            (over || step(job, name)["state"] != "pending").then_some(!over)
        });
        kills += u32::from(reached);
        kill_9(worker.id());
        worker.wait().expect("it is gone");
    }
    assert!(kills > 0, "the job was never caught at work");
    expect_code(desk.command().args(["work", "--until-idle"]), 0);
    let job = desk.job(&id);
    assert_eq!(job["state"], "completed", "{job:#}");
    assert!(job["resumed"].as_u64().expect("a number") >= 1, "{job:#}");
    assert_clean(&desk.receipt(&id));
}

#[test]
fn a_static_site_is_cloned_without_a_database() {
    let desk = Desk::new();
    let (site, target) = (desk.path("site"), desk.path("copy"));
    fs::create_dir_all(site.join("css")).expect("folders");
    fs::write(site.join("index.html"), "<h1>Hello</h1>").expect("a page");
    fs::write(site.join("css/site.css"), "h1 { color: teal }").expect("a style");
    desk.clone(&site, &target, &[]);
    assert_eq!(fs::read_to_string(target.join("css/site.css")).expect("it was copied"), "h1 { color: teal }");
}
