//! The errors that people meet, each provoked once: a stable code, a sentence, and what to do.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clonedeck_tests::desk::{Desk, assert_clean, error_of, id_of, step};
use clonedeck_tests::disk::Disk;
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::program::{built_programs, clonedeck, expect_code, signal, stdout_of};
use clonedeck_tests::wordpress::WordPress;
use serde_json::Value;

/// A static site of one page.
pub(super) fn page(desk: &Desk) -> PathBuf {
    let site = desk.path("site");
    fs::create_dir(&site).expect("a folder");
    fs::write(site.join("index.html"), "<h1>Hello</h1>").expect("a page");
    site
}

/// Panics unless an error has this code, and words for people.
pub(super) fn assert_told(error: &Value, code: &str) {
    assert_eq!(error["code"], code, "{error:#}");
    for words in ["message", "help"] {
        assert!(error[words].as_str().is_some_and(|text| text.len() > 10), "no {words}: {error:#}");
    }
    println!(
        "error[{code}]: {}\n  help: {}",
        error["message"].as_str().unwrap_or_default(),
        error["help"].as_str().unwrap_or_default()
    );
}

/// The error of the step at which a clone waits for a person; `clonedeck clone` ends with 4 then.
pub(super) fn waits(desk: &Desk, site: &Path, target: &Path, words: &[&str]) -> Value {
    let mut command = desk.command();
    command.args(["--json", "clone"]).args(words).arg(site).arg(target);
    let output = expect_code(&mut command, 4);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let job: Value = serde_json::from_str(text.lines().last().expect("the job")).expect("JSON");
    assert_eq!(job["state"], "waiting", "{job:#}");
    let steps = job["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["state"] == "waiting").expect("a step that waits")["error"].clone()
}

/// The job that was added last.
pub(super) fn latest(desk: &Desk) -> Value {
    let text = stdout_of(desk.command().args(["--json", "jobs", "--limit", "1"]));
    serde_json::from_str(&text).expect("JSON")
}

/// Lets the latest job go on, to its good end.
pub(super) fn goes_on(desk: &Desk) {
    let job = latest(desk);
    stdout_of(desk.command().args(["retry", id_of(&job)]));
    expect_code(desk.command().args(["work", "--until-idle"]), 0);
    let job = desk.job(id_of(&job));
    assert_eq!(job["state"], "completed", "{job:#}");
}

/// What stands in the way of a clone, as its plan tells before anything is added.
fn obstacles(command: &mut Command, site: &Path, target: &Path) -> Vec<Value> {
    let output = expect_code(command.args(["--json", "clone", "--dry-run"]).arg(site).arg(target), 2);
    let plan: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    plan["obstacles"].as_array().unwrap_or_else(|| panic!("no plan: {plan:#}")).clone()
}

#[test]
fn what_cannot_be_cloned_is_refused_and_nothing_is_added() {
    let desk = Desk::new();
    let site = page(&desk);
    let full = desk.path("full");
    fs::create_dir(&full).expect("a folder");
    fs::write(full.join("precious"), "mine").expect("a file");
    let copy = desk.path("copy");
    for (source, target, code) in [
        (site.clone(), full.clone(), "target.not-empty"),
        (site.clone(), site.clone(), "target.is-source"),
        (site.clone(), site.join("inside"), "target.in-source"),
        (site.clone(), desk.home().to_owned(), "source.in-target"),
        (desk.path("nowhere"), copy.clone(), "site.missing"),
        (full.clone(), copy.clone(), "site.not-found"),
        (site.clone(), desk.path(&"n".repeat(300)), "name.too-long"),
    ] {
        assert_told(&desk.refused(&source, &target, &[]), code);
    }
    assert_told(&desk.refused(&site, &copy, &["--url", "not an address"]), "address.refused");
    assert_told(&desk.refused(&site, &copy, &["--db", "mysql//nowhere"]), "database.address");
    assert_told(&desk.refused(&site, &copy, &["--skip", "everything"]), "part.unknown");
    assert_told(&desk.refused(&site, &copy, &["--exclude", "[z-a]"]), "exclude.bad-pattern");
    assert_eq!(stdout_of(desk.command().args(["--json", "jobs"])), "");
    assert_eq!(fs::read_to_string(full.join("precious")).expect("it is there"), "mine");
    assert!(!copy.exists());
}

#[test]
fn a_database_that_cannot_be_used_is_said_before_anything_is_written() {
    let desk = Desk::new();
    let server = MariaDb::start();
    let site = WordPress::install_empty(&desk.path("shop"), &server, "http://shop.test");
    let config = site.folder.join("wp-config.php");
    let own = fs::read_to_string(&config).expect("a configuration");
    let copy = desk.path("copy");
    let planned = || {
        let mut command = desk.command();
        command.args(["--json", "clone", "--dry-run"]).arg(&site.folder).arg(&copy);
        let output = expect_code(&mut command, 2);
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        // An obstacle of a plan, or no plan at all.
        answer["obstacles"].get(0).cloned().unwrap_or_else(|| error_of(&output.stdout))
    };
    server.sql(&format!(
        "CREATE USER reader IDENTIFIED BY 'right'; GRANT SELECT ON `{}`.* TO reader",
        site.database
    ));
    let as_reader = |password: &str| {
        let text = own.replace("'DB_USER', 'root'", "'DB_USER', 'reader'");
        fs::write(&config, text.replace("'DB_PASSWORD', ''", &format!("'DB_PASSWORD', '{password}'")))
            .expect("a configuration");
    };
    as_reader("wrong");
    assert_told(&planned(), "database.refused-login");
    as_reader("right");
    let error = planned();
    assert_told(&error, "rights.missing");
    let missing = error["message"].as_str().expect("a sentence");
    assert!(missing.contains("CREATE") && missing.contains("DELETE"), "one error names all: {missing}");
    assert_eq!(planned(), error, "a place has the same name every time");
    let error = waits(&desk, &site.folder, &desk.path("granted"), &[]);
    let grant = error["help"].as_str().expect("help").split_once(": ").expect("a statement").1;
    server.sql(grant);
    goes_on(&desk);
    fs::write(&config, own.replace(&site.database, "no_such_database")).expect("a configuration");
    assert_told(&planned(), "database.unknown");
    fs::write(&config, &own).expect("a configuration");

    // A crashed table is named, and repaired it is copied; its index file is not one any more.
    server.sql_in(&site.database, "CREATE TABLE old_log (a INT PRIMARY KEY) ENGINE=MyISAM; INSERT INTO old_log VALUES (1), (2), (3); FLUSH TABLES");
    let index = server.data().join(&site.database).join("old_log.MYI");
    let good = fs::read(&index).expect("an index");
    fs::write(&index, "not an index").expect("a damaged file");
    let error = waits(&desk, &site.folder, &copy, &[]);
    assert_told(&error, "table.crashed");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("old_log")), "{error}");
    fs::write(&index, good).expect("a good file");
    server.sql("FLUSH TABLES");
    goes_on(&desk);

    server.kill();
    let copy = desk.path("another");
    let mut command = desk.command();
    command.args(["--json", "clone", "--dry-run"]).arg(&site.folder).arg(&copy);
    assert_told(&error_of(&expect_code(&mut command, 2).stdout), "database.down");
    assert!(!copy.exists());
}

