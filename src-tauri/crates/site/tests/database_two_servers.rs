//! Copies from one server to another.

#[allow(dead_code, reason = "every test program uses a part of it")]
mod database_fixture;

use clonedeck_site::databases::{Known, Occupied, Source, Target, check, copy, settle};
use clonedeck_site::{Secret, Unwatched};
use clonedeck_tests::mariadb::MariaDb;
use database_fixture::{address, awkward, rewriting, tables_equal};

#[tokio::test]
async fn a_copy_on_another_server_holds_every_row_and_the_new_address() {
    let (one, other) = (MariaDb::start(), MariaDb::start());
    let from = one.fresh_database("shop");
    one.sql_in(&from, &awkward("http://a.test"));
    let none = Secret::default();
    let source = Source::open(&address(&one, &from), &none).await.unwrap();
    let rewriting = rewriting("http://a.test", "http://a.test/shop");
    // The same name on another server is another database.
    for (to, rewriting, loads) in
        [(&*from, None, "ON"), ("loaded", Some(&rewriting), "ON"), ("inserted", Some(&rewriting), "OFF")]
    {
        other.sql(&format!("SET GLOBAL local_infile={loads}"));
        let target =
            Target::prepare(&source, &address(&other, to), &none, "job", Occupied::Refuse, &Unwatched)
                .await
                .unwrap();
        let copied = copy(&source, &target, rewriting, 2, &Unwatched).await.unwrap();
        assert_eq!(copied.way, "streamed between two servers");
        let settled = settle(&source, &target, rewriting, 3, &Unwatched).await.unwrap();
        assert_eq!((settled.passes, settled.brought), (1, 0));
        let checked = check(&source, &target, None, Known::default(), &Unwatched).await.unwrap();
        assert!(checked.tables.iter().all(|table| table.rows_source == table.rows_target), "{checked:?}");
        target.finish().await.unwrap();
        let expected = format!("expected_{to}");
        other.sql(&format!("CREATE DATABASE {expected} CHARACTER SET utf8mb4"));
        other.sql_in(
            &expected,
            &awkward(if rewriting.is_some() { "http://a.test/shop" } else { "http://a.test" }),
        );
        tables_equal(&other, &expected, to);
    }
}
