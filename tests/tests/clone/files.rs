//! A tree with everything that a copier may stumble over, cloned by the command line, equals its copy.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use clonedeck_tests::desk::{Desk, assert_proved, id_of};
use clonedeck_tests::luck::asked;
use clonedeck_tests::trees::{assert_unchanged, awkward, differences, fingerprint, many, special};

#[test]
fn a_tree_of_awkward_things_equals_its_copy() {
    let desk = Desk::new();
    let (site, target) = (desk.path("site"), desk.path("copy"));
    fs::create_dir(&site).expect("a folder");
    awkward(&site);
    many(&site, asked("CLONEDECK_TREE", 3000));
    fs::write(site.join("index.html"), "<h1>Hello</h1>").expect("a page");
    symlink(site.join("index.html"), site.join("link-in")).expect("a link");
    let socket = special(&site);
    let before = fingerprint(&site);

    let job = desk.clone(&site, &target, &["--verify", "full"]);
    let receipt = desk.receipt(id_of(&job));
    assert_proved(&receipt);
    assert_unchanged(&before, &fingerprint(&site));
    // The root has another time, for a robots.txt and a folder for caught mail were put into it; a link to a place in the source leads
    // into the copy; a socket is never copied.
    let apart = |path: &Path| {
        let path = path.to_string_lossy();
        ["", "robots.txt", "link-in", "socket"].contains(&&*path) || path.starts_with("clonedeck-caught-")
    };
    let found = differences(&site, &target, apart);
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found[..found.len().min(20)].join("\n"));
    assert!(fs::symlink_metadata(target.join("socket")).is_err());
    let leads = fs::canonicalize(target.join("link-in")).expect("it leads somewhere");
    assert_eq!(leads, fs::canonicalize(target.join("index.html")).expect("a page"));
    let listed = receipt["files"]["listed"].to_string();
    for name in ["socket", "link-out"] {
        assert!(listed.contains(name), "{name} is listed: {listed}");
    }
    drop(socket);
}
