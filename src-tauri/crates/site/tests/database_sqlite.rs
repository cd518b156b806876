//! Copies of SQLite files.

#[allow(dead_code, reason = "every test program uses a part of it")]
mod database_fixture;

use std::path::{Path, PathBuf};

use clonedeck_site::databases::{
    Access, Count, DatabaseAddress, Known, Occupied, Source, Target, check, copy, rewrite, settle, tables,
};
use clonedeck_site::{Secret, Unwatched};
use database_fixture::{Stopping, rewriting};
use rusqlite::Connection;

fn at(path: &Path) -> DatabaseAddress {
    DatabaseAddress::Sqlite { path: path.to_owned() }
}

/// A shop whose rows hold `site`.
fn fill(path: &Path, site: &str) {
    let shop = Connection::open(path).unwrap();
    shop.execute_batch(
        "PRAGMA journal_mode=WAL; CREATE TABLE wp_posts (ID INTEGER PRIMARY KEY, post_content TEXT, guid TEXT, size GENERATED ALWAYS AS
           (length(post_content)) STORED);
         CREATE TABLE wp_options (option_name TEXT PRIMARY KEY, option_value BLOB) WITHOUT ROWID;
         CREATE TABLE odd (rowid TEXT, \"a \"\"b\" TEXT);
         CREATE TABLE log (what TEXT);
         CREATE TRIGGER t AFTER UPDATE ON wp_posts BEGIN INSERT INTO log VALUES ('changed'); END;
         CREATE VIEW v AS SELECT ID FROM wp_posts; BEGIN;",
    )
    .unwrap();
    for n in 0..5000_i64 {
        let text =
            if n % 3 == 0 { format!("see {site}/?p={n} and {site}/b") } else { format!("nothing in {n}") };
        shop.execute(
            "INSERT INTO wp_posts (ID, post_content, guid) VALUES (?1, ?2, ?3)",
            (n - 10, text, format!("{site}/?p={n}")),
        )
        .unwrap();
    }
    for n in 0..50 {
        let value = format!("a:1:{{s:3:\"url\";s:{}:\"{site}/{n:03}\";}}", site.len() + 4);
        shop.execute("INSERT INTO wp_options VALUES (?1, ?2)", (format!("{site}/{n:03}"), value.as_bytes()))
            .unwrap();
        shop.execute("INSERT INTO odd VALUES (?1, NULL)", [format!("{site}/")]).unwrap();
    }
    shop.execute_batch("COMMIT").unwrap();
}

fn content(path: &Path) -> Vec<String> {
    let shop = Connection::open(path).unwrap();
    let mut all = Vec::new();
    for sql in [
        "SELECT ID||'|'||post_content||'|'||guid||'|'||size FROM wp_posts ORDER BY ID",
        "SELECT option_name||'|'||CAST(option_value AS TEXT)||typeof(option_value) FROM wp_options ORDER BY 1",
        "SELECT rowid||'|'||typeof(\"a \"\"b\") FROM odd",
        "SELECT what FROM log",
        "SELECT type||name||sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY 1",
    ] {
        let mut found = shop.prepare(sql).unwrap();
        all.extend(found.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap));
    }
    all
}

/// What this process has open below a folder.
fn open_files(folder: &Path) -> Vec<PathBuf> {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    let files = descriptors.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    files.filter(|file| file.starts_with(folder)).collect()
}

/// How many locks anybody holds on a file.
fn locks(file: &Path) -> usize {
    use std::os::unix::fs::MetadataExt as _;
    let inode = format!(":{}", std::fs::metadata(file).unwrap().ino());
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks.lines().filter(|line| line.split(' ').any(|word| word.ends_with(&inode))).count()
}

