//! Followers of events and of logs.

use std::time::Duration;

use clonedeck_queue::{AddOptions, Ctx, Done, Job, Level, Line, Needs, Queue, Registry, Step, StepError};

use crate::toys::{add, open, options, order, quick, toys};

#[tokio::test]
async fn a_follower_sees_a_picture_and_then_every_event_once() {
    let (dir, world, queue) = toys(quick());
    let first = add(&queue, &order("a")).await;
    // From another process's point of view: a second connection that does not run the queue.
    let other = open(dir.path(), &world, quick());
    for follower in [&queue, &other] {
        let following = follower.subscribe(None).await.unwrap();
        assert!(following.snapshot.jobs.iter().any(|job| job.id == first));
    }
    let mut here = queue.subscribe(None).await.unwrap();
    let mut there = other.subscribe(Some(0)).await.unwrap();
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    for (following, added) in [(&mut here, 0), (&mut there, 1)] {
        let mut names = Vec::new();
        while names.last().is_none_or(|name: &String| name != "job.completed") {
            let news =
                tokio::time::timeout(Duration::from_secs(20), following.next()).await.unwrap().unwrap();
            names.extend(news.events.into_iter().map(|event| event.name));
        }
        let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
        assert_eq!((count("job.queued"), count("job.running"), count("job.completed")), (added, 1, 1));
        assert_eq!((count("step.running"), count("step.completed")), (3, 3));
    }
}

#[tokio::test]
async fn a_log_is_followed_from_its_first_line_without_gap_or_double() {
    let dir = tempfile::tempdir().unwrap();
    let queue = Queue::open(dir.path(), Registry::new().with(Chatty), options()).unwrap();
    let id = queue.add::<Chatty>(&(), AddOptions::default()).await.unwrap();
    let mut tail = queue.follow_log(id, 1);
    let _runner = queue.run().await.unwrap();
    let mut lines = Vec::new();
    while lines.len() < 3000 {
        let page = tokio::time::timeout(Duration::from_secs(20), tail.next()).await.unwrap().unwrap();
        assert_eq!(page.missing, 0);
        lines.extend(page.lines);
    }
    for (place, line) in lines.iter().enumerate() {
        assert_eq!((line.number, line.text.as_str()), (place as u64 + 1, format!("line {place}").as_str()));
    }
}

struct Chatty;
struct Chat;

impl Job for Chatty {
    const KIND: &'static str = "chatty";
    type Spec = ();
    fn title(&self, (): &()) -> String {
        "Chatty".into()
    }
    fn steps(&self, line: &mut Line<Self>) {
        line.step(Chat);
    }
    fn needs(&self, (): &()) -> Needs {
        Needs::nothing()
    }
}

impl Step for Chat {
    type Job = Chatty;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "chat";
    const TITLE: &'static str = "Chat";
    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        // From a plain thread, as most work is done.
        let handle = ctx.handle();
        let talk = std::thread::spawn(move || {
            for line in 0..3000 {
                handle.log(Level::Info, format!("line {line}"));
                handle.progress(line, 3000);
            }
        });
        tokio::task::spawn_blocking(move || talk.join()).await.unwrap().unwrap();
        Ok(Done::Completed(()))
    }
}
