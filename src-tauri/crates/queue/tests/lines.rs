//! Lines that depend on the order, and why a step has to stop.

mod toys;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clonedeck_queue::{
    AddOptions, Ctx, Done, Job, JobId, Line, Queue, Registry, State, Step, StepError, StepState, StopReason,
};
use toys::{options, until_state};

/// Says the words of its order, one step each.
struct Recital {
    said: Arc<Mutex<Vec<String>>>,
}

impl Job for Recital {
    const KIND: &'static str = "recital";
    type Spec = Vec<String>;

    fn title(&self, words: &Vec<String>) -> String {
        words.join(" ")
    }

    fn steps(&self, line: &mut Line<Self>) {
        for (place, word) in line.order().iter().enumerate() {
            let say = Say { word: word.clone(), said: Arc::clone(&self.said) };
            line.step_named(format!("say-{place}"), format!("Say {word}"), say);
        }
    }
}

struct Say {
    word: String,
    said: Arc<Mutex<Vec<String>>>,
}

impl Step for Say {
    type Job = Recital;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "say";
    const TITLE: &'static str = "Say";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        self.said.lock().unwrap().push(format!("{}: {}", ctx.step_name(), self.word));
        if self.word == "cough" {
            return Err(StepError::permanent("cough", "It coughed."));
        }
        if self.word == "listen" {
            ctx.stop_requested().await;
            self.said.lock().unwrap().push(format!("{:?}", ctx.stop_reason()));
            ctx.safe_point().await?;
        }
        Ok(Done::Completed(()))
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

struct Stage {
    dir: tempfile::TempDir,
    said: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), said: Arc::default() }
    }

    fn open(&self) -> Queue {
        let registry = Registry::new().with(Recital { said: Arc::clone(&self.said) });
        Queue::open(self.dir.path(), registry, options()).unwrap()
    }

    async fn add(&self, queue: &Queue, text: &str) -> JobId {
        queue.add::<Recital>(&words(text), AddOptions::default()).await.unwrap()
    }

    fn said(&self) -> Vec<String> {
        std::mem::take(&mut self.said.lock().unwrap())
    }
}

#[tokio::test]
async fn a_line_has_the_steps_its_order_asks_for() {
    let stage = Stage::new();
    let queue = stage.open();
    let id = stage.add(&queue, "to be or").await;
    let titles: Vec<String> = queue.job(id).await.unwrap().steps.into_iter().map(|step| step.title).collect();
    assert_eq!(titles, ["Say to", "Say be", "Say or"]);
    let runner = queue.run().await.unwrap();
    let job = until_state(&queue, id, State::Completed).await;
    assert!(job.steps.iter().all(|step| step.state == StepState::Completed));
    assert_eq!(stage.said(), ["say-0: to", "say-1: be", "say-2: or"]);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_step_that_completed_never_runs_again_in_such_a_line_either() {
    let stage = Stage::new();
    let queue = stage.open();
    let id = stage.add(&queue, "to listen or").await;
    let runner = queue.run().await.unwrap();
    toys::until(&queue, id, |job| job.current_step.as_deref() == Some("say-1")).await;
    runner.stop(Duration::from_secs(5)).await;
    drop(queue);
    // Another start of the program.
    let queue = stage.open();
    let runner = queue.run().await.unwrap();
    toys::until(&queue, id, |job| job.state == State::Running && job.resumed == 1).await;
    queue.pause(id).await.unwrap();
    until_state(&queue, id, State::Paused).await;
    queue.cancel(id).await.unwrap();
    until_state(&queue, id, State::Cancelled).await;
    let said = stage.said();
    assert_eq!(said.iter().filter(|line| *line == "say-0: to").count(), 1, "{said:?}");
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn the_first_step_that_fails_ends_such_a_line() {
    let stage = Stage::new();
    let queue = stage.open();
    let id = stage.add(&queue, "one cough three").await;
    let runner = queue.run().await.unwrap();
    let job = until_state(&queue, id, State::Failed).await;
    let states: Vec<StepState> = job.steps.iter().map(|step| step.state).collect();
    assert_eq!(states[1..], [StepState::Failed, StepState::Pending]);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn an_order_without_steps_is_refused() {
    let stage = Stage::new();
    let refused = stage.open().add::<Recital>(&Vec::new(), AddOptions::default()).await.unwrap_err();
    assert!(refused.to_string().contains("no steps"), "{refused}");
}

#[tokio::test]
async fn a_step_knows_pause_from_cancel_from_the_end_of_the_program() {
    let stage = Stage::new();
    let queue = stage.open();
    let listens = || async {
        let id = stage.add(&queue, "listen").await;
        let runner = queue.run().await.unwrap();
        toys::until(&queue, id, |job| job.state == State::Running).await;
        (id, runner)
    };
    let heard = |reason: StopReason| vec!["say-0: listen".to_owned(), format!("{:?}", Some(reason))];

    let (id, runner) = listens().await;
    queue.pause(id).await.unwrap();
    until_state(&queue, id, State::Paused).await;
    assert_eq!(stage.said(), heard(StopReason::Pause));
    runner.stop(Duration::from_secs(5)).await;

    let (id, runner) = listens().await;
    queue.cancel(id).await.unwrap();
    until_state(&queue, id, State::Cancelled).await;
    assert_eq!(stage.said(), heard(StopReason::Cancel));
    runner.stop(Duration::from_secs(5)).await;

    let (_, runner) = listens().await;
    runner.stop(Duration::from_secs(5)).await;
    assert_eq!(stage.said(), heard(StopReason::Quit));
}
