//! Which jobs a list shows, and in which order.

mod toys;

use clonedeck_queue::{AddOptions, Batch, Filter, JobId, Queue, State};
use toys::{Toy, World, open, order, quick};

async fn add(queue: &Queue, name: &str, target: &str, priority: i32) -> JobId {
    let mut wanted = order(name);
    wanted.target = Some(target.into());
    queue.add::<Toy>(&wanted, AddOptions::default().priority(priority)).await.unwrap()
}

async fn titles(queue: &Queue, filter: Filter) -> Vec<String> {
    queue
        .list(filter)
        .await
        .unwrap()
        .jobs
        .into_iter()
        .map(|job| job.spec["name"].as_str().unwrap().into())
        .collect()
}

#[tokio::test]
async fn a_list_is_narrowed_by_place_words_batch_and_state_together() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path(), &World::default(), quick());
    add(&queue, "shop", "/srv/shop", 0).await;
    add(&queue, "shop again", "/srv/shop", 0).await;
    let held = add(&queue, "other", "/srv/shop-copy", 0).await;
    queue.pause(held).await.unwrap();
    let mut child = order("child");
    child.target = Some("/srv/a \"quoted\" 100%_name".into());
    let (batch, _) =
        queue.add_batch(Batch::new("Two shops").job::<Toy>(child, AddOptions::default())).await.unwrap();

    let place = |place: &str| Filter { place: Some(place.into()), ..Filter::default() };
    let text = |text: &str| Filter { text: Some(text.into()), ..Filter::default() };
    assert_eq!(titles(&queue, place("/srv/shop")).await, ["shop again", "shop"]);
    assert_eq!(titles(&queue, place("/srv/shop-copy")).await, ["other"]);
    assert_eq!(titles(&queue, place("/srv")).await, [""; 0]);
    assert_eq!(titles(&queue, text("SRV/SHOP")).await, ["other", "shop again", "shop"]);
    assert_eq!(titles(&queue, text("again")).await, ["shop again"]);
    // Words that stand in an order but name no place of it find nothing.
    assert_eq!(titles(&queue, text("permanent")).await, [""; 0]);
    assert_eq!(titles(&queue, text("a \"quoted\" 100%_n")).await, ["child"]);
    assert_eq!(titles(&queue, place("/srv/a \"quoted\" 100%_name")).await, ["child"]);
    let paused = Filter { states: vec![State::Paused], ..text("srv/shop") };
    assert_eq!(titles(&queue, paused).await, ["other"]);
    let page = queue.list(Filter { batch: Some(batch), ..Filter::default() }).await.unwrap();
    assert_eq!(page.jobs.len(), 1);
    assert_eq!((page.jobs[0].batch, page.jobs[0].batch_title.as_deref()), (Some(batch), Some("Two shops")));
}

#[tokio::test]
async fn a_narrowed_list_goes_on_where_its_page_ended() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path(), &World::default(), quick());
    for number in 0..7 {
        add(&queue, &format!("{number}"), if number % 2 == 0 { "/srv/even" } else { "/srv/odd" }, 0).await;
    }
    let even =
        |before| Filter { place: Some("/srv/even".into()), before, limit: Some(3), ..Filter::default() };
    let first = queue.list(even(None)).await.unwrap();
    assert_eq!(first.jobs.len(), 3);
    assert_eq!(titles(&queue, even(first.next)).await, ["0"]);
}

#[tokio::test]
async fn the_picture_of_the_queue_shows_the_line_in_the_order_in_which_it_starts() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path(), &World::default(), quick());
    for (name, priority) in [("first", 0), ("urgent", 5), ("second", 0), ("held", 0)] {
        let id = add(&queue, name, name, priority).await;
        if name == "held" {
            queue.pause(id).await.unwrap();
        }
    }
    let following = queue.subscribe(None).await.unwrap();
    let names: Vec<_> =
        following.snapshot.jobs.iter().map(|job| job.spec["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["urgent", "first", "second", "held"]);
}