async fn whole(
    source: &Source,
    to: &Path,
    job: &str,
    stop_after: Option<u32>,
) -> Result<u64, clonedeck_site::Problem> {
    let none = Secret::default();
    let watch = Stopping::after(stop_after);
    let target = Target::prepare(source, &at(to), &none, job, Occupied::Refuse, &watch).await?;
    let rewriting = rewriting("http://a.test", "http://a.test/shop");
    copy(source, &target, Some(&rewriting), 2, &watch).await?;
    let done = rewrite(source, &target, &rewriting, 2, &watch).await?;
    settle(source, &target, Some(&rewriting), 2, &watch).await?;
    assert_eq!(done.newly_broken, 0);
    assert!(done.unchanged_unsafe.is_empty(), "{done:?}");
    let checked = check(source, &target, None, Known::default(), &watch).await?;
    assert!(checked.tables.iter().all(|table| table.rows_source == table.rows_target), "{checked:?}");
    target.finish().await?;
    Ok(done.cells_changed)
}

#[tokio::test]
async fn a_copy_of_a_file_holds_every_row_and_the_new_address() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to, expected) =
        (folder.path().join("a.sqlite"), folder.path().join("sub/b.sqlite"), folder.path().join("c.sqlite"));
    fill(&from, "http://a.test");
    fill(&expected, "http://a.test/shop");
    let source = Source::open(&at(&from), &Secret::default()).await.unwrap();
    let survey = source.survey(Count::Exact, &Unwatched).await.unwrap();
    assert_eq!((survey.rows(), survey.tables.len(), survey.triggers.len()), (5100, 4, 1));
    let changed = whole(&source, &to, "job-1", None).await.unwrap();
    assert_eq!(changed, 1667 + 5000 + 100 + 50);
    assert_eq!(content(&to), content(&expected));
}

#[tokio::test]
async fn a_copy_of_a_file_that_is_stopped_at_any_point_goes_on_and_rewrites_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to, expected) =
        (folder.path().join("a.sqlite"), folder.path().join("b.sqlite"), folder.path().join("c.sqlite"));
    fill(&from, "http://a.test");
    fill(&expected, "http://a.test/shop");
    let source = Source::open(&at(&from), &Secret::default()).await.unwrap();
    let mut stops = 0;
    while let Err(problem) = whole(&source, &to, "job-1", Some(stops)).await {
        assert_eq!(problem.code, "stopped");
        assert_eq!(
            open_files(folder.path()),
            Vec::<PathBuf>::new(),
            "what goes on wants the files for itself"
        );
        stops += 1;
    }
    assert!(stops >= 8, "the work was stopped only {stops} times");
    assert_eq!(content(&to), content(&expected));
}

#[tokio::test]
async fn a_reader_takes_no_lock_from_another_reader_of_the_same_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sqlite");
    for mode in ["DELETE", "WAL"] {
        fill(&file, "http://a.test");
        Connection::open(&file).unwrap().pragma_update(None, "journal_mode", mode).unwrap();
        let first = Connection::open(&file).unwrap();
        first.execute_batch("BEGIN").unwrap();
        first.query_row("SELECT COUNT(*) FROM wp_posts", [], |_| Ok(())).unwrap();
        tables(&at(&file), &Secret::default(), Access::Read).await.unwrap();
        Source::open(&at(&file), &Secret::default()).await.unwrap();
        let locks = locks(&file);
        assert!(locks > 0, "a reader holds a lock on the file itself, journal mode {mode}");
        drop(first);
        std::fs::remove_file(&file).unwrap();
    }
}

#[tokio::test]
async fn a_reader_that_is_the_last_to_close_leaves_the_log_of_others_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sqlite");
    fill(&file, "http://a.test");
    let reader = tables(&at(&file), &Secret::default(), Access::Read).await.unwrap();
    let before = std::fs::read(&file).unwrap();
    let site = Connection::open(&file).unwrap();
    site.execute("INSERT INTO log VALUES ('written while it was read')", []).unwrap();
    drop(site);
    let log = folder.path().join("a.sqlite-wal");
    let logged = std::fs::read(&log).unwrap();
    assert!(!logged.is_empty(), "the site was not the last one");
    drop(reader);
    assert!(std::fs::read(&file).unwrap() == before);
    assert!(std::fs::read(&log).unwrap() == logged);
    let written: i64 =
        Connection::open(&file).unwrap().query_row("SELECT COUNT(*) FROM log", [], |row| row.get(0)).unwrap();
    assert_eq!(written, 1);
}