#[test]
fn what_may_not_be_read_or_written_is_said_by_the_plan_and_once_it_may_the_clone_goes_on() {
    let desk = Desk::new();
    let site = page(&desk);
    for name in ["a.html", "b.html"] {
        fs::write(site.join(name), name).expect("a page");
    }
    let closed = desk.path("closed");
    fs::create_dir(&closed).expect("a folder");
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    let Some(command) = as_nobody(&desk) else { return };
    let close = |mode_of_page, mode_of_folder| {
        mode(&site.join("a.html"), mode_of_page);
        mode(&site.join("b.html"), mode_of_page);
        mode(&closed, mode_of_folder);
    };
    close(0o000, 0o555);
    let target = closed.join("copy");
    let told = obstacles(&mut command(), &site, &target);
    let codes: Vec<_> = told.iter().map(|problem| problem["code"].as_str().expect("a code")).collect();
    assert_eq!(codes, ["target.not-writable", "source.unreadable"]);
    told.iter().zip(&codes).for_each(|(problem, code)| assert_told(problem, code));
    assert!(told[1]["message"].as_str().is_some_and(|text| text.starts_with("2 entries")), "{}", told[1]);
    assert_eq!(told[1]["context"]["paths"], "a.html\nb.html");

    let output = expect_code(command().args(["--json", "clone"]).arg(&site).arg(&target), 4);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let job: Value = serde_json::from_str(text.lines().last().expect("the job")).expect("JSON");
    assert_eq!(step(&job, "plan")["state"], "waiting", "{job:#}");
    let log = stdout_of(command().args(["logs", id_of(&job)]));
    assert!(log.contains("a.html") && log.contains("b.html"), "all are named: {log}");
    close(0o644, 0o777);
    stdout_of(command().args(["retry", id_of(&job)]));
    expect_code(command().args(["work", "--until-idle"]), 0);
    assert_eq!(fs::read_to_string(target.join("b.html")).expect("it was copied"), "b.html");

    // Or they are left out, and listed.
    close(0o000, 0o777);
    let target = closed.join("without");
    let output =
        expect_code(command().args(["--json", "clone", "--allow-unreadable"]).arg(&site).arg(&target), 0);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let job: Value = serde_json::from_str(text.lines().last().expect("the job")).expect("JSON");
    let receipt = stdout_of(command().args(["receipt", id_of(&job)]));
    for name in ["a.html", "b.html"] {
        assert!(
            !target.join(name).exists() && receipt.contains(&format!("left out    {name}: 1 file")),
            "{receipt}"
        );
    }
    assert!(target.join("index.html").is_file());
}

