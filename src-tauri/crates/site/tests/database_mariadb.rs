//! Copies on a real MariaDB server.

#[allow(dead_code, reason = "every test program uses a part of it")]
mod database_fixture;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use clonedeck_site::databases::{
    Count, DatabaseAddress, Known, Marks, Occupied, Source, Target, check, copy, missing_rights,
    name_for_copy, renew, rewrite, settle,
};
use clonedeck_site::{Class, Secret, Unwatched};
use clonedeck_tests::mariadb::MariaDb;
use database_fixture::{Stopping, address, awkward, rewriting, tables_equal};

#[tokio::test]
async fn a_copy_holds_every_row_and_the_new_address() {
    let server = MariaDb::shared();
    let from = server.fresh_database("shop");
    server.sql_in(&from, &awkward("http://a.test"));
    let to = server.fresh_name("copy");

    let source = Source::open(&address(&server, &from), &Secret::default()).await.unwrap();
    let survey = source.survey(Count::Exact, &Unwatched).await.unwrap();
    assert!(survey.product.starts_with("MariaDB 1"));
    let target_address = address(&server, &to);
    let target =
        Target::prepare(&source, &target_address, &Secret::default(), "job-1", Occupied::Refuse, &Unwatched)
            .await
            .unwrap();
    let rewriting = rewriting("http://a.test", "http://a.test/shop");
    let copied = copy(&source, &target, Some(&rewriting), 2, &Unwatched).await.unwrap();
    assert_eq!(copied.rows, survey.rows());
    assert!(copied.rows > 2500, "{copied:?}");
    assert!(copied.way.starts_with("streamed through this program"), "{copied:?}");
    let settled = settle(&source, &target, Some(&rewriting), 3, &Unwatched).await.unwrap();
    assert_eq!((settled.passes, settled.brought), (1, 0));
    // The server's checksum of every sort of value is the one that was taken while it was read.
    let again = renew(&source, &target, Some(&rewriting), 1, &Unwatched).await.unwrap();
    assert!(again.compared > 10 && again.brought == 0, "{again:?}");
    let checked = check(&source, &target, None, Known::default(), &Unwatched).await.unwrap();
    assert!(checked.tables.iter().all(|table| table.rows_source == table.rows_target));
    target.finish().await.unwrap();

    // The same site with the new address from the start is what the copy has to be.
    let expected = server.fresh_database("expected");
    server.sql_in(&expected, &awkward("http://a.test/shop"));
    tables_equal(&server, &expected, &to);
}

#[tokio::test]
async fn an_undone_copy_leaves_nothing_and_the_source_as_it_was() {
    let server = MariaDb::shared();
    let from = server.fresh_database("shop");
    server.sql_in(&from, &awkward("http://a.test"));
    let before = server.client("mariadb-dump").args(["--skip-dump-date", &from]).output().unwrap().stdout;
    let name = server.fresh_name("undone");
    let is_there = || !server.sql(&format!("SHOW DATABASES LIKE '{name}'")).is_empty();
    let to = address(&server, &name);
    let source = Source::open(&address(&server, &from), &Secret::default()).await.unwrap();
    let target = Target::prepare(&source, &to, &Secret::default(), "job-2", Occupied::Refuse, &Unwatched)
        .await
        .unwrap();
    let copied = copy(&source, &target, None, 2, &Unwatched).await.unwrap();
    assert_eq!(copied.way, "copied inside the server");
    Target::undo(&to, &Secret::default(), "job-3", &Unwatched).await.unwrap();
    assert!(is_there(), "another job's undo took the copy away");
    Target::undo(&to, &Secret::default(), "job-2", &Unwatched).await.unwrap();
    Target::undo(&to, &Secret::default(), "job-2", &Unwatched).await.unwrap();
    assert!(!is_there());
    let after = server.client("mariadb-dump").args(["--skip-dump-date", &from]).output().unwrap().stdout;
    assert!(before == after, "the source changed");
}

