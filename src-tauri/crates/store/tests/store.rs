//! What the store promises.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clonedeck_store::rusqlite::{Connection, params};
use clonedeck_store::{
    Ballast, Migrations, RunnerLock, Store, StoreError, backup_now, newest_backup, restore_backup,
};
use proptest::prelude::*;

const ONE: &str = "CREATE TABLE pair (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT";
const TWO: &str = "ALTER TABLE pair ADD COLUMN note TEXT";
const BROKEN: &str = "CREATE TABLE half (x INTEGER); CREATE TABLE pair (again INTEGER)";
const FIRST: Migrations = Migrations::new(7, &[ONE]);

fn open(dir: &Path) -> Store {
    Store::open(dir, "t.db", &FIRST).unwrap()
}

fn put(store: &Store, key: &str, value: i64) -> Result<(), StoreError> {
    let key = key.to_owned();
    store.write_wait(move |db| {
        db.execute("INSERT OR REPLACE INTO pair VALUES (?1, ?2)", params![key, value])?;
        Ok(())
    })
}

fn all(store: &Store) -> BTreeMap<String, i64> {
    store
        .read(|db| {
            let mut query = db.prepare("SELECT key, value FROM pair")?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok::<_, StoreError>(rows.collect::<Result<_, _>>()?)
        })
        .unwrap()
}

#[test]
fn an_operation_that_fails_takes_none_of_its_neighbours_along() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (block, go) = std::sync::mpsc::channel::<()>();
    // The first one holds the writer until the others have gathered behind it.
    store.write_then(move |_| go.recv().map_err(|_| StoreError::Closed), |_| ());
    let failed = Arc::new(AtomicUsize::new(0));
    let kept = Arc::new(AtomicUsize::new(0));
    for number in 0..100i64 {
        let (failed, kept) = (Arc::clone(&failed), Arc::clone(&kept));
        store.write_then(
            move |db| {
                db.execute("INSERT INTO pair VALUES (?1, ?2)", params![number.to_string(), number])?;
                if number % 3 == 0 {
                    return Err(StoreError::Sqlite { code: 0, why: "no".into() });
                }
                Ok(())
            },
            move |answer| {
                let count = if answer.is_ok() { kept } else { failed };
                count.fetch_add(1, Ordering::SeqCst);
            },
        );
    }
    block.send(()).unwrap();
    store.close();
    assert_eq!((failed.load(Ordering::SeqCst), kept.load(Ordering::SeqCst)), (34, 66));
    let store = open(dir.path());
    let found = all(&store);
    assert_eq!(found.len(), 66);
    assert!(found.values().all(|value| value % 3 != 0));
}

#[test]
fn readers_see_what_was_answered_and_can_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, "a", 1).unwrap();
    assert_eq!(all(&store)["a"], 1);
    let refused = store.read(|db| Ok::<_, StoreError>(db.execute("DELETE FROM pair", [])?));
    assert!(refused.is_err());
    assert_eq!(all(&store)["a"], 1);
}

#[test]
fn a_commit_is_seen_by_another_connection_and_its_watch() {
    let dir = tempfile::tempdir().unwrap();
    let (here, there) = (open(dir.path()), open(dir.path()));
    let mut watch = there.watch_commits().unwrap();
    assert!(watch.changed());
    assert!(!watch.changed());
    put(&here, "a", 1).unwrap();
    assert!(watch.changed());
    assert_eq!(all(&there)["a"], 1);
}

#[test]
fn who_only_looks_waits_for_nobody_who_writes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, "a", 1).unwrap();
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (finish, may_finish) = std::sync::mpsc::channel::<()>();
    // A writer that hangs in the middle of its transaction.
    store.write_then(
        move |db| {
            db.execute("INSERT INTO pair VALUES ('b', 2)", [])?;
            let _ = begun.send(());
            may_finish.recv().map_err(|_| StoreError::Closed)
        },
        |_| (),
    );
    has_begun.recv().unwrap();
    assert_eq!(all(&open(dir.path())), BTreeMap::from([("a".to_owned(), 1)]));
    finish.send(()).unwrap();
    store.close();
    assert_eq!(all(&open(dir.path())).len(), 2);
}