/// `clonedeck` as a user who may not read or write everything; none where there is no other user to be.
fn as_nobody(desk: &Desk) -> Option<impl Fn() -> Command> {
    const NOBODY: u32 = 65_534;
    let data = desk.path("theirs");
    fs::create_dir(&data).expect("a folder");
    let is_root = fs::metadata("/proc/self").expect("this process").uid() == 0;
    let program = desk.path("clonedeck");
    if is_root {
        fs::set_permissions(desk.home(), fs::Permissions::from_mode(0o755)).expect("a mode");
        // The program may be built where nobody else can read.
        fs::copy(built_programs().join("clonedeck"), &program).expect("a program");
        std::os::unix::fs::chown(&data, Some(NOBODY), Some(NOBODY)).expect("an owner");
    }
    let command = move || {
        let mut command = clonedeck(&data);
        if is_root {
            let words: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
            command = Command::new(&program);
            command.args(words).env("HOME", &data).uid(NOBODY).gid(NOBODY).stdin(Stdio::null());
        }
        command.env("CLONEDECK_KEYCHAIN", "off");
        command
    };
    if let Err(why) = command().arg("--version").output() {
        println!("SKIPPED: the program cannot be run as somebody else: {why}");
        return None;
    }
    Some(command)
}

#[test]
fn a_folder_that_cannot_be_written_is_said() {
    let desk = Desk::new();
    let site = page(&desk);
    let Some(disk) = Disk::in_memory(&desk.path("disk"), 20) else { return };
    disk.make_read_only();
    let target = disk.path().join("copy");
    assert_told(&obstacles(&mut desk.command(), &site, &target)[0], "target.read-only");
    let error = waits(&desk, &site, &target, &[]);
    assert_told(&error, "target.read-only");
    disk.make_writable();
    goes_on(&desk);
    assert!(target.join("index.html").is_file());
}

