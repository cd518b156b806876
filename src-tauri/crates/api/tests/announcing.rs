//! What is announced: each thing once, a batch as one, and an inbox of it all.

use std::fs;
use std::path::Path;
use std::time::Duration;

use clonedeck_api::wire::{CloneRequest, Notice};
use clonedeck_api::{Announcements, Clonedeck, Given, Open};

async fn deck(home: &Path) -> Clonedeck {
    Clonedeck::open(Open { data_dir: Some(home.join("data")), ..Open::default() }).await.expect("it opens")
}

/// A clone of a page to a place of this name.
fn clone(home: &Path, name: &str) -> CloneRequest {
    let source = home.join("press");
    fs::create_dir_all(&source).expect("a folder");
    fs::write(source.join("index.html"), "<!doctype html><title>Press</title>").expect("a page");
    let target = home.join(name).display().to_string();
    CloneRequest { source: source.display().to_string(), target, ..CloneRequest::default() }
}

async fn next(announcements: &mut Announcements) -> Notice {
    let notice = tokio::time::timeout(Duration::from_mins(2), announcements.next()).await;
    notice.expect("a notice comes").expect("the queue is open")
}

#[tokio::test]
async fn an_end_is_announced_once_also_across_a_start_and_what_was_missed_comes_first() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path();
    let launch = |deck: Clonedeck, name: &'static str| async move {
        deck.launch_clone(&clone(home, name), &Given::default()).await.expect("accepted")
    };
    let first = deck(home).await;
    let mut announcements = first.announcements().await.expect("they can be heard");
    let mut runner = first.work(None).await.expect("the queue runs");
    let one = launch(first.clone(), "one").await;
    assert_eq!(next(&mut announcements).await.job, Some(one));
    drop(announcements);
    // Nobody hears this one.
    let two = launch(first.clone(), "two").await;
    runner.idle().await;
    runner.stop().await;
    first.end_previews().await;
    drop(first);

    let second = deck(home).await;
    let mut announcements = second.announcements().await.expect("they can be heard");
    let runner = second.work(None).await.expect("the queue runs");
    let three = launch(second.clone(), "three").await;
    assert_eq!(next(&mut announcements).await.job, Some(two));
    assert_eq!(next(&mut announcements).await.job, Some(three));
    runner.stop().await;
    second.end_previews().await;
}

#[tokio::test]
async fn many_ends_that_were_missed_are_told_as_one_and_those_before_the_first_start_not_at_all() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path();
    let many = async |from: usize| {
        let deck = deck(home).await;
        let mut runner = deck.work(None).await.expect("the queue runs");
        for number in from..from + 8 {
            deck.launch_clone(&clone(home, &format!("copy-{number}")), &Given::default())
                .await
                .expect("accepted");
        }
        runner.idle().await;
        runner.stop().await;
        deck.end_previews().await;
    };
    many(0).await;
    let first = deck(home).await;
    drop(first.announcements().await.expect("they can be heard"));
    drop(first);
    many(8).await;

    let second = deck(home).await;
    let mut announcements = second.announcements().await.expect("they can be heard");
    let runner = second.work(None).await.expect("the queue runs");
    let after = second.launch_clone(&clone(home, "after"), &Given::default()).await.expect("accepted");
    let missed = next(&mut announcements).await;
    assert_eq!(missed.title, "8 jobs ended while the window was closed");
    assert_eq!(missed.body, "All of them went well.");
    assert_eq!(next(&mut announcements).await.job, Some(after), "nothing else is told of what was missed");
    runner.stop().await;
    second.end_previews().await;
}

#[tokio::test]
async fn a_batch_is_announced_as_one_and_the_inbox_keeps_it_until_it_is_read() {
    let home = tempfile::tempdir().expect("a folder");
    let deck = deck(home.path()).await;
    let mut announcements = deck.announcements().await.expect("they can be heard");
    let runner = deck.work(None).await.expect("the queue runs");
    let requests = ["one", "two"].map(|name| (clone(home.path(), name), Given::default()));
    let batch = deck.launch_clones("Autumn", &requests).await.expect("accepted");
    let notice = next(&mut announcements).await;
    assert_eq!((notice.kind.as_str(), notice.title.as_str()), ("batch", "Autumn"));
    assert_eq!(notice.body, "All 2 jobs went well");
    assert!(batch.jobs.contains(notice.job.as_ref().expect("a job to look at")));
    let alone = deck.launch_clone(&clone(home.path(), "alone"), &Given::default()).await.expect("accepted");
    assert_eq!(next(&mut announcements).await.job, Some(alone), "the batch is told once");

    let inbox = deck.notices().await.expect("an inbox");
    assert_eq!(inbox.iter().filter(|notice| notice.kind == "batch").count(), 1, "{inbox:#?}");
    assert_eq!(inbox.len(), 4);
    assert!(inbox.windows(2).all(|pair| pair[0].id > pair[1].id), "each has a number of its own: {inbox:#?}");
    assert_eq!(deck.unread().await.expect("a count"), 4);
    deck.notices_read().await.expect("it is noted");
    assert_eq!(deck.unread().await.expect("a count"), 0);
    runner.stop().await;
    deck.end_previews().await;
}