#[test]
fn two_writers_of_two_openings_take_turns() {
    let dir = tempfile::tempdir().unwrap();
    let threads: Vec<_> = (0..2)
        .map(|who| {
            let store = open(dir.path());
            std::thread::spawn(move || {
                for number in 0..100 {
                    put(&store, &format!("{who}-{number}"), number).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(all(&open(dir.path())).len(), 200);
}

#[test]
fn a_closed_store_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.close();
    assert!(matches!(put(&store, "a", 1), Err(StoreError::Closed)));
}

#[test]
fn a_migration_keeps_a_backup_of_what_was_there() {
    static BOTH: Migrations = Migrations::new(7, &[ONE, TWO]);
    let dir = tempfile::tempdir().unwrap();
    put(&open(dir.path()), "a", 1).unwrap();
    assert_eq!(newest_backup(&dir.path().join("t.db")), None);
    let store = Store::open(dir.path(), "t.db", &BOTH).unwrap();
    assert_eq!(all(&store)["a"], 1);
    let backup = newest_backup(&dir.path().join("t.db")).unwrap();
    let old = Connection::open(backup).unwrap();
    assert_eq!(old.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).unwrap(), 1);
    assert_eq!(
        old.query_row("SELECT value FROM pair WHERE key = 'a'", [], |row| row.get::<_, i64>(0)).unwrap(),
        1
    );
}

#[test]
fn a_migration_that_fails_leaves_the_old_schema() {
    static BAD: Migrations = Migrations::new(7, &[ONE, BROKEN]);
    let dir = tempfile::tempdir().unwrap();
    put(&open(dir.path()), "a", 1).unwrap();
    assert!(Store::open(dir.path(), "t.db", &BAD).is_err());
    assert_eq!(all(&open(dir.path()))["a"], 1);
}

#[test]
fn a_newer_and_a_foreign_database_are_refused_untouched() {
    static BOTH: Migrations = Migrations::new(7, &[ONE, TWO]);
    static OTHER: Migrations = Migrations::new(8, &[ONE]);
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path(), "t.db", &BOTH).unwrap());
    let error = Store::open(dir.path(), "t.db", &FIRST).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }), "{error}");
    let error = Store::open(dir.path(), "t.db", &OTHER).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    Store::open(dir.path(), "t.db", &BOTH).unwrap();
}

#[test]
fn a_damaged_database_is_moved_aside_and_the_newest_backup_is_named_and_works() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("t.db");
    {
        let store = open(dir.path());
        put(&store, "a", 1).unwrap();
        backup_now(&file, "test").unwrap();
    }
    std::fs::write(&file, b"this is no database, whatever its name may be; long enough to be looked at")
        .unwrap();
    let error = Store::open(dir.path(), "t.db", &FIRST).unwrap_err();
    let StoreError::Damaged { moved_to: Some(moved), newest_backup: Some(backup), .. } = &error else {
        panic!("{error:?}")
    };
    assert!(std::fs::read(moved).unwrap().starts_with(b"this is no database"));
    assert!(error.help().contains(&backup.display().to_string()));
    restore_backup(backup, &file).unwrap();
    assert_eq!(all(&open(dir.path()))["a"], 1);
    assert!(restore_backup(backup, &file).is_err(), "a database was overwritten");
}

#[test]
fn a_damaged_database_stays_where_it_is_while_somebody_runs_the_queue() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("t.db"), [7u8; 5000]).unwrap();
    let lock = RunnerLock::acquire(dir.path(), "app").unwrap();
    let error = Store::open(dir.path(), "t.db", &FIRST).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { moved_to: None, .. }), "{error:?}");
    assert!(dir.path().join("t.db").exists());
    drop(lock);
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(&file.join("data"), "t.db", &FIRST).unwrap_err();
    assert!(matches!(&error, StoreError::Unusable { path, .. } if path.starts_with(&file)), "{error:?}");
}

#[test]
fn the_runner_lock_is_one_and_names_its_holder() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(RunnerLock::current(dir.path()), None);
    let lock = RunnerLock::acquire(dir.path(), "app").unwrap();
    let Err(StoreError::Held { holder }) = RunnerLock::acquire(dir.path(), "work") else {
        panic!("two hold it")
    };
    assert_eq!((holder.name.as_str(), holder.pid), ("app", std::process::id()));
    drop(lock);
    RunnerLock::acquire(dir.path(), "work").unwrap();
}