#[test]
fn a_database_for_the_copy_of_a_site_that_has_none_is_refused() {
    let desk = Desk::new();
    let site = page(&desk);
    let mut command = desk.command();
    command.args(["--json", "clone", "--dry-run", "--db", "mysql://root@/given?socket=/nowhere"]);
    let output = expect_code(command.arg(&site).arg(desk.path("copy")), 2);
    let plan: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_told(&plan["obstacles"][0], "database.none");
}

#[test]
fn without_php_the_copy_is_made_and_what_to_install_is_said() {
    let desk = Desk::new();
    let site = page(&desk);
    let nothing = desk.path("nothing");
    fs::create_dir(&nothing).expect("a folder");
    let mut command = desk.command();
    command.env("PATH", &nothing).args(["--json", "clone"]).arg(&site).arg(desk.path("copy"));
    let output = expect_code(&mut command, 0);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let job: Value = serde_json::from_str(text.lines().last().expect("the job")).expect("JSON");
    assert_eq!(job["state"], "completed", "{job:#}");
    let findings = desk.receipt(id_of(&job))["findings"].to_string();
    assert!(findings.contains("PHP") && findings.to_lowercase().contains("install"), "{findings}");
    println!("{findings}");
}

/// Launches a clone and stops the program right after the plan, does something, and lets it go on.
fn meanwhile(desk: &Desk, site: &Path, target: &Path, what: impl FnOnce(&str)) -> Value {
    let id = desk.launch(site, target, &[]);
    let mut worker = desk.work();
    let job = desk.wait_for_job(&id, "the plan", |job| {
        (step(job, "plan")["state"] == "completed").then(|| {
            signal(worker.id(), "STOP");
            desk.job(&id)
        })
    });
    assert_eq!(step(&job, "copy-media")["state"], "pending", "stopped in time");
    what(&id);
    signal(worker.id(), "CONT");
    let job = desk.wait_for_job(&id, "it to wait", |job| (job["state"] == "waiting").then(|| job.clone()));
    let _ = worker.kill();
    let _ = worker.wait();
    let steps = job["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["state"] == "waiting").expect("a step that waits")["error"].clone()
}

#[test]
fn a_source_that_is_rewritten_meanwhile_and_a_port_that_is_taken_meanwhile_are_said() {
    let desk = Desk::new();
    let server = MariaDb::shared();
    let shop = WordPress::install_empty(&desk.path("shop"), &server, "http://shop.test");
    let uploads = shop.folder.join("wp-content/uploads");
    for number in 0..2000 {
        fs::write(uploads.join(format!("{number}.txt")), "before").expect("a file");
    }
    let error = meanwhile(&desk, &shop.folder, &desk.path("one"), |_| {
        for number in 0..1900 {
            fs::remove_file(uploads.join(format!("{number}.txt"))).expect("a file less");
        }
    });
    assert_told(&error, "source.changing");
    assert!(error["help"].as_str().is_some_and(|help| help.contains("--from-start")), "{error}");
    let id = id_of(&latest(&desk)).to_owned();
    stdout_of(desk.command().args(["retry", "--from-start", &id]));
    expect_code(desk.command().args(["work", "--until-idle"]), 0);
    let job = desk.job(&id);
    assert_eq!(job["state"], "completed", "{job:#}");
    assert_clean(&desk.receipt(&id));
    let left = fs::read_dir(desk.path("one/wp-content/uploads")).expect("uploads").flatten();
    let texts = left.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "txt")).count();
    assert_eq!(texts, 100, "it was planned anew");

    let mut listener = None;
    let error = meanwhile(&desk, &shop.folder, &desk.path("two"), |id| {
        let log = stdout_of(desk.command().args(["logs", id]));
        let place = log.split_once("the copy answers at http://").expect("an address").1;
        let place = place.split_whitespace().next().expect("an address");
        listener = Some(TcpListener::bind(place).expect("the port"));
    });
    assert_told(&error, "port.taken");
}