#[tokio::test]
async fn a_file_that_holds_something_is_refused_or_set_aside_and_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("a.sqlite"), folder.path().join("b.sqlite"));
    fill(&from, "http://a.test");
    Connection::open(&to)
        .unwrap()
        .execute_batch("CREATE TABLE mine (a); INSERT INTO mine VALUES (7)")
        .unwrap();
    let before = std::fs::read(&to).unwrap();
    let none = Secret::default();
    let source = Source::open(&at(&from), &none).await.unwrap();
    let refused =
        Target::prepare(&source, &at(&to), &none, "job-1", Occupied::Refuse, &Unwatched).await.unwrap_err();
    assert_eq!(refused.code, "target.not-empty");
    let own = Target::prepare(&source, &at(&from), &none, "job-1", Occupied::SetAside, &Unwatched)
        .await
        .unwrap_err();
    assert_eq!(own.code, "target.is-source");
    let target =
        Target::prepare(&source, &at(&to), &none, "job-1", Occupied::SetAside, &Unwatched).await.unwrap();
    copy(&source, &target, None, 1, &Unwatched).await.unwrap();
    Target::undo(&at(&to), &none, "job-2", &Unwatched).await.unwrap();
    assert!(Target::open(&source, &at(&to), &none, "job-1").await.is_ok());
    Target::undo(&at(&to), &none, "job-1", &Unwatched).await.unwrap();
    assert!(std::fs::read(&to).unwrap() == before);
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("aside")), "{names:?}");
    // The same for a job that was cut off after its marks were gone.
    let target =
        Target::prepare(&source, &at(&to), &none, "job-1", Occupied::SetAside, &Unwatched).await.unwrap();
    copy(&source, &target, None, 1, &Unwatched).await.unwrap();
    let marks = target.marks().await.unwrap();
    target.finish().await.unwrap();
    assert!(Target::mark_again(&at(&to), &none, "job-1", &marks).await.unwrap());
    assert!(!Target::mark_again(&at(&to), &none, "job-2", &marks).await.unwrap());
    Target::undo(&at(&to), &none, "job-1", &Unwatched).await.unwrap();
    assert!(std::fs::read(&to).unwrap() == before);
    let used = marks.clone().of_a_used_copy();
    assert!(!Target::mark_again(&at(&to), &none, "job-1", &used).await.unwrap(), "the old one is back");
    Target::undo(&at(&to), &none, "job-1", &Unwatched).await.unwrap();
    assert!(std::fs::read(&to).unwrap() == before);
    std::fs::remove_file(&to).unwrap();
    assert!(!Target::mark_again(&at(&to), &none, "job-1", &marks).await.unwrap(), "it is gone");
}

#[tokio::test]
async fn what_is_no_database_is_told_from_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sqlite");
    let missing = Source::open(&at(&file), &Secret::default()).await.unwrap_err();
    assert_eq!(missing.code, "database.unknown");
    std::fs::write(&file, "this is a letter to my mother, not a database, and long enough to be one")
        .unwrap();
    let letter = Source::open(&at(&file), &Secret::default()).await.unwrap_err();
    assert!(letter.message.contains("is not a SQLite database"), "{letter}");
}

#[tokio::test]
async fn reading_a_file_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("a.sqlite"), tempfile::tempdir().unwrap());
    fill(&from, "http://a.test");
    let before = std::fs::read(&from).unwrap();
    let source = Source::open(&at(&from), &Secret::default()).await.unwrap();
    whole(&source, &to.path().join("b.sqlite"), "job-1", None).await.unwrap();
    let mut read = tables(&at(&from), &Secret::default(), Access::Read).await.unwrap();
    let refused = read.execute("INSERT INTO log VALUES ('mine')", &[]).await;
    assert!(refused.is_err(), "a reader writes nothing");
    drop(read);
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a.sqlite"]);
    assert!(std::fs::read(&from).unwrap() == before);
}
