//! Copies of what a database rarely holds, on a real MariaDB server.

#[allow(dead_code, reason = "every test program uses a part of it")]
mod database_fixture;

use clonedeck_site::databases::{Known, Occupied, Settled, Source, Target, check, copy, renew, settle};
use clonedeck_site::{Secret, Unwatched};
use clonedeck_tests::mariadb::MariaDb;
use database_fixture::{address, rewriting, tables_equal};

/// A finished copy of a database with one address rewritten to another, or with none.
struct Copy {
    name: String,
    changes: Vec<(String, String)>,
    settled: Settled,
}

impl Copy {
    async fn of(server: &MariaDb, from: &str, rewrites: bool) -> Self {
        let (name, none) = (server.fresh_name("odd_copy"), Secret::default());
        let rewriting = rewrites.then(|| rewriting("http://a.test", "http://a.test/shop"));
        let source = Source::open(&address(server, from), &none).await.unwrap();
        let target =
            Target::prepare(&source, &address(server, &name), &none, "job", Occupied::Refuse, &Unwatched)
                .await
                .unwrap();
        let copied = copy(&source, &target, rewriting.as_ref(), 2, &Unwatched).await.unwrap();
        let settled = settle(&source, &target, rewriting.as_ref(), 3, &Unwatched).await.unwrap();
        // Every sort of value has the same checksum on both ways.
        let again = renew(&source, &target, rewriting.as_ref(), 1, &Unwatched).await.unwrap();
        assert_eq!(again.brought, 0, "{again:?}");
        let checked =
            check(&source, &target, rewriting.as_ref(), Known::default(), &Unwatched).await.unwrap();
        assert!(checked.tables.iter().all(|table| table.rows_source == table.rows_target), "{checked:?}");
        target.finish().await.unwrap();
        let changes = copied.changes.iter().chain(&settled.changes);
        let changes = changes.map(|change| (change.what.clone(), change.how.clone())).collect();
        Self { name, changes, settled }
    }

    fn says(&self, what: &str, how: &str) -> bool {
        self.changes.iter().any(|(of, change)| of == what && change.contains(how))
    }
}

/// Both ways: inside the server, and through this program.
async fn both_ways(server: &MariaDb, from: &str) -> [Copy; 2] {
    [Copy::of(server, from, false).await, Copy::of(server, from, true).await]
}

