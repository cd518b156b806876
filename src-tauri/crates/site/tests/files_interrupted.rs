//! Copies that are killed, stopped, starved of room or robbed of their ground, and what comes of them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use clonedeck_site::files::{self, CopyReport, Exclusions, Index, Options, Verify};
use clonedeck_site::{Class, Level, Part, Problem, Result, Stopped, Unit, Unwatched, Watch};
use clonedeck_tests::trees::{assert_same, awkward, bytes};

const ALL: [Part; 1] = [Part::Core];

async fn take(root: &Path) -> Arc<Index> {
    Arc::new(Index::take(root, &Exclusions::none(), |_| Part::Core, &Unwatched).await.unwrap())
}

async fn copy(index: &Arc<Index>, target: &Path, watch: &dyn Watch) -> Result<CopyReport> {
    // Syncing would wait for whatever else this machine writes; one test of whole trees does it.
    let options = Options { threads: 4, sync: false, ..Options::default() };
    files::copy(Arc::clone(index), index.root(), target, &ALL, options, watch).await
}

/// A tree that takes long enough to be caught in the middle.
fn many_files(root: &Path, files: usize) {
    for number in 0..files {
        let folder = root.join(format!("d{}", number % 40));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("f{number}")), bytes(number as u64, 500 + number % 9000)).unwrap();
    }
}

fn files_in(root: &Path) -> usize {
    let Ok(entries) = fs::read_dir(root) else { return 0 };
    entries
        .flatten()
        .map(
            |entry| {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) { files_in(&entry.path()) } else { 1 }
            },
        )
        .sum()
}

/// Runs one of the tests below, which only act when asked like this, as a process of its own.
fn child(test: &str, act: &[&str], environment: &[(&str, &Path)]) -> Child {
    child_of(&std::env::current_exe().unwrap(), test, act, environment)
}