#[tokio::test]
async fn a_job_cut_off_after_its_marks_are_gone_can_still_take_its_work_back_and_no_other_job_can() {
    let server = MariaDb::shared();
    let none = Secret::default();
    let from = server.fresh_database("shop");
    server.sql_in(&from, &awkward("http://a.test"));
    let source = Source::open(&address(&server, &from), &none).await.unwrap();
    let is_there = |name: &str| !server.sql(&format!("SHOW DATABASES LIKE '{name}'")).is_empty();
    let tables = |name: &str| server.sql(&format!("SHOW FULL TABLES IN `{name}`"));
    let cut_off = async |name: &str, job: &str, occupied| {
        let to = address(&server, name);
        let target = Target::prepare(&source, &to, &none, job, occupied, &Unwatched).await.unwrap();
        copy(&source, &target, None, 2, &Unwatched).await.unwrap();
        settle(&source, &target, None, 1, &Unwatched).await.unwrap();
        let marks = target.marks().await.unwrap();
        target.finish().await.unwrap();
        Target::undo(&to, &none, job, &Unwatched).await.unwrap();
        assert!(tables(name).contains("keyless"), "a finished copy is the operator's");
        (to, marks)
    };
    // One that the job made, on a server that says nothing of databases: the comment is taken away.
    let name = server.fresh_name("unmarked");
    let (to, marks) = cut_off(&name, "job-2", Occupied::Refuse).await;
    server.sql(&format!("ALTER DATABASE `{name}` COMMENT ''"));
    let kept: Marks = serde_json::from_str(&serde_json::to_string(&marks).unwrap()).unwrap();
    assert!(Target::mark_again(&to, &none, "job-2", &kept).await.unwrap());
    assert!(!Target::mark_again(&to, &none, "job-3", &marks).await.unwrap(), "it is job-2's");
    Target::undo(&to, &none, "job-2", &Unwatched).await.unwrap();
    assert!(!is_there(&name) && !Target::mark_again(&to, &none, "job-2", &marks).await.unwrap());

    // One that was given: empty, and with something in it that was set aside. It stays, and its things come back.
    let given = server.fresh_database("given");
    let (to, marks) = cut_off(&given, "job-4", Occupied::Refuse).await;
    assert!(Target::mark_again(&to, &none, "job-4", &marks).await.unwrap());
    Target::undo(&to, &none, "job-4", &Unwatched).await.unwrap();
    assert!(is_there(&given) && tables(&given).is_empty(), "{}", tables(&given));
    server.sql_in(&given, "CREATE TABLE mine (a INT); INSERT INTO mine VALUES (7)");
    let (to, marks) = cut_off(&given, "job-5", Occupied::SetAside).await;
    assert!(Target::mark_again(&to, &none, "job-5", &marks).await.unwrap());
    Target::undo(&to, &none, "job-5", &Unwatched).await.unwrap();
    assert_eq!(
        (tables(&given).as_str(), server.sql_in(&given, "SELECT a FROM mine").as_str()),
        ("mine\tBASE TABLE\n", "7\n")
    );

    // A finished copy may be changed by those who use it, and is its job's all the same when they delete it.
    server.sql_in(&given, "CREATE TABLE keyless (a INT)");
    let (to, marks) = cut_off(&given, "job-7", Occupied::SetAside).await;
    server.sql_in(&given, "DROP TABLE keyless; CREATE TABLE added (a INT)");
    assert!(!Target::mark_again(&to, &none, "job-7", &marks).await.unwrap());
    let marks = marks.of_a_used_copy();
    assert!(Target::mark_again(&to, &none, "job-7", &marks).await.unwrap());
    Target::undo(&to, &none, "job-7", &Unwatched).await.unwrap();
    let old = "added\tBASE TABLE\nkeyless\tBASE TABLE\nmine\tBASE TABLE\n";
    assert_eq!(tables(&given), old, "what was added stays");
    // Deleted once more, say because its files could not be: the old content bears names of the copy's tables, and is not the copy.
    assert!(!Target::mark_again(&to, &none, "job-7", &marks).await.unwrap());
    Target::undo(&to, &none, "job-7", &Unwatched).await.unwrap();
    assert_eq!(tables(&given), old);

    // One that has become another meanwhile is nobody's.
    let (to, marks) = cut_off(&name, "job-6", Occupied::Refuse).await;
    server.sql_in(&name, "CREATE TABLE of_somebody_else (a INT)");
    assert!(!Target::mark_again(&to, &none, "job-6", &marks).await.unwrap());
    Target::undo(&to, &none, "job-6", &Unwatched).await.unwrap();
    assert!(tables(&name).contains("of_somebody_else"));
}

