//! Leases of numbers: each is somebody's alone, over the end of the program too.

use clonedeck_queue::{Options, Queue, Registry};

fn open(dir: &std::path::Path) -> Queue {
    Queue::open(dir, Registry::new(), Options::default()).unwrap()
}

#[tokio::test]
async fn a_number_is_leased_once_and_its_holder_finds_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let (queue, other) = (open(dir.path()), open(dir.path()));
    let (ports, others) = (queue.leases("port"), other.leases("port"));
    assert_eq!(ports.take("a", 7..=9, |number| number != 7).await.unwrap(), Some(8), "7 is not free");
    assert_eq!(others.take("b", 7..=9, |_| true).await.unwrap(), Some(7));
    assert_eq!(others.take("a", 7..=9, |_| true).await.unwrap(), Some(8), "its own, wherever it is asked");
    assert_eq!(ports.take("c", 7..=8, |_| true).await.unwrap(), None);
    assert_eq!(queue.leases("seat").take("c", 7..=8, |_| true).await.unwrap(), Some(7), "another pool");
    drop((queue, other));

    let ports = open(dir.path()).leases("port");
    let held = || async {
        ports.all().await.unwrap().into_iter().map(|lease| (lease.number, lease.holder)).collect::<Vec<_>>()
    };
    assert_eq!(held().await, [(7, "b".into()), (8, "a".into())]);
    assert_eq!(ports.take("a", 9..=9, |_| true).await.unwrap(), Some(9), "one number for each holder");
    assert!(ports.give_back("b").await.unwrap() && !ports.give_back("b").await.unwrap());
    assert_eq!(held().await, [(9, "a".into())]);
    assert_eq!(ports.sweep(|lease| lease.holder == "a").await.unwrap().len(), 1);
    assert_eq!(held().await, []);
}

#[tokio::test]
async fn many_who_ask_at_once_get_each_another_number() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let ports = queue.leases("port");
    let asked = (0..50).map(|n| {
        let ports = ports.clone();
        tokio::spawn(async move { ports.take(&n.to_string(), 100..=149, |_| true).await.unwrap() })
    });
    let mut got = Vec::new();
    for asked in asked.collect::<Vec<_>>() {
        got.extend(asked.await.unwrap());
    }
    got.sort_unstable();
    assert_eq!(got, (100..=149).collect::<Vec<u16>>());
}