fn child_of(program: &Path, test: &str, act: &[&str], environment: &[(&str, &Path)]) -> Child {
    let mut command = match act {
        [] => Command::new(program),
        [wrapper, rest @ ..] => {
            let mut command = Command::new(wrapper);
            command.args(rest).arg(program);
            command
        }
    };
    command.args(["--exact", test, "--nocapture"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in environment {
        command.env(name, value);
    }
    command.spawn().unwrap()
}

fn asked(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

#[tokio::test]
async fn child_copies() {
    let (Some(source), Some(target)) = (asked("FILES_CHILD_SOURCE"), asked("FILES_CHILD_TARGET")) else {
        return;
    };
    copy(&take(&source).await, &target, &Unwatched).await.unwrap();
}

#[tokio::test]
async fn a_killed_copy_goes_on_and_copies_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    awkward(&source);
    many_files(&source.join("many"), 4000);
    let index = take(&source).await;
    let total = index.count(&ALL).files;
    let mut caught_in_the_middle = 0;
    for share in [0.1, 0.4, 0.7] {
        let environment =
            [("FILES_CHILD_SOURCE", source.as_path()), ("FILES_CHILD_TARGET", target.as_path())];
        let mut copying = child("child_copies", &[], &environment);
        while files_in(&target) < (share * total as f64) as usize && copying.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        caught_in_the_middle += usize::from(copying.try_wait().unwrap().is_none());
        copying.kill().unwrap();
        copying.wait().unwrap();
    }
    assert!(caught_in_the_middle > 0, "no kill came in time");

    let unfinished = |name: &str| name.starts_with(".clonedeck-");
    let whole = walk(&target).iter().filter(|path| !unfinished(&name_of(path))).count() as u64;
    let report = copy(&index, &target, &Unwatched).await.unwrap();
    let part = report.parts[&Part::Core];
    let made = part.files + part.links + part.hard_links;
    assert_eq!(made + whole, index.count(&ALL).files + index.count(&ALL).links, "{report:#?}");
    assert_same(&source, &target);
}

/// Paths of everything but folders.
fn walk(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(walk(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[tokio::test]
async fn child_fills_a_small_disk() {
    let (Some(source), Some(disk)) = (asked("FILES_CHILD_SOURCE"), asked("FILES_CHILD_DISK")) else { return };
    let mount = |options: &str| {
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(&disk).status();
        assert!(status.unwrap().success());
    };
    mount("size=1m");
    let target = disk.join("target");
    let index = take(&source).await;
    assert_eq!(files::require_space(&target, index.count(&ALL).bytes, 0).unwrap_err().code, "disk.full");
    let full = copy(&index, &target, &Unwatched).await.unwrap_err();
    assert_eq!((full.code, full.class), ("disk.full", Class::NeedsPerson), "{full}");
    assert!(full.context["needed"].parse::<u64>().unwrap() > 0 && full.context.contains_key("free"));
    assert!(
        walk(&target).iter().all(|path| !name_of(path).starts_with(".clonedeck-")),
        "unfinished files take no room"
    );
    let copied = walk(&target).len() as u64;
    assert!(copied > 0);

    mount("remount,size=64m");
    let report = copy(&index, &target, &Unwatched).await.unwrap();
    assert_eq!(report.parts[&Part::Core].whole_files, copied);
    assert_same(&source, &target);

    mount("remount,ro");
    let mut changed = fs::File::options().append(true).open(source.join("d1/f1")).unwrap();
    changed.write_all(b"more").unwrap();
    let read_only = copy(&take(&source).await, &target, &Unwatched).await.unwrap_err();
    assert_eq!((read_only.code, read_only.class), ("target.read-only", Class::NeedsPerson), "{read_only}");
    println!("the child came to its end");
}

#[test]
fn a_full_disk_is_said_and_with_more_room_the_copy_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (source, disk) = (folder.path().join("source"), folder.path().join("disk"));
    many_files(&source, 1500);
    fs::create_dir(&disk).unwrap();
    // A mount of its own, gone with the child.
    let own_mounts = ["unshare", "--user", "--map-root-user", "--mount"];
    let allowed =
        Command::new(own_mounts[0]).args(&own_mounts[1..]).arg("true").stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("not tested: this system gives users no mounts of their own");
        return;
    }
    let environment = [("FILES_CHILD_SOURCE", source.as_path()), ("FILES_CHILD_DISK", disk.as_path())];
    let output = child("child_fills_a_small_disk", &own_mounts, &environment).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("the child came to its end"), "{said}\n{complained}");
}

#[tokio::test]
async fn a_file_that_never_holds_still_is_copied_and_listed_as_unsettled() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    fs::create_dir(&source).unwrap();
    fs::write(source.join("busy"), bytes(1, 24 << 20)).unwrap();
    fs::write(source.join("calm"), "calm").unwrap();
    let index = take(&source).await;
    let over = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (over, path) = (Arc::clone(&over), source.join("busy"));
        move || {
            let mut file = fs::File::options().append(true).open(path).unwrap();
            while !over.load(Ordering::Relaxed) {
                file.write_all(b"another line\n").unwrap();
            }
        }
    });
    // Until the writer and a reading meet three times in a row, which a busy machine may put off.
    let mut met = false;
    for attempt in 0..500 {
        let target = target.join(attempt.to_string());
        let report = copy(&index, &target, &Unwatched).await.unwrap();
        let (copied, now) = (fs::read(target.join("busy")).unwrap(), fs::read(source.join("busy")).unwrap());
        assert!(now.starts_with(&copied), "of a file that only grows the copy is a beginning");
        let listed = report.changed.iter().find(|change| change.path.to_string() == "busy");
        assert_eq!(copied.len() as u64, listed.map_or(24 << 20, |change| change.size));
        met = listed.is_some_and(|change| !change.settled);
        fs::remove_dir_all(&target).unwrap();
        // Sharing blocks takes one moment of the file, so there it may well hold still.
        if met || report.reflinked > 0 {
            met = true;
            break;
        }
    }
    over.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    assert!(met, "500 copies of a file that is being written all held still");
}