/// Two tables of amounts whose sum never changes, and a writer that moves amounts between them until it is told to end.
struct Ledger {
    server: Arc<MariaDb>,
    end: Arc<AtomicBool>,
    rounds: Arc<AtomicU32>,
    writer: Option<std::thread::JoinHandle<()>>,
}

impl Ledger {
    const SUM: &str = "SELECT (SELECT SUM(amount) FROM left_side) + (SELECT SUM(amount) FROM right_side)";

    fn start(server: &Arc<MariaDb>, database: &str) -> Self {
        server.sql_in(
            database,
            "CREATE TABLE left_side (id INT NOT NULL PRIMARY KEY, amount BIGINT NOT NULL, note VARCHAR(100)) ENGINE=InnoDB;
             CREATE TABLE right_side (id VARCHAR(20) NOT NULL PRIMARY KEY, amount BIGINT NOT NULL, slug INT, UNIQUE KEY (slug)) ENGINE=InnoDB;
             INSERT INTO left_side SELECT seq, 1000, 'http://a.test/x' FROM seq_1_to_40000;
             INSERT INTO right_side SELECT CONCAT('k', seq), 1000, seq FROM seq_1_to_40000;",
        );
        let end = Arc::new(AtomicBool::new(false));
        let rounds = Arc::new(AtomicU32::new(0));
        let (other, name, stop) = (Arc::clone(server), database.to_owned(), Arc::clone(&end));
        let written = Arc::clone(&rounds);
        let writer = std::thread::spawn(move || {
            let mut seed = 7_u64;
            while !stop.load(Ordering::SeqCst) {
                let mut sql = String::new();
                for _ in 0..100 {
                    seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    let (one, two, much) =
                        (1 + (seed >> 33) % 40_000, 1 + (seed >> 40) % 40_000, (seed >> 20) % 50);
                    // Every other round swaps two unique values, and moves a row to another end of its table.
                    sql.push_str(&format!(
                        "START TRANSACTION; UPDATE left_side SET amount=amount-{much} WHERE id={one};
                         UPDATE right_side SET amount=amount+{much} WHERE id='k{two}'; COMMIT;
                         START TRANSACTION; UPDATE right_side SET slug=NULL WHERE id='k{one}'; UPDATE right_side SET slug={one} WHERE id='k{two}'
                           AND NOT EXISTS (SELECT 1 FROM (SELECT id FROM right_side WHERE slug={one}) AS t); COMMIT;\n"
                    ));
                }
                other.sql_in(&name, &sql);
                written.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { server: Arc::clone(server), end, rounds, writer: Some(writer) }
    }

    /// Waits until the writer wrote so many times more.
    fn writes(&self, times: u32) {
        let until = self.rounds.load(Ordering::SeqCst) + times;
        while self.rounds.load(Ordering::SeqCst) < until {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    /// Ends the writer; answers how often it wrote.
    fn end(&mut self) -> u32 {
        self.end.store(true, Ordering::SeqCst);
        if let Some(writer) = self.writer.take() {
            writer.join().unwrap();
        }
        self.rounds.load(Ordering::SeqCst)
    }

    fn sum(&self, database: &str) -> String {
        self.server.sql_in(database, Self::SUM)
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_database_that_is_written_to_all_the_time_is_one_moment_of_it() {
    let server = MariaDb::shared();
    for rewriting in [None, Some(rewriting("http://a.test", "http://a.test/shop"))] {
        let from = server.fresh_database("ledger");
        let mut ledger = Ledger::start(&server, &from);
        let to = server.fresh_name("ledger_copy");
        let source = Source::open(&address(&server, &from), &Secret::default()).await.unwrap();
        let none = Secret::default();
        let target =
            Target::prepare(&source, &address(&server, &to), &none, "job", Occupied::Refuse, &Unwatched)
                .await
                .unwrap();
        // Stopped on its way, so that what was copied before and after shows different moments.
        let stopped =
            copy(&source, &target, rewriting.as_ref(), 2, &Stopping::after(Some(4))).await.unwrap_err();
        assert_eq!(stopped.class, Class::Stopped);
        ledger.writes(2);
        copy(&source, &target, rewriting.as_ref(), 2, &Unwatched).await.unwrap();
        let settled = settle(&source, &target, rewriting.as_ref(), 3, &Unwatched).await.unwrap();
        let rounds = ledger.end();
        assert!(rounds > 0 && settled.brought > 0, "{rounds} rounds, {settled:?}");
        assert_eq!(settled.moving, Vec::<String>::new());
        assert_eq!(ledger.sum(&to), "80000000\n");
        assert_eq!(ledger.sum(&from), "80000000\n");
        let left = server.sql_in(&to, "SELECT COUNT(*) FROM left_side WHERE note<>'http://a.test/shop/x'");
        assert_eq!(left, if rewriting.is_some() { "0\n" } else { "40000\n" });
        // Now that nobody writes, another look brings it to the state of now, which can be compared whole.
        let again = renew(&source, &target, rewriting.as_ref(), 1, &Unwatched).await.unwrap();
        assert!(again.brought > 0 || rounds < 2, "{again:?}");
        if rewriting.is_none() {
            target.finish().await.unwrap();
            tables_equal(&server, &from, &to);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_nothing_disturbs_is_the_moment_in_which_it_began_and_needs_no_second_look() {
    let server = MariaDb::shared();
    let from = server.fresh_database("moment");
    let mut ledger = Ledger::start(&server, &from);
    let to = server.fresh_name("moment_copy");
    let source = Source::open(&address(&server, &from), &Secret::default()).await.unwrap();
    let none = Secret::default();
    let target = Target::prepare(&source, &address(&server, &to), &none, "job", Occupied::Refuse, &Unwatched)
        .await
        .unwrap();
    let rewriting = rewriting("http://a.test", "http://a.test/shop");
    copy(&source, &target, Some(&rewriting), 3, &Unwatched).await.unwrap();
    ledger.writes(1);
    let settled = settle(&source, &target, Some(&rewriting), 3, &Unwatched).await.unwrap();
    ledger.end();
    assert_eq!((settled.passes, settled.compared, settled.brought), (1, 0, 0), "{settled:?}");
    assert_eq!(ledger.sum(&to), "80000000\n");
    assert_eq!(
        server.sql_in(&to, "SELECT COUNT(*) FROM left_side WHERE note<>'http://a.test/shop/x'"),
        "0\n"
    );
}

#[tokio::test]
async fn a_large_table_has_all_its_indexes_in_their_order_although_they_are_made_last() {
    let server = MariaDb::shared();
    let from = server.fresh_database("indexed");
    server.sql_in(
        &from,
        "CREATE TABLE big (id INT NOT NULL AUTO_INCREMENT, shop INT NOT NULL, v VARCHAR(60), n INT AS (shop % 7) STORED, PRIMARY KEY (shop, id),
           KEY counter (id), KEY by_text (v(20)) COMMENT 'a, b', UNIQUE KEY one (id, v), KEY `odd ``name` (n, v)) ENGINE=InnoDB;
         INSERT INTO big (shop, v) SELECT seq % 5, CONCAT('http://a.test/', seq) FROM seq_1_to_60000; ANALYZE TABLE big",
    );
    let to = server.fresh_name("indexed_copy");
    let none = Secret::default();
    let source = Source::open(&address(&server, &from), &none).await.unwrap();
    let target = Target::prepare(&source, &address(&server, &to), &none, "job", Occupied::Refuse, &Unwatched)
        .await
        .unwrap();
    let rewriting = rewriting("http://b.test", "http://c.test");
    copy(&source, &target, Some(&rewriting), 2, &Unwatched).await.unwrap();
    let later = server.sql_in(&to, "SELECT note FROM _clonedeck_made WHERE name='big'");
    assert!(later.contains("by_text") && later.contains("odd") && !later.contains("counter"), "{later}");
    settle(&source, &target, Some(&rewriting), 1, &Unwatched).await.unwrap();
    target.finish().await.unwrap();
    tables_equal(&server, &from, &to);
}

#[tokio::test]
async fn views_routines_triggers_and_events_are_in_the_copy_and_speak_of_the_copy() {
    let server = MariaDb::shared();
    let from = server.fresh_database("programs");
    server.sql_in(
        &from,
        &format!(
            "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, n INT) ENGINE=InnoDB; CREATE TABLE log (what TEXT) ENGINE=InnoDB;
             INSERT INTO orders (n) VALUES (1),(2),(3); DELETE FROM orders WHERE id=3;
             CREATE SEQUENCE numbers START WITH 500; SELECT NEXTVAL(numbers);
             CREATE VIEW a_second AS SELECT * FROM orders; CREATE VIEW a_first AS SELECT * FROM a_second WHERE n>1;
             DELIMITER //
             CREATE FUNCTION doubled(x INT) RETURNS INT DETERMINISTIC RETURN x*2 //
             CREATE PROCEDURE note(t TEXT) BEGIN INSERT INTO `{from}`.log VALUES (t); END //
             CREATE TRIGGER seen AFTER INSERT ON orders FOR EACH ROW BEGIN CALL note('trigger'); END //
             DELIMITER ;
             CREATE EVENT sweep ON SCHEDULE EVERY 1 DAY DO DELETE FROM log;"
        ),
    );
    let to = server.fresh_name("programs_copy");
    let none = Secret::default();
    let source = Source::open(&address(&server, &from), &none).await.unwrap();
    let survey = source.survey(Count::Exact, &Unwatched).await.unwrap();
    assert_eq!(survey.views, ["a_first", "a_second"]);
    assert_eq!(
        (survey.triggers.len(), survey.routines.len(), survey.events.len(), survey.sequences.len()),
        (1, 2, 1, 1)
    );
    let target = Target::prepare(&source, &address(&server, &to), &none, "job", Occupied::Refuse, &Unwatched)
        .await
        .unwrap();
    copy(&source, &target, None, 2, &Unwatched).await.unwrap();
    let settled = settle(&source, &target, None, 3, &Unwatched).await.unwrap();
    assert!(
        settled.changes.iter().any(|change| change.what == "sweep" && change.how == "switched off"),
        "{settled:?}"
    );
    assert!(
        settled.changes.iter().any(|change| change.what == "note" && change.how.contains(&to)),
        "{settled:?}"
    );
    assert_eq!(server.sql_in(&to, "SELECT COUNT(*) FROM log"), "0\n", "a trigger answered to the copying");
    // Once more: nothing is doubled, and the triggers stay quiet, and stay.
    copy(&source, &target, None, 2, &Unwatched).await.unwrap();
    assert_eq!(
        server.sql_in(
            &to,
            "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema=DATABASE()"
        ),
        "seen\n"
    );
    settle(&source, &target, None, 3, &Unwatched).await.unwrap();
    target.finish().await.unwrap();
    server.sql_in(&to, "INSERT INTO orders (n) VALUES (doubled(5))");
    assert_eq!(server.sql_in(&to, "SELECT id, n FROM a_first ORDER BY id"), "2\t2\n4\t10\n");
    assert_eq!(server.sql_in(&to, "SELECT * FROM log"), "trigger\n");
    assert_eq!(server.sql_in(&from, "SELECT COUNT(*) FROM log"), "0\n", "the copy wrote into its source");
    assert_eq!(
        server.sql_in(&to, "SELECT status FROM information_schema.events WHERE event_schema=DATABASE()"),
        "DISABLED\n"
    );
    let next = |database: &str| server.sql_in(database, "SELECT next_not_cached_value FROM numbers");
    assert_eq!(next(&from), next(&to));
}

#[tokio::test]
async fn a_database_that_holds_something_is_refused_or_set_aside_and_put_back_in_one_move() {
    let server = MariaDb::shared();
    let from = server.fresh_database("shop");
    server.sql_in(&from, "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)");
    let to = server.fresh_database("occupied");
    server.sql_in(
        &to,
        "CREATE TABLE mine (id INT PRIMARY KEY, v TEXT); INSERT INTO mine VALUES (7,'x'); CREATE TABLE t (other INT);
         CREATE TRIGGER g BEFORE INSERT ON mine FOR EACH ROW SET NEW.v='triggered'; CREATE VIEW v AS SELECT id FROM mine",
    );
    let dump = || {
        let output = server
            .client("mariadb-dump")
            .args(["--skip-dump-date", "--routines", "--events", &to])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let before = dump();
    let none = Secret::default();
    let source = Source::open(&address(&server, &from), &none).await.unwrap();
    let own =
        Target::prepare(&source, &address(&server, &from), &none, "job", Occupied::SetAside, &Unwatched)
            .await
            .unwrap_err();
    assert_eq!(own.code, "target.is-source");
    let refused =
        Target::prepare(&source, &address(&server, &to), &none, "job", Occupied::Refuse, &Unwatched)
            .await
            .unwrap_err();
    assert_eq!(refused.code, "target.not-empty");
    assert_eq!(dump(), before);
    let target =
        Target::prepare(&source, &address(&server, &to), &none, "job", Occupied::SetAside, &Unwatched)
            .await
            .unwrap();
    let other =
        Target::prepare(&source, &address(&server, &to), &none, "other", Occupied::SetAside, &Unwatched)
            .await
            .unwrap_err();
    assert_eq!(other.code, "target.busy");
    copy(&source, &target, None, 1, &Unwatched).await.unwrap();
    assert_eq!(server.sql_in(&to, "SELECT id FROM t"), "1\n");
    Target::undo(&address(&server, &to), &none, "job", &Unwatched).await.unwrap();
    assert_eq!(dump(), before);
    assert_eq!(server.sql(&format!("SHOW DATABASES LIKE '{to}_aside%'")), "");
}

#[tokio::test]
async fn what_a_person_has_to_do_is_said_by_code_before_anything_is_written() {
    let server = MariaDb::shared();
    let from = server.fresh_database("fence");
    server.sql_in(&from, "CREATE TABLE t (id INT PRIMARY KEY); CREATE VIEW v AS SELECT id FROM t");
    server.sql(&format!(
        "CREATE USER 'wp'@'localhost' IDENTIFIED BY 'right'; GRANT ALL ON `{from}`.* TO 'wp'@'localhost'"
    ));
    let open = |user: &str, secret: &str, database: &str| {
        let (address, secret) = (server.address_as(user, database).parse().unwrap(), Secret::new(secret));
        async move { Source::open(&address, &secret).await.map(drop) }
    };
    open("wp", "right", &from).await.unwrap();
    let wrong = open("wp", "wrong-password", &from).await.unwrap_err();
    assert_eq!((wrong.code, wrong.class), ("database.refused-login", Class::NeedsPerson));
    assert!(!format!("{wrong:?}").contains("wrong-password"));
    assert_eq!(open("root", "", "no_such_database").await.unwrap_err().code, "database.unknown");
    let nowhere = "mysql://root@/x?socket=/nowhere/sock".parse().unwrap();
    let down = Source::open(&nowhere, &Secret::default()).await.unwrap_err();
    assert_eq!((down.code, down.class), ("database.down", Class::Transient));

    let source =
        Source::open(&server.address_as("wp", &from).parse().unwrap(), &Secret::new("right")).await.unwrap();
    let survey = source.survey(Count::Estimate, &Unwatched).await.unwrap();
    let to: DatabaseAddress = server.address_as("wp", "elsewhere_copy").parse().unwrap();
    let missing = missing_rights(&survey, &to, &Secret::new("right")).await.unwrap();
    assert!(
        missing.iter().any(|right| right.right == "CREATE")
            && missing.iter().any(|right| right.right == "CREATE VIEW")
    );
    let refused = Target::prepare(&source, &to, &Secret::new("right"), "job", Occupied::Refuse, &Unwatched)
        .await
        .unwrap_err();
    assert_eq!((refused.code, refused.class), ("rights.missing", Class::NeedsPerson));
    for right in &missing {
        server.sql(&right.grant);
    }
    assert_eq!(missing_rights(&survey, &to, &Secret::new("right")).await.unwrap(), []);
    let target = Target::prepare(&source, &to, &Secret::new("right"), "job", Occupied::Refuse, &Unwatched)
        .await
        .unwrap();
    copy(&source, &target, None, 1, &Unwatched).await.unwrap();
    settle(&source, &target, None, 1, &Unwatched).await.unwrap();
    Target::undo(&to, &Secret::new("right"), "job", &Unwatched).await.unwrap();
    server.sql("DROP USER 'wp'@'localhost'");
    let name = async || {
        let place = Path::new("/srv/shop-copy");
        name_for_copy(&from, &address(&server, &from), &Secret::default(), place).await.unwrap()
    };
    let first = name().await;
    assert!(first.starts_with(&format!("{from}_shop_copy_")), "{first}");
    assert_eq!(name().await, first);
    server.sql(&format!("CREATE DATABASE `{first}`"));
    assert_ne!(name().await, first, "that one is taken");
}

#[tokio::test]
async fn a_row_whose_rewritten_value_another_row_has_stays_as_it_is_and_is_listed() {
    let server = MariaDb::shared();
    let from = server.fresh_database("unique");
    server.sql_in(
        &from,
        "CREATE TABLE links (id INT PRIMARY KEY, url VARCHAR(100) NOT NULL UNIQUE) ENGINE=InnoDB;
         INSERT INTO links VALUES (1,'http://old.test/x'),(2,'http://new.test/x'),(3,'http://old.test/y')",
    );
    let to = server.fresh_name("unique_copy");
    let none = Secret::default();
    let source = Source::open(&address(&server, &from), &none).await.unwrap();
    let target = Target::prepare(&source, &address(&server, &to), &none, "job", Occupied::Refuse, &Unwatched)
        .await
        .unwrap();
    let rewriting = rewriting("http://old.test", "http://new.test");
    copy(&source, &target, Some(&rewriting), 2, &Unwatched).await.unwrap();
    settle(&source, &target, Some(&rewriting), 2, &Unwatched).await.unwrap();
    let done = rewrite(&source, &target, &rewriting, 2, &Unwatched).await.unwrap();
    assert_eq!((done.cells_changed, done.unchanged_unsafe.len()), (1, 1), "{done:?}");
    assert_eq!(server.sql_in(&to, "SELECT COUNT(*), COUNT(DISTINCT url) FROM links"), "3\t3\n");
    let checked = check(&source, &target, Some(&rewriting), Known::default(), &Unwatched).await.unwrap();
    assert_eq!(checked.left_over.len(), 1);
    let left = &checked.left_over[0];
    assert_eq!((left.column.as_str(), left.cells, left.example.as_str()), ("url", 1, "1"));
}
