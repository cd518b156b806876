//! Reading tables back as soon as they are written, so that the check need not: what counts as read back, and what never does.

#[allow(dead_code, reason = "other tests use the rest of it")]
mod database_fixture;

use clonedeck_site::check::values;
use clonedeck_site::databases::{
    Access, Copied, Known, Occupied, Rewriting, Source, Target, check, copy, settle, tables,
};
use clonedeck_site::{Secret, Unwatched, Watch};
use clonedeck_tests::mariadb::MariaDb;
use database_fixture::{Stopping, address, awkward};

fn rewriting() -> Rewriting {
    database_fixture::rewriting("http://a.test", "http://a.test/shop").reading_back()
}

struct Sides {
    server: std::sync::Arc<MariaDb>,
    from: String,
    to: String,
    source: Source,
    target: Target,
}

impl Sides {
    async fn new() -> Self {
        let server = MariaDb::shared();
        let (from, to) = (server.fresh_database("shop"), server.fresh_name("copy"));
        server.sql_in(&from, &awkward("http://a.test"));
        let none = Secret::default();
        let source = Source::open(&address(&server, &from), &none).await.unwrap();
        let target =
            Target::prepare(&source, &address(&server, &to), &none, "job", Occupied::Refuse, &Unwatched)
                .await
                .unwrap();
        Self { server, from, to, source, target }
    }

    async fn copy(&self, watch: &dyn Watch) -> clonedeck_site::Result<Copied> {
        copy(&self.source, &self.target, Some(&rewriting()), 3, watch).await
    }

    async fn values(&self, copied: &Copied) -> clonedeck_site::check::Values {
        let none = Secret::default();
        let address_of = |name: &str| address(&self.server, name);
        let mut source = tables(&address_of(&self.from), &none, Access::Read).await.unwrap();
        let mut copy = tables(&address_of(&self.to), &none, Access::Read).await.unwrap();
        values(&address_of(&self.to), &mut *source, &mut *copy, &copied.read_back, &Unwatched).await.unwrap()
    }
}

fn names(copied: &Copied) -> Vec<&str> {
    copied.read_back.iter().map(|table| table.table.as_str()).collect()
}

#[tokio::test]
async fn what_is_read_back_says_the_same_as_a_second_look_at_both_sides() {
    let sides = Sides::new().await;
    let copied = sides.copy(&Unwatched).await.unwrap();
    let settled = settle(&sides.source, &sides.target, Some(&rewriting()), 3, &Unwatched).await.unwrap();
    assert!(names(&copied).len() > 2, "{:?}", names(&copied));
    for back in &copied.read_back {
        let known = settled.tables.iter().find(|known| known.name == back.table).expect("a table");
        assert_eq!(back.rows, known.rows_target, "{}", back.table);
        let engine = sides.server.sql(&format!(
            "SELECT engine FROM information_schema.tables WHERE table_schema='{}' AND table_name='{}'",
            sides.to, back.table
        ));
        assert_eq!(engine.trim(), "InnoDB", "others can change under a reader");
    }
    let with = sides.values(&copied).await;
    let without = sides.values(&Copied::default()).await;
    assert!(copied.read_back.iter().any(|table| table.parsing > 0), "{copied:?}");
    assert_eq!((with.compared, with.broken, with.unkeyed), (without.compared, 0, without.unkeyed));

    let looked = check(&sides.source, &sides.target, Some(&rewriting()), Known::default(), &Unwatched).await;
    let known = Known { tables: &settled.tables, read_back: &copied.read_back };
    let taken = check(&sides.source, &sides.target, Some(&rewriting()), known, &Unwatched).await;
    assert_eq!(looked.unwrap(), taken.unwrap());
    sides.target.finish().await.unwrap();
}

#[tokio::test]
async fn a_check_looks_at_what_is_not_said_to_be_read_back() {
    let sides = Sides::new().await;
    let copied = sides.copy(&Unwatched).await.unwrap();
    settle(&sides.source, &sides.target, Some(&rewriting()), 3, &Unwatched).await.unwrap();
    let (table, column) = sides
        .server
        .sql(&format!(
            "SELECT CONCAT(table_name, ' ', column_name) FROM information_schema.columns WHERE table_schema='{}' \
             AND table_name IN ('{}') AND data_type='text' ORDER BY 1 LIMIT 1",
            sides.to,
            names(&copied).join("','")
        ))
        .trim()
        .split_once(' ')
        .map(|(table, column)| (table.to_owned(), column.to_owned()))
        .expect("a column of text");
    sides.server.sql_in(&sides.to, &format!("UPDATE `{table}` SET `{column}`='http://a.test/again' LIMIT 1"));
    let look = async |known: Known<'_>| {
        check(&sides.source, &sides.target, Some(&rewriting()), known, &Unwatched).await.unwrap().left_over
    };
    let left = look(Known::default()).await;
    assert!(left.iter().any(|left| (&left.table, &left.column) == (&table, &column)), "{left:?}");
    let others: Vec<_> = copied.read_back.iter().filter(|back| back.table != table).cloned().collect();
    assert_eq!(
        look(Known { read_back: &others, ..Known::default() }).await,
        left,
        "that one was written since"
    );
    sides.target.finish().await.unwrap();
}

#[tokio::test]
async fn a_table_of_which_an_earlier_try_brought_a_part_is_not_said_to_be_read_back() {
    let sides = Sides::new().await;
    let whole = names(&sides.copy(&Unwatched).await.unwrap()).len();
    Target::undo(&address(&sides.server, &sides.to), &Secret::default(), "job", &Unwatched).await.unwrap();

    let sides = Sides::new().await;
    let mut tries = 0;
    let copied = loop {
        tries += 1;
        match sides.copy(&Stopping::after(Some(10 + 5 * tries))).await {
            Ok(copied) => break copied,
            Err(_) => assert!(tries < 50, "it gets on"),
        }
    };
    assert!(tries > 1 && names(&copied).len() < whole, "{tries} tries, {:?}", names(&copied));
    settle(&sides.source, &sides.target, Some(&rewriting()), 3, &Unwatched).await.unwrap();
    assert_eq!(sides.values(&copied).await, sides.values(&Copied::default()).await);
    sides.target.finish().await.unwrap();
}