/// Stops, or holds, the work after a number of looks.
struct Steering {
    looks_left: AtomicUsize,
    answer: Result<(), Stopped>,
    stood: AtomicUsize,
    target: PathBuf,
}

#[async_trait]
impl Watch for Steering {
    fn progress(&self, done: u64, total: u64, _: Unit) {
        assert!(total == 0 || done <= total);
    }
    fn doing(&self, _: &str) {}
    fn note(&self, _: Level, _: &str) {}
    fn stop_requested(&self) -> bool {
        self.looks_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_err()
            && self.stood.load(Ordering::Relaxed) == 0
    }
    async fn safe_point(&self) -> Result<(), Stopped> {
        if self.looks_left.load(Ordering::Relaxed) > 0 {
            return Ok(());
        }
        let before = files_in(&self.target);
        let until = Instant::now() + Duration::from_millis(60);
        while Instant::now() < until {
            assert_eq!(files_in(&self.target), before, "somebody works while the work is held");
            tokio::task::yield_now().await;
        }
        self.stood.fetch_add(1, Ordering::Relaxed);
        self.answer
    }
    async fn checkpoint(&self, _: serde_json::Value) -> Result<(), Stopped> {
        Ok(())
    }
}

#[tokio::test]
async fn a_copy_holds_where_it_is_asked_to_and_goes_on_or_stops() {
    for answer in [Ok(()), Err(Stopped)] {
        let folder = tempfile::tempdir().unwrap();
        let (source, target) = (folder.path().join("source"), folder.path().join("target"));
        many_files(&source, 3000);
        let index = take(&source).await;
        let watch = Steering {
            looks_left: AtomicUsize::new(1),
            answer,
            stood: AtomicUsize::new(0),
            target: target.clone(),
        };
        let done = copy(&index, &target, &watch).await;
        assert_eq!(watch.stood.load(Ordering::Relaxed), 1);
        match answer {
            Ok(()) => drop(done.unwrap()),
            Err(stopped) => {
                assert_eq!(done.unwrap_err(), Problem::from(stopped));
                assert!(walk(&target).iter().all(|path| !name_of(path).starts_with(".clonedeck-")));
                copy(&index, &target, &Unwatched).await.unwrap();
            }
        }
        assert_same(&source, &target);
    }
}

#[tokio::test]
async fn something_in_the_way_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    many_files(&source, 50);
    let index = take(&source).await;
    fs::create_dir_all(target.join("d3/f3")).unwrap();
    assert_eq!(copy(&index, &target, &Unwatched).await.unwrap_err().code, "target.in-the-way");

    fs::remove_dir_all(&target).unwrap();
    fs::create_dir_all(&target).unwrap();
    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", target.join("d5")).unwrap();
    assert_eq!(copy(&index, &target, &Unwatched).await.unwrap_err().code, "target.in-the-way");
    assert_eq!(files_in(&folder.path().join("elsewhere")), 0, "nothing is written through a link");

    assert_eq!(copy(&index, &source, &Unwatched).await.unwrap_err().code, "target.is-source");
}

#[tokio::test]
async fn a_name_that_does_not_fit_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    many_files(&source, 5);
    let index = take(&source).await;
    let target = folder.path().join("n".repeat(300)).join("target");
    assert_eq!(copy(&index, &target, &Unwatched).await.unwrap_err().code, "name.too-long");
}

#[tokio::test]
async fn a_source_that_is_rewritten_under_the_copy_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    many_files(&source, 400);
    let index = take(&source).await;
    for number in 0..200 {
        fs::remove_file(source.join(format!("d{}/f{number}", number % 40))).unwrap();
    }
    let problem = copy(&index, &target, &Unwatched).await.unwrap_err();
    assert_eq!((problem.code, problem.class), ("source.changing", Class::NeedsPerson));
}

