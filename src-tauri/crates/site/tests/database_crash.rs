//! Copies that are cut off.

#[allow(dead_code, reason = "every test program uses a part of it")]
mod database_fixture;

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use clonedeck_site::databases::{DatabaseAddress, Occupied, Source, Target, copy, rewrite, settle};
use clonedeck_site::{Class, Problem, Secret, Unwatched};
use clonedeck_tests::mariadb::MariaDb;
use database_fixture::{address, awkward, rewriting, tables_equal};

/// Work that is dropped in the middle of whatever it does, with its connections open, after being polled a number of times.
struct CutOff<F> {
    work: Pin<Box<F>>,
    polls: u32,
}

impl<F: Future> Future for CutOff<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.work.as_mut().poll(context).map(Some)
    }
}

async fn whole(from: &DatabaseAddress, to: &DatabaseAddress) -> Result<(), Problem> {
    let none = Secret::default();
    let source = Source::open(from, &none).await?;
    let target = Target::prepare(&source, to, &none, "job", Occupied::Refuse, &Unwatched).await?;
    let rewriting = rewriting("http://a.test", "http://a.test/shop");
    copy(&source, &target, Some(&rewriting), 2, &Unwatched).await?;
    settle(&source, &target, Some(&rewriting), 2, &Unwatched).await?;
    let done = rewrite(&source, &target, &rewriting, 2, &Unwatched).await?;
    assert!(done.cells_changed > 500, "{done:?}");
    Ok(())
}

#[tokio::test]
async fn a_copy_that_is_cut_off_anywhere_goes_on_and_rewrites_nothing_twice() {
    let server = MariaDb::shared();
    let from = server.fresh_database("cut");
    server.sql_in(&from, &awkward("http://a.test"));
    let expected = server.fresh_database("cut_expected");
    server.sql_in(&expected, &awkward("http://a.test/shop"));
    let to = server.fresh_name("cut_copy");
    let (from, target) = (address(&server, &from), address(&server, &to));
    let mut cuts = 0;
    // Every run gets a little further than the one before could have come alone, and each ends at another place.
    for polls in (8..).step_by(7) {
        let work = CutOff { work: Box::pin(whole(&from, &target)), polls };
        match work.await {
            Some(done) => {
                done.unwrap();
                break;
            }
            None => cuts += 1,
        }
    }
    assert!(cuts > 10, "{cuts} cuts");
    let none = Secret::default();
    let source = Source::open(&from, &none).await.unwrap();
    Target::open(&source, &target, &none, "job").await.unwrap().finish().await.unwrap();
    tables_equal(&server, &expected, &to);
}

#[tokio::test]
async fn a_copy_whose_server_is_killed_fails_for_now_and_goes_on_when_it_is_back() {
    let server = MariaDb::start();
    let from = server.fresh_database("killed");
    server.sql_in(&from, &awkward("http://a.test"));
    server.sql_in(
        &from,
        "CREATE TABLE big (id INT PRIMARY KEY, v TEXT) ENGINE=InnoDB; INSERT INTO big SELECT seq, 'http://a.test/x' FROM seq_1_to_60000",
    );
    // Tables without a log of changes would not outlive the kill themselves.
    server.sql("FLUSH TABLES");
    let expected = server.fresh_database("killed_expected");
    server.sql_in(&expected, &awkward("http://a.test/shop"));
    server.sql_in(
        &expected,
        "CREATE TABLE big (id INT PRIMARY KEY, v TEXT) ENGINE=InnoDB; INSERT INTO big SELECT seq, 'http://a.test/shop/x' FROM seq_1_to_60000",
    );
    let to = server.fresh_name("killed_copy");
    let (from, target) = (address(&server, &from), address(&server, &to));
    for polls in [15, 30, 45] {
        let mut work = pin!(whole(&from, &target));
        assert!(
            CutOff { work: Box::pin(work.as_mut()), polls }.await.is_none(),
            "the work ended before the server was killed"
        );
        server.kill();
        let problem = work.await.unwrap_err();
        assert_eq!(problem.class, Class::Transient, "{problem:?}");
        assert!(matches!(problem.code, "database.gone" | "database.down"), "{problem:?}");
        server.go();
    }
    whole(&from, &target).await.unwrap();
    let none = Secret::default();
    let source = Source::open(&from, &none).await.unwrap();
    Target::open(&source, &target, &none, "job").await.unwrap().finish().await.unwrap();
    tables_equal(&server, &expected, &to);
}
