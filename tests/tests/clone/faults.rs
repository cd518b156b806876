//! What goes wrong around a clone while it runs: the database server goes, the disk fills.

use std::fs;
use std::process::{Command, Stdio};

use clonedeck_tests::desk::{Desk, PATIENCE, assert_clean, id_of, step};
use clonedeck_tests::disk::Disk;
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::program::{expect_code, signal, stdout_of, wait_for};
use clonedeck_tests::trees::bytes;
use clonedeck_tests::wordpress::WordPress;

#[test]
fn a_clone_goes_on_after_its_database_server_was_killed_and_started_again() {
    let desk = Desk::new();
    let server = MariaDb::start();
    let site = WordPress::install(&desk.path("shop"), &server, "http://shop.test");
    site.grow(&server, 30_000);
    let sums = server.checksums(&site.database);
    let id = desk.launch(&site.folder, &desk.path("copy"), &[]);
    let mut worker = desk.work();
    let mut caught: Vec<String> = Vec::new();
    for name in ["copy-database", "rewrite-addresses"] {
        let running = desk.wait_for_job(&id, name, |job| match step(job, name)["state"].as_str() {
            Some("running") => Some(true),
            Some("completed") => Some(false),
            _ => None,
        });
        if running {
            server.kill();
            // The step may have ended right before; then one after it meets the loss.
            let (failed, code) = desk.wait_for_job(&id, "the loss to be noticed", |job| {
                let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
                let steps = job["steps"].as_array()?;
                let errors = steps.iter().map(|step| (text(&step["name"]), text(&step["error"]["code"])));
                errors.into_iter().find(|(name, code)| !code.is_empty() && !caught.contains(name))
            });
            assert!(["database.gone", "database.down"].contains(&&*code), "{failed}: {code}");
            server.go();
            caught.push(failed);
        }
    }
    assert!(!caught.is_empty(), "the server was never killed in the middle");
    assert!(worker.wait().expect("it ends").success());
    let job = desk.job(&id);
    assert_eq!(job["state"], "completed", "{job:#}");
    for name in &caught {
        assert!(step(&job, name)["attempts"].as_u64().expect("a number") > 1, "{job:#}");
    }
    assert_clean(&desk.receipt(&id));
    assert_eq!(server.checksums(&site.database), sums, "the source changed");
}

/// Makes a finished job look as a kill leaves it that comes right before the note that it is done.
fn forget_the_end(desk: &Desk, id: &str) {
    let sql = "UPDATE job SET state = 'queued', intent = 'go', finished_at = NULL WHERE finished_at IS NOT NULL; \
               UPDATE step SET state = 'running', finished_at = NULL WHERE name = 'ready'";
    let php = format!("$d = new PDO('sqlite:{}/clonedeck.db'); $d->exec(\"{sql}\");", desk.data().display());
    assert!(Command::new("php").args(["-r", &php]).status().expect("php starts").success());
    assert_eq!(desk.job(id)["state"], "queued");
}

#[test]
fn a_clone_that_is_stopped_right_before_the_note_of_its_end_completes_or_is_taken_back_whole() {
    let desk = Desk::new();
    let server = MariaDb::shared();
    let site = WordPress::install_empty(&desk.path("shop"), &server, "http://shop.test");
    let given = server.fresh_database("given");
    server.sql_in(&given, "CREATE TABLE mine (a INT); INSERT INTO mine VALUES (7)");
    let address = server.address(&given);
    for words in [&[][..], &["--db", &address, "--replace"]] {
        let job = desk.clone(&site.folder, &desk.path("copy"), words);
        let id = id_of(&job);
        let database = job["result"]["database"].as_str().expect("a database");
        let name = database.split(['/', '?']).nth(3).expect("a name").to_owned();
        // Most servers say nothing of who made a database.
        server.sql(&format!("ALTER DATABASE `{name}` COMMENT ''"));
        forget_the_end(&desk, id);
        expect_code(desk.command().args(["work", "--until-idle"]), 0);
        assert_eq!(desk.job(id)["state"], "completed", "{:#}", desk.job(id));
        forget_the_end(&desk, id);
        stdout_of(desk.command().args(["cancel", id]));
        expect_code(desk.command().args(["work", "--until-idle"]), 0);
        assert_eq!(desk.job(id)["state"], "cancelled");
        assert!(!desk.path("copy").exists() && desk.processes().is_empty());
        let databases = server.sql("SHOW DATABASES");
        assert_eq!(databases.lines().any(|line| line == name), name == given, "{databases}");
        assert!(!databases.contains("_aside"), "{databases}");
    }
    assert_eq!(server.sql_in(&given, "SHOW TABLES; SELECT a FROM mine"), "mine\n7\n");

    // What was in a database that was given comes back also when a finished copy is deleted.
    let job = desk.clone(&site.folder, &desk.path("copy"), &["--db", &address, "--replace"]);
    assert!(server.sql_in(&given, "SHOW TABLES").contains("wp_posts"));
    let goes = stdout_of(desk.command().args(["delete", id_of(&job), "--yes", "copy"]));
    assert!(goes.contains("what was in it before comes back"), "{goes}");
    assert_eq!(server.sql_in(&given, "SHOW TABLES; SELECT a FROM mine"), "mine\n7\n");
}

#[test]
fn a_full_disk_pauses_a_clone_and_room_lets_it_go_on() {
    let desk = Desk::new();
    let Some(disk) = Disk::in_memory(&desk.path("disk"), 400) else { return };
    let server = MariaDb::shared();
    let site = WordPress::install(&desk.path("shop"), &server, "http://shop.test");
    let films = site.folder.join("wp-content/uploads/films");
    fs::create_dir_all(&films).expect("a folder");
    let film = bytes(7, 1 << 20);
    for number in 0..100 {
        fs::write(films.join(format!("{number}.mp4")), &film).expect("a film");
    }
    let id = desk.launch(&site.folder, &disk.path().join("copy"), &[]);
    // One that is not done when nothing can run: it waits for room as the desktop program does.
    let mut worker =
        desk.command().arg("work").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    desk.wait_for_job(&id, "the copy to begin", |job| {
        (step(job, "copy-core")["state"] != "pending").then_some(())
    });
    signal(worker.id(), "STOP");
    assert_eq!(step(&desk.job(&id), "copy-media")["state"], "pending", "caught before the films");
    let ballast = disk.fill(1 << 20);
    signal(worker.id(), "CONT");
    let why = wait_for("the clone to wait for room", PATIENCE, || {
        let job = desk.job(&id);
        assert_ne!(job["state"], "failed", "{job:#}");
        (job["state"] == "waiting").then(|| job["waiting_for"].clone())
    });
    assert!(why["code"].as_str().is_some_and(|code| code.contains("disk")), "{why}");
    assert!(why["message"].as_str().is_some_and(|text| text.contains("room")), "{why}");
    fs::remove_file(ballast).expect("room again");
    desk.wait_for_job(&id, "the clone to go on by itself", |job| (job["state"] == "completed").then_some(()));
    assert_clean(&desk.receipt(&id));
    signal(worker.id(), "TERM");
    worker.wait().expect("it ends");
}