#[tokio::test]
async fn keys_and_engines_of_every_sort_are_copied() {
    let server = MariaDb::shared();
    let from = server.fresh_database("sorts");
    server.sql_in(
        &from,
        "SET sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';
         CREATE TABLE floats (f FLOAT NOT NULL, d DOUBLE NOT NULL, PRIMARY KEY (f, d)) ENGINE=InnoDB;
         INSERT INTO floats SELECT seq/7, -seq/3 FROM seq_1_to_300;
         CREATE TABLE below (id BIGINT NOT NULL PRIMARY KEY, v INT(6) UNSIGNED ZEROFILL) ENGINE=InnoDB;
         INSERT INTO below SELECT CAST(seq AS SIGNED)-500, seq FROM seq_1_to_1000; INSERT INTO below VALUES (-9223372036854775808,1),(9223372036854775807,2);
         CREATE TABLE above (id BIGINT UNSIGNED NOT NULL PRIMARY KEY) ENGINE=InnoDB; INSERT INTO above VALUES (0),(18446744073709551615);
         CREATE TABLE moments (at DATETIME(6) NOT NULL, ts TIMESTAMP(3) NOT NULL, t TIME(2), y YEAR, PRIMARY KEY (at, ts)) ENGINE=InnoDB;
         INSERT INTO moments VALUES ('0000-00-00','0000-00-00','-838:59:59',0),('2024-02-31 01:02:03.000004','2024-03-31 02:30:00.123','00:00:00.05',1999);
         CREATE TABLE words (e ENUM('','a','b') NOT NULL, s SET('x','y') NOT NULL, b BIT(64) NOT NULL, PRIMARY KEY (e, s, b)) ENGINE=InnoDB;
         INSERT IGNORE INTO words VALUES ('a','x,y',0xFFFFFFFFFFFFFFFF),('b','',0),(0,'x',1);
         CREATE TABLE padded (c CHAR(8) NOT NULL, v VARBINARY(40) NOT NULL, t TEXT, PRIMARY KEY (v, c), KEY (t(10))) ENGINE=InnoDB CHARACTER SET sjis;
         INSERT INTO padded VALUES (_utf8mb4'表',X'00',_utf8mb4'ソ表 http://a.test/'),('b  ',X'5C27','x'),('',X'','');
         CREATE TABLE chinese (a VARCHAR(20) CHARACTER SET gbk NOT NULL PRIMARY KEY, b TEXT CHARACTER SET big5, c TEXT CHARACTER SET cp1251, d TEXT CHARACTER SET koi8r) ENGINE=InnoDB;
         INSERT INTO chinese VALUES (_utf8mb4'誠',_utf8mb4'功許',_utf8mb4'Привет',_utf8mb4'мир'),('x',NULL,'','y');
         CREATE TABLE prefixed (t TEXT NOT NULL, n INT, PRIMARY KEY (t(5))) ENGINE=InnoDB CHARACTER SET utf8mb4; INSERT INTO prefixed SELECT CONCAT(seq,'-',REPEAT('z',20)), seq FROM seq_10000_to_10300;
         CREATE TABLE backwards (a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (a DESC, b)) ENGINE=InnoDB; INSERT INTO backwards SELECT seq%7, seq FROM seq_1_to_500;
         CREATE TABLE doubled (k INT NOT NULL, v TEXT, KEY (k)) ENGINE=InnoDB; INSERT INTO doubled SELECT seq%3, 'http://a.test' FROM seq_1_to_200;
         CREATE TABLE hidden (id INT PRIMARY KEY, secret TEXT INVISIBLE, n INT AS (id*2) VIRTUAL, m INT AS (id+1) PERSISTENT INVISIBLE, KEY (n)) ENGINE=InnoDB;
         INSERT INTO hidden (id, secret) VALUES (1,'http://a.test/1'),(2,NULL);
         CREATE TABLE wrong (id INT PRIMARY KEY, age INT, CONSTRAINT old CHECK (age > 18)) ENGINE=InnoDB;
         SET check_constraint_checks=0; INSERT INTO wrong VALUES (1,3); SET check_constraint_checks=1;
         CREATE TABLE memory_table (id INT PRIMARY KEY, v VARCHAR(30)) ENGINE=MEMORY; INSERT INTO memory_table VALUES (1,'http://a.test');
         CREATE TABLE csv_table (id INT NOT NULL, v TEXT NOT NULL) ENGINE=CSV; INSERT INTO csv_table VALUES (1,'http://a.test, \"x\"'),(2,'b');
         CREATE TABLE squeezed (id INT PRIMARY KEY, v TEXT COMPRESSED, w TEXT) ENGINE=InnoDB ROW_FORMAT=COMPRESSED; INSERT INTO squeezed VALUES (1,REPEAT('ab',5000),'x');
         CREATE TABLE places (id INT PRIMARY KEY, g GEOMETRY NOT NULL, SPATIAL KEY (g)) ENGINE=InnoDB; INSERT INTO places VALUES (1,ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))',4326));
         CREATE TABLE split (id INT NOT NULL, at DATE NOT NULL, v TEXT, PRIMARY KEY (id, at), KEY (v(10))) ENGINE=InnoDB
           PARTITION BY RANGE (YEAR(at)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (2020), PARTITION p1 VALUES LESS THAN MAXVALUE);
         INSERT INTO split SELECT seq, DATE_ADD('2015-01-01', INTERVAL seq DAY), 'http://a.test/p' FROM seq_1_to_3000;",
    );
    let [inside, through] = both_ways(&server, &from).await;
    tables_equal(&server, &from, &inside.name);
    let rows = |table: &str| server.sql_in(&through.name, &format!("SELECT * FROM {table}"));
    for table in [
        "floats",
        "below",
        "above",
        "moments",
        "words",
        "chinese",
        "prefixed",
        "backwards",
        "wrong",
        "squeezed",
    ] {
        assert_eq!(rows(table), server.sql_in(&from, &format!("SELECT * FROM {table}")), "{table}");
    }
    assert_eq!(server.sql_in(&through.name, "SELECT secret FROM hidden WHERE n=2"), "http://a.test/shop/1\n");
    assert_eq!(rows("csv_table"), "1\thttp://a.test/shop, \"x\"\n2\tb\n");
    assert_eq!(
        server.sql_in(&through.name, "SELECT HEX(t) FROM padded WHERE v=X'00'"),
        server.sql_in(&from, "SELECT HEX(REPLACE(t,'a.test/','a.test/shop/')) FROM padded WHERE v=X'00'")
    );
}

