//! What a person is told when a server cannot do what it is asked.

#[allow(dead_code, reason = "every test program uses a part of it")]
mod database_fixture;

use clonedeck_site::databases::{Occupied, Source, Target, copy};
use clonedeck_site::{Class, Secret, Unwatched};
use clonedeck_tests::mariadb::MariaDb;
use database_fixture::address;

#[tokio::test]
async fn a_damaged_table_is_named_and_what_repairs_it() {
    let server = MariaDb::start();
    let from = server.fresh_database("damaged");
    server.sql_in(
        &from,
        "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), KEY (v)) ENGINE=MyISAM; INSERT INTO t SELECT seq, seq FROM seq_1_to_2000;
         FLUSH TABLES",
    );
    let index = server.data().join(&from).join("t.MYI");
    let bytes = std::fs::read(&index).unwrap();
    std::fs::write(&index, &bytes[..bytes.len() / 4]).unwrap();
    let (to, none) = (address(&server, &server.fresh_name("damaged_copy")), Secret::default());
    let source = Source::open(&address(&server, &from), &none).await.unwrap();
    let target = Target::prepare(&source, &to, &none, "job", Occupied::Refuse, &Unwatched).await.unwrap();
    let problem = copy(&source, &target, None, 1, &Unwatched).await.unwrap_err();
    assert_eq!((problem.code, problem.class), ("table.crashed", Class::NeedsPerson), "{problem:?}");
    assert!(problem.message.contains("'t'") || problem.message.contains("/t"), "{problem:?}");
    assert!(problem.help.contains("REPAIR TABLE"));
}

#[tokio::test]
async fn a_server_that_takes_no_writes_says_so_in_words_of_its_own() {
    let server = MariaDb::start();
    let from = server.fresh_database("shop");
    server.sql_in(
        &from,
        "CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB; CREATE USER 'wp'@'localhost' IDENTIFIED BY 'right';
         GRANT SELECT, INSERT, DELETE, CREATE, DROP, ALTER, INDEX ON *.* TO 'wp'@'localhost'; SET GLOBAL read_only=1",
    );
    let secret = Secret::new("right");
    let source = Source::open(&server.address_as("wp", &from).parse().unwrap(), &secret).await.unwrap();
    let to = server.address_as("wp", "shop_copy").parse().unwrap();
    let problem =
        Target::prepare(&source, &to, &secret, "job", Occupied::Refuse, &Unwatched).await.unwrap_err();
    assert_eq!((problem.code, problem.class), ("database.read-only", Class::NeedsPerson), "{problem:?}");
    assert_eq!(server.sql("SHOW DATABASES LIKE 'shop_copy'"), "");
}

#[tokio::test]
async fn a_table_that_is_altered_while_it_is_copied_ends_the_copy_for_now() {
    let server = MariaDb::shared();
    let from = server.fresh_database("altered");
    server.sql_in(
        &from,
        "CREATE TABLE t (id INT PRIMARY KEY, v TEXT) ENGINE=InnoDB; INSERT INTO t VALUES (1,'a')",
    );
    let to = address(&server, &server.fresh_name("altered_copy"));
    let none = Secret::default();
    let source = Source::open(&address(&server, &from), &none).await.unwrap();
    let target = Target::prepare(&source, &to, &none, "job", Occupied::Refuse, &Unwatched).await.unwrap();
    copy(&source, &target, None, 1, &Unwatched).await.unwrap();
    server.sql_in(&from, "ALTER TABLE t ADD COLUMN more INT NOT NULL DEFAULT 7");
    let rewriting = database_fixture::rewriting("http://a.test", "http://b.test");
    let problem = copy(&source, &target, Some(&rewriting), 1, &Unwatched).await.unwrap_err();
    assert_eq!((problem.code, problem.class), ("source.changed", Class::Transient), "{problem:?}");
}