#[test]
fn who_only_looks_does_not_keep_the_runner_from_its_lock() {
    let dir = tempfile::tempdir().unwrap();
    let looking = Arc::new(AtomicUsize::new(1));
    let lookers: Vec<_> = (0..2)
        .map(|_| {
            let (dir, looking) = (dir.path().to_owned(), Arc::clone(&looking));
            std::thread::spawn(move || {
                while looking.load(Ordering::SeqCst) == 1 {
                    RunnerLock::current(&dir);
                    std::thread::yield_now();
                }
            })
        })
        .collect();
    for _ in 0..50 {
        drop(RunnerLock::acquire(dir.path(), "work").unwrap());
    }
    looking.store(0, Ordering::SeqCst);
    for looker in lookers {
        looker.join().unwrap();
    }
}

#[test]
fn the_ballast_is_real_room_that_can_be_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let ballast = Ballast::new(dir.path(), 100_000);
    assert!(!ballast.is_loaded() && ballast.load() && ballast.is_loaded());
    assert!(ballast.release() && !ballast.is_loaded() && !ballast.release());
    let impossible = Ballast::new(dir.path(), u64::MAX / 4);
    assert!(!impossible.load());
}

fn copy(from: &Path, to: &Path, cut: u64) {
    std::fs::copy(from.join("t.db"), to.join("t.db")).unwrap();
    let wal = std::fs::read(from.join("t.db-wal")).unwrap();
    let left = wal.len().saturating_sub(cut as usize);
    std::fs::write(to.join("t.db-wal"), &wal[..left]).unwrap();
}

#[test]
fn a_database_copied_mid_write_with_a_cut_log_opens_with_whole_transactions_only() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for number in 0..50 {
        // Two rows that belong together.
        store
            .write_wait(move |db| {
                db.execute("INSERT INTO pair VALUES (?1, 1)", [format!("a{number}")])?;
                db.execute("INSERT INTO pair VALUES (?1, 1)", [format!("b{number}")])?;
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
    let mut before = usize::MAX;
    for cut in [0, 1, 100, 4096, 4120, 9000, 40_000] {
        let torn = tempfile::tempdir().unwrap();
        copy(dir.path(), torn.path(), cut);
        let found = all(&open(torn.path()));
        for number in 0..50 {
            let pair = [found.contains_key(&format!("a{number}")), found.contains_key(&format!("b{number}"))];
            assert_eq!(pair[0], pair[1], "half a transaction survived a cut of {cut} bytes");
        }
        assert!(found.len() <= before);
        assert!(cut > 0 || found.len() == 100, "an uncut copy lost rows");
        before = found.len();
    }
}

/// What can be done to the store.
#[derive(Clone, Debug)]
enum Act {
    Put(u8, i64),
    /// Writes, then fails.
    Fail(u8),
    Remove(u8),
    Reopen,
    /// The files as they are at this moment, without closing: what a power cut leaves.
    PowerCut,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0u8..8, any::<i64>()).prop_map(|(key, value)| Act::Put(key, value)),
        2 => (0u8..8).prop_map(Act::Fail),
        1 => (0u8..8).prop_map(Act::Remove),
        1 => Just(Act::Reopen),
        1 => Just(Act::PowerCut),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_agrees_with_a_plain_map(acts in proptest::collection::vec(act(), 1..40)) {
        let mut dirs = vec![tempfile::tempdir().unwrap()];
        let mut store = open(dirs[0].path());
        let mut model: BTreeMap<String, i64> = BTreeMap::new();
        for act in acts {
            match act {
                Act::Put(key, value) => {
                    put(&store, &key.to_string(), value).unwrap();
                    model.insert(key.to_string(), value);
                }
                Act::Fail(key) => {
                    let refused: Result<(), StoreError> = store.write_wait(move |db| {
                        db.execute("INSERT OR REPLACE INTO pair VALUES (?1, 0)", [key.to_string()])?;
                        Err(StoreError::Busy)
                    });
                    prop_assert!(refused.is_err());
                }
                Act::Remove(key) => {
                    store.write_wait(move |db| {
                        db.execute("DELETE FROM pair WHERE key = ?1", [key.to_string()])?;
                        Ok::<_, StoreError>(())
                    }).unwrap();
                    model.remove(&key.to_string());
                }
                Act::Reopen => {
                    store.close();
                    store = open(dirs.last().unwrap().path());
                }
                Act::PowerCut => {
                    let next = tempfile::tempdir().unwrap();
                    let from: PathBuf = dirs.last().unwrap().path().into();
                    std::fs::copy(from.join("t.db"), next.path().join("t.db")).unwrap();
                    let _ = std::fs::copy(from.join("t.db-wal"), next.path().join("t.db-wal"));
                    store = open(next.path());
                    dirs.push(next);
                }
            }
            prop_assert_eq!(&all(&store), &model);
        }
    }
}