#[tokio::test]
async fn tables_that_keep_no_rows_of_their_own_have_none_copied() {
    let server = MariaDb::shared();
    let from = server.fresh_database("merged");
    server.sql_in(
        &from,
        "CREATE TABLE one (id INT NOT NULL PRIMARY KEY, v VARCHAR(30)) ENGINE=MyISAM; CREATE TABLE two LIKE one;
         INSERT INTO one VALUES (1,'http://a.test'); INSERT INTO two VALUES (2,'b');
         CREATE TABLE a_whole (id INT NOT NULL, v VARCHAR(30), KEY (id)) ENGINE=MERGE UNION=(one, two) INSERT_METHOD=LAST;",
    );
    for copy in both_ways(&server, &from).await {
        assert_eq!(server.sql_in(&copy.name, "SELECT id FROM a_whole ORDER BY id"), "1\n2\n");
        assert_eq!(server.sql_in(&copy.name, "SELECT COUNT(*) FROM two"), "1\n");
        server.sql_in(&copy.name, "INSERT INTO a_whole VALUES (3,'new')");
        assert_eq!(server.sql_in(&from, "SELECT COUNT(*) FROM two"), "1\n", "the copy wrote into its source");
    }
}

#[tokio::test]
async fn a_sequence_counts_on_and_a_default_asks_the_sequence_of_the_copy() {
    let server = MariaDb::shared();
    let from = server.fresh_database("counted");
    server.sql_in(
        &from,
        "CREATE SEQUENCE up START WITH 10 INCREMENT BY 5 NOCACHE; CREATE SEQUENCE down START WITH -1 INCREMENT BY -1 MAXVALUE -1 MINVALUE -100 NOCACHE;
         CREATE SEQUENCE spent START WITH 1 MAXVALUE 2 NOCACHE; CREATE SEQUENCE unused;
         SELECT NEXTVAL(up), NEXTVAL(up), NEXTVAL(down), NEXTVAL(spent), NEXTVAL(spent);
         CREATE TABLE orders (id INT NOT NULL DEFAULT NEXTVAL(up) PRIMARY KEY, v TEXT) ENGINE=InnoDB; INSERT INTO orders (v) VALUES ('a');",
    );
    let copies = both_ways(&server, &from).await;
    for copy in &copies {
        server.sql_in(&copy.name, "INSERT INTO orders (v) VALUES ('b')");
        assert_eq!(server.sql_in(&copy.name, "SELECT id FROM orders ORDER BY id"), "20\n25\n");
        assert_eq!(server.sql_in(&copy.name, "SELECT NEXTVAL(down), NEXTVAL(unused)"), "-2\t1\n");
        assert!(server.try_sql_in(&copy.name, "SELECT NEXTVAL(spent)").is_err());
    }
    assert_eq!(server.sql_in(&from, "SELECT NEXTVAL(up)"), "25\n", "the copy counted in its source");
}

#[tokio::test]
async fn a_table_with_a_history_is_copied_as_it_is_now_and_that_is_said() {
    let server = MariaDb::shared();
    let from = server.fresh_database("history");
    server.sql_in(
        &from,
        "CREATE TABLE prices (id INT PRIMARY KEY, v TEXT) ENGINE=InnoDB WITH SYSTEM VERSIONING;
         INSERT INTO prices VALUES (1,'http://a.test'),(2,'x'); UPDATE prices SET v='http://a.test/new' WHERE id=1; DELETE FROM prices WHERE id=2;
         CREATE TABLE spans (id INT, a DATE, b DATE, begun TIMESTAMP(6) GENERATED ALWAYS AS ROW START, ended TIMESTAMP(6) GENERATED ALWAYS AS ROW END,
           PERIOD FOR p (a, b), PERIOD FOR SYSTEM_TIME (begun, ended), PRIMARY KEY (id, p WITHOUT OVERLAPS)) ENGINE=InnoDB WITH SYSTEM VERSIONING;
         INSERT INTO spans (id, a, b) VALUES (1,'2020-01-01','2021-01-01'),(1,'2021-01-01','2022-01-01');",
    );
    for (copy, text) in
        both_ways(&server, &from).await.into_iter().zip(["http://a.test/new", "http://a.test/shop/new"])
    {
        assert_eq!(server.sql_in(&copy.name, "SELECT id, v FROM prices"), format!("1\t{text}\n"));
        assert_eq!(server.sql_in(&copy.name, "SELECT COUNT(*) FROM prices FOR SYSTEM_TIME ALL"), "1\n");
        assert_eq!(server.sql_in(&copy.name, "SELECT COUNT(*) FROM spans"), "2\n");
        assert!(copy.says("prices", "history"), "{:?}", copy.changes);
        assert!(server.sql_in(&copy.name, "SHOW CREATE TABLE prices").contains("WITH SYSTEM VERSIONING"));
    }
}