#[tokio::test]
async fn sockets_are_listed_and_never_copied() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    many_files(&source, 5);
    let listener = clonedeck_tests::trees::special(&source);
    let index = take(&source).await;
    assert_eq!(index.special().count(), 1);
    let report = copy(&index, &target, &Unwatched).await.unwrap();
    drop(listener);
    assert_eq!(report.special.iter().map(ToString::to_string).collect::<Vec<_>>(), ["socket"]);
    assert!(!target.join("socket").exists());
    let nothing = BTreeSet::new();
    let comparison = files::compare(index, &target, &ALL, Verify::Full, &nothing, &Unwatched).await.unwrap();
    assert!(comparison.is_clean(), "{comparison:#?}");
}

/// Acts only as a user that is not all-powerful.
#[tokio::test]
async fn child_may_not_read_everything() {
    let Some(source) = asked("FILES_CHILD_SOURCE") else { return };
    assert!(!rustix::process::geteuid().is_root());
    let index = take(&source).await;
    let unreadable: Vec<_> = index.unreadable().iter().map(|one| one.path.to_string()).collect();
    assert_eq!(unreadable, ["closed", "d1/secret"], "all of them, and nothing within");
    let problem = index.require_readable().unwrap_err();
    assert_eq!((problem.code, problem.class), ("source.unreadable", Class::NeedsPerson));
    assert_eq!(
        (problem.context["count"].as_str(), problem.context["paths"].as_str()),
        ("2", "closed\nd1/secret")
    );

    let folder = tempfile::tempdir().unwrap();
    let report = copy(&index, &folder.path().join("target"), &Unwatched).await.unwrap();
    assert_eq!(report.parts[&Part::Core].files, 20, "with leave, the rest is copied: {report:#?}");

    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    let refused = copy(&index, &closed.join("target"), &Unwatched).await.unwrap_err();
    assert_eq!((refused.code, refused.class), ("target.not-writable", Class::NeedsPerson));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();

    let (awkward, target) = (folder.path().join("awkward"), folder.path().join("copy"));
    clonedeck_tests::trees::awkward(&awkward);
    let index = take(&awkward).await;
    copy(&index, &target, &Unwatched).await.unwrap();
    assert_same(&awkward, &target);
    copy(&index, &target, &Unwatched).await.unwrap();
    assert_same(&awkward, &target);
    files::remove_made(index, &target, &[], &Unwatched).await.unwrap();
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
    fs::set_permissions(awkward.join("read-only"), fs::Permissions::from_mode(0o755)).unwrap();
    println!("the child came to its end");
}

#[test]
fn an_ordinary_user_hears_of_everything_it_may_not_read_and_copies_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    many_files(&source, 20);
    fs::create_dir(source.join("closed")).unwrap();
    fs::write(source.join("closed/within"), "").unwrap();
    fs::write(source.join("d1/secret"), "").unwrap();
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(&source.join("d1/secret"), 0o000);
    mode(&source.join("closed"), 0o000);
    mode(folder.path(), 0o755);
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let act: &[&str] = if rustix::process::geteuid().is_root() { &nobody } else { &[] };
    // The test program itself may be where an ordinary user cannot come.
    let program = folder.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    mode(&program, 0o755);
    let environment = [("FILES_CHILD_SOURCE", source.as_path())];
    let child = child_of(&program, "child_may_not_read_everything", act, &environment);
    let output = child.wait_with_output().unwrap();
    mode(&source.join("closed"), 0o755);
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("the child came to its end"), "{said}\n{complained}");
}

/// Takes minutes on a slow disk: asked for by `CLONEDECK_TEST_MANY_FILES=100000`.
#[tokio::test]
async fn very_many_small_files_equal_their_copy() {
    let files = std::env::var("CLONEDECK_TEST_MANY_FILES").map_or(2000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    for number in 0..files {
        let place = source.join(format!("d{}/e{}", number % 100, number % 7));
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join(format!("f{number}")), bytes(number, (number % 300) as usize)).unwrap();
    }
    let index = take(&source).await;
    let report = copy(&index, &target, &Unwatched).await.unwrap();
    assert_eq!(report.parts[&Part::Core].files, files);
    assert_same(&source, &target);
}
