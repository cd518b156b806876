//! Many clones at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use clonedeck_tests::desk::{Desk, assert_proved};
use clonedeck_tests::program::{expect_code, stdout_of};

const AT_ONCE: usize = 24;

#[test]
fn two_dozen_clones_launched_at_once_are_all_accepted_and_each_is_whole() {
    let desk = Desk::new();
    let site = clonedeck_site::demo::make(&desk.path("shop")).expect("a small shop on SQLite");
    // The data directory is there, as it is for everybody after the first launch.
    stdout_of(desk.command().arg("jobs"));
    let launches: Vec<(String, Duration)> = std::thread::scope(|scope| {
        let launch = |number: usize| {
            let (desk, site) = (&desk, &site);
            scope.spawn(move || {
                let began = Instant::now();
                let id = desk.launch(site, &desk.path(&format!("copy-{number}")), &[]);
                (id, began.elapsed())
            })
        };
        let running: Vec<_> = (0..AT_ONCE).map(launch).collect();
        running.into_iter().map(|launch| launch.join().expect("a launch")).collect()
    });
    let mut times: Vec<u128> = launches.iter().map(|launch| launch.1.as_millis()).collect();
    times.sort_unstable();
    println!(
        "accepted in {} ms (half of them), {} ms (the slowest), {AT_ONCE} processes at once",
        times[AT_ONCE / 2],
        times[AT_ONCE - 1]
    );
    let began = Instant::now();
    expect_code(desk.command().args(["work", "--until-idle"]), 0);
    println!("all done after {:.1} s", began.elapsed().as_secs_f64());

    let (mut folders, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    for (id, _) in &launches {
        let job = desk.job(id);
        assert_eq!(job["state"], "completed", "{job:#}");
        assert_proved(&desk.receipt(id));
        folders.insert(job["result"]["folder"].as_str().expect("a folder").to_owned());
        addresses.insert(job["result"]["url"].as_str().expect("an address").to_owned());
    }
    assert_eq!(
        (folders.len(), addresses.len()),
        (AT_ONCE, AT_ONCE),
        "each has a place and an address of its own"
    );
    let served = stdout_of(desk.command().args(["--json", "previews"]));
    assert_eq!(served.lines().count(), AT_ONCE, "{served}");
}

#[test]
fn a_folder_is_promised_to_one_clone_only() {
    let desk = Desk::new();
    let page = |folder: &Path, text: &str| {
        fs::create_dir(folder).expect("a folder");
        fs::write(folder.join("index.html"), text).expect("a page");
    };
    let (one, other, target) = (desk.path("one"), desk.path("other"), desk.path("copy"));
    page(&one, "one");
    page(&other, "other");
    let id = desk.launch(&one, &target, &[]);
    assert_eq!(desk.launch(&one, &target, &[]), id, "the very same is the same job");

    // However the folder is spelled.
    std::os::unix::fs::symlink(desk.home(), desk.path("link")).expect("a link");
    for (source, target, words) in [
        (&other, &target, &[][..]),
        (&other, &desk.path("link").join("copy"), &[][..]),
        (&one, &target, &["--skip", "media"][..]),
    ] {
        let error = desk.refused(source, target, words);
        assert_eq!(error["code"], "target.taken", "{error}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(&id)), "{error}");
        assert!(error["help"].as_str().is_some_and(|text| !text.is_empty()));
    }
    expect_code(desk.command().args(["work", "--until-idle"]), 0);
    assert_eq!(fs::read_to_string(target.join("index.html")).expect("a page"), "one");
    assert_eq!(desk.refused(&other, &target, &[])["code"], "target.not-empty");
    assert_eq!(stdout_of(desk.command().args(["--json", "jobs"])).lines().count(), 1);
}