#[tokio::test]
async fn programs_keep_their_zone_their_collation_and_their_packages_and_a_broken_view_is_listed() {
    let server = MariaDb::shared();
    let from = server.fresh_database("told");
    server.sql_in(
        &from,
        "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20)) ENGINE=InnoDB; CREATE TABLE short_lived (id INT);
         CREATE VIEW broken AS SELECT id FROM short_lived; CREATE VIEW upon AS SELECT id FROM broken; DROP TABLE short_lived;
         CREATE DEFINER=`nobody`@`nowhere` SQL SECURITY INVOKER VIEW owned AS SELECT t.id, t.v='é' AS same FROM t WITH CHECK OPTION;
         SET time_zone='+05:30'; SET @@collation_connection=utf8mb4_unicode_520_ci;
         CREATE EVENT daily ON SCHEDULE EVERY 1 DAY STARTS '2030-05-01 10:00:00' COMMENT 'it''s PRESERVE ENABLE' DO DELETE FROM t WHERE v='é';
         CREATE EVENT once_past ON SCHEDULE AT '2021-05-01 10:00:00' ON COMPLETION PRESERVE DISABLE DO DELETE FROM t;
         CREATE FUNCTION eq(a VARCHAR(10) CHARSET utf8mb4) RETURNS INT DETERMINISTIC RETURN a='é';
         CREATE TRIGGER first_one BEFORE INSERT ON t FOR EACH ROW SET NEW.v=CONCAT(NEW.v,'1');
         CREATE TRIGGER second_one BEFORE INSERT ON t FOR EACH ROW PRECEDES first_one SET NEW.v=CONCAT(NEW.v,'2');
         SET sql_mode='ORACLE';
         DELIMITER //
         CREATE PACKAGE tools AS FUNCTION twice(a INT) RETURN INT; END //
         CREATE PACKAGE BODY tools AS FUNCTION twice(a INT) RETURN INT AS BEGIN RETURN a*2; END; END //
         CREATE PROCEDURE quoted AS BEGIN DELETE FROM \"t\" WHERE id=0; END //
         DELIMITER ;",
    );
    let copy = Copy::of(&server, &from, false).await;
    let events = |database: &str| {
        server.sql(&format!(
            "SELECT event_name, time_zone, starts, execute_at, collation_connection, event_comment FROM information_schema.events WHERE event_schema='{database}' ORDER BY 1"
        ))
    };
    assert_eq!(events(&copy.name), events(&from));
    let routines = |database: &str| {
        server.sql(&format!(
            "SELECT routine_name, routine_type, sql_mode, collation_connection, routine_definition FROM information_schema.routines WHERE routine_schema='{database}' ORDER BY 1, 2"
        ))
    };
    assert_eq!(routines(&copy.name), routines(&from));
    server.sql_in(&copy.name, "INSERT INTO t VALUES (1,'v')");
    assert_eq!(server.sql_in(&copy.name, "SELECT v FROM t"), "v21\n");
    assert_eq!(server.sql_in(&copy.name, "SET sql_mode=ORACLE; SELECT tools.twice(4)"), "8\n");
    assert!(
        copy.says("broken", "broken in the source") && copy.says("upon", "broken in the source"),
        "{:?}",
        copy.changes
    );
    assert!(
        server
            .sql_in(&copy.name, "SHOW CREATE VIEW owned")
            .contains("`nobody`@`nowhere` SQL SECURITY INVOKER")
    );
    assert_eq!(copy.settled.moving, Vec::<String>::new());

    // Set aside and put back, or made in a database that was there and taken back, they leave as they came.
    let (before, none) = ((events(&copy.name), routines(&copy.name)), Secret::default());
    let source = Source::open(&address(&server, &from), &none).await.unwrap();
    let to = address(&server, &copy.name);
    let target = Target::prepare(&source, &to, &none, "job-2", Occupied::SetAside, &Unwatched).await.unwrap();
    assert_eq!(routines(&copy.name), "");
    copy_of(&source, &target).await;
    assert!(routines(&copy.name).contains("PACKAGE BODY"));
    Target::undo(&to, &none, "job-2", &Unwatched).await.unwrap();
    assert_eq!((events(&copy.name), routines(&copy.name)), before);
}

async fn copy_of(source: &Source, target: &Target) {
    copy(source, target, None, 2, &Unwatched).await.unwrap();
    settle(source, target, None, 3, &Unwatched).await.unwrap();
}
