//! Values of many megabytes.

#[allow(dead_code, reason = "every test program uses a part of it")]
mod database_fixture;

use clonedeck_site::databases::{Checked, Known, Occupied, Source, Target, check, copy, renew, settle};
use clonedeck_site::{Class, Secret, Unwatched};
use clonedeck_tests::mariadb::MariaDb;
use database_fixture::{address, rewriting, tables_equal};

/// Rows with long values of every sort, next to each other and to short ones.
fn giants(site: &str) -> String {
    format!(
        "CREATE TABLE giants (id INT NOT NULL, part VARCHAR(9) NOT NULL, v LONGTEXT, b LONGBLOB, w LONGTEXT CHARACTER SET latin1, u MEDIUMTEXT
           CHARACTER SET utf16, PRIMARY KEY (part, id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
         CREATE TABLE keyless (v LONGTEXT) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
         INSERT INTO giants VALUES (1,'a','short {site}',NULL,NULL,NULL),
           (2,'a',CONCAT('{site}/x ',REPEAT('\u{e9}\t\\\\\n\u{1f600}',250000)),X'00FF',NULL,NULL),
           (3,'b',NULL,REPEAT(X'00FF0A095C4E',300000),CONCAT('{site}',REPEAT(CHAR(233 USING latin1),1200000)),REPEAT('\u{e9}',600000)),
           (4,'b','short',X'0A',NULL,CONCAT('{site} ',REPEAT('u',700000)));
         INSERT INTO keyless VALUES (CONCAT(REPEAT('k ',600000),'{site}')),('short')"
    )
}

fn rows(checked: &Checked) -> Vec<(&str, u64, u64)> {
    checked.tables.iter().map(|table| (table.name.as_str(), table.rows_source, table.rows_target)).collect()
}

#[tokio::test]
async fn long_values_arrive_whole_and_rewritten_also_at_a_server_that_takes_small_packets_or_no_loads() {
    let (one, other) = (MariaDb::start(), MariaDb::start());
    let from = one.fresh_database("giants");
    one.sql_in(&from, &giants("http://a.test"));
    let none = Secret::default();
    let source = Source::open(&address(&one, &from), &none).await.unwrap();
    let rewriting = rewriting("http://a.test", "http://a.test/shop");
    for (server, limit) in
        [(&one, None), (&other, Some("max_allowed_packet = 2 << 20")), (&other, Some("local_infile = OFF"))]
    {
        server.sql("SET GLOBAL max_allowed_packet = 64 << 20");
        let expected = server.fresh_database("expected");
        server.sql_in(&expected, &giants("http://a.test/shop"));
        if let Some(limit) = limit {
            server.sql(&format!("SET GLOBAL {limit}"));
        }
        let to = server.fresh_name("giants_copy");
        let target =
            Target::prepare(&source, &address(server, &to), &none, "job", Occupied::Refuse, &Unwatched)
                .await
                .unwrap();
        copy(&source, &target, Some(&rewriting), 3, &Unwatched).await.unwrap();
        settle(&source, &target, Some(&rewriting), 1, &Unwatched).await.unwrap();
        let again = renew(&source, &target, Some(&rewriting), 1, &Unwatched).await.unwrap();
        assert_eq!((again.compared, again.brought), (2, 0), "{again:?}");
        let look =
            async || check(&source, &target, Some(&rewriting), Known::default(), &Unwatched).await.unwrap();
        let checked = look().await;
        assert!(checked.left_over.is_empty(), "{checked:?}");
        assert_eq!(rows(&checked), [("giants", 4, 4), ("keyless", 2, 2)]);
        target.finish().await.unwrap();
        tables_equal(server, &expected, &to);
        server.sql_in(
            &to,
            "UPDATE giants SET w=CONCAT(w,'http://a.test/') WHERE id=3; DELETE FROM giants WHERE id=2",
        );
        let checked = look().await;
        assert_eq!(rows(&checked), [("giants", 4, 3), ("keyless", 2, 2)]);
        let [left] = &checked.left_over[..] else { panic!("{checked:?}") };
        assert_eq!((left.table.as_str(), left.column.as_str(), left.cells), ("giants", "w", 1));
    }
}

#[tokio::test]
async fn a_value_that_a_server_takes_in_no_way_waits_for_a_person_who_hears_what_to_raise() {
    let server = MariaDb::start();
    let from = server.fresh_database("giants");
    server.sql_in(&from, &giants("http://a.test"));
    server.sql("SET GLOBAL local_infile = OFF; SET GLOBAL max_allowed_packet = 2 << 20");
    let none = Secret::default();
    let source = Source::open(&address(&server, &from), &none).await.unwrap();
    let rewriting = rewriting("http://a.test", "http://a.test/shop");
    let to = server.fresh_name("giants_copy");
    let target = Target::prepare(&source, &address(&server, &to), &none, "job", Occupied::Refuse, &Unwatched)
        .await
        .unwrap();
    let problem = copy(&source, &target, Some(&rewriting), 3, &Unwatched).await.unwrap_err();
    assert_eq!((problem.code, problem.class), ("database.packet", Class::NeedsPerson));
    assert!(problem.help.contains("max_allowed_packet"));
    server.sql("SET GLOBAL max_allowed_packet = 64 << 20");
    let copied = copy(&source, &target, Some(&rewriting), 3, &Unwatched).await.unwrap();
    assert_eq!((copied.tables, copied.rows), (2, 6));
}
