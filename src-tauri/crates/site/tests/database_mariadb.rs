//! Copies on a real MariaDB server.

mod database_fixture;

use clonedeck_site::databases::{Count, Occupied, Source, Target, check, copy, settle};
use clonedeck_site::{Secret, Unwatched};
use clonedeck_tests::mariadb::MariaDb;
use database_fixture::{address, awkward, rewriting, tables_equal};

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
    let checked = check(&source, &target, None, &Unwatched).await.unwrap();
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
