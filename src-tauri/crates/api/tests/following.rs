//! What a window is told while it follows.

use std::time::Duration;

use clonedeck_api::{Clonedeck, Open};

#[tokio::test]
async fn a_queue_that_is_held_or_let_go_makes_the_window_read_anew_why_each_job_is_not_running() {
    let home = tempfile::tempdir().expect("a folder");
    let open = Open { data_dir: Some(home.path().join("data")), ..Open::default() };
    let deck = Clonedeck::open(open).await.expect("it opens");
    let mut follower = deck.follow(None).await.expect("it follows");
    assert!(!follower.next().await.expect("how it stands").resync);
    for paused in [true, false] {
        if paused { deck.pause_queue().await } else { deck.resume_queue().await }.expect("it is steered");
        let told = tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                let update = follower.next().await.expect("what happens");
                if let Some(queue) = update.queue.filter(|queue| queue.paused == paused) {
                    break (queue.paused, update.resync);
                }
            }
        });
        assert_eq!(told.await.expect("it is told"), (paused, true));
    }
}
