//! The process that the crash tests start and kill.
//!
//! `run DIR GENERATION` runs the queue until it is idle. `add DIR FROM TO` adds the jobs with these numbers and prints the
//! id of each one that was accepted; `quick` does the same with jobs of one step that do nothing. `serve` runs the queue
//! until it is killed.

#[path = "line.rs"]
mod line;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clonedeck_queue::{AddOptions, Batch};
use line::{Conduct, Quick, Traced, TracedJob};

fn conduct(number: u32) -> Conduct {
    match number % 8 {
        0 => Conduct::Broken,
        1 => Conduct::Endless,
        2 => Conduct::Flaky,
        _ => Conduct::Plain,
    }
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").expect("the parent listens");
    out.flush().expect("the parent listens");
}

async fn add(dir: PathBuf, from: u32, to: u32) -> clonedeck_queue::Result<()> {
    let queue = line::open(&dir, 0)?;
    for number in from..to {
        let order = |name: String, conduct| Traced { name, conduct };
        if number % 20 == 19 {
            // A batch; what follows it must follow once, whatever is killed when. One whose commit nobody was told of is
            // added again by the next process, under another name.
            let name = format!("{number} {}", std::process::id());
            let mut batch = Batch::new(format!("batch {name}"));
            for child in 0..3 {
                batch = batch.job::<TracedJob>(
                    order(format!("child {name} {child}"), Conduct::Plain),
                    AddOptions::default(),
                );
            }
            let batch = batch
                .then::<TracedJob>(order(format!("then {name}"), Conduct::Plain), AddOptions::default())
                .finally::<TracedJob>(
                    order(format!("finally {name}"), Conduct::Plain),
                    AddOptions::default(),
                );
            let (_, jobs) = queue.add_batch(batch).await?;
            say(&format!("batch {name}"));
            for job in jobs {
                say(&format!("job {number} {job}"));
            }
        } else {
            let order = order(format!("job {number}"), conduct(number));
            let id =
                queue.add::<TracedJob>(&order, AddOptions::default().priority((number % 5) as i32)).await?;
            say(&format!("job {number} {id}"));
        }
    }
    say("added");
    Ok(())
}

async fn quick(dir: PathBuf, from: u32, to: u32) -> clonedeck_queue::Result<()> {
    let queue = line::open(&dir, 0)?;
    for number in from..to {
        let id = queue.add::<Quick>(&format!("quick {number}"), AddOptions::default()).await?;
        say(&format!("job {number} {id}"));
    }
    say("added");
    Ok(())
}

async fn serve(dir: PathBuf, generation: u32) -> clonedeck_queue::Result<()> {
    let queue = line::open(&dir, generation)?;
    let _runner = queue.run().await?;
    say("ready");
    std::future::pending().await
}

async fn run(dir: PathBuf, generation: u32) -> clonedeck_queue::Result<()> {
    let queue = line::open(&dir, generation)?;
    let mut runner = queue.run().await?;
    say("ready");
    runner.until_idle().await;
    runner.stop(Duration::from_secs(10)).await;
    say("idle");
    Ok(())
}

#[tokio::main]
async fn main() {
    // Where this process has to end is told by the parent in FAILPOINTS.
    #[cfg(feature = "failpoints")]
    let _points = fail::FailScenario::setup();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize| -> u32 { words[place].parse().expect("a number") };
    let outcome = match words[0].as_str() {
        "add" => add(words[1].clone().into(), number(2), number(3)).await,
        "quick" => quick(words[1].clone().into(), number(2), number(3)).await,
        "serve" => serve(words[1].clone().into(), number(2)).await,
        "run" => run(words[1].clone().into(), number(2)).await,
        other => panic!("no such role: {other}"),
    };
    if let Err(error) = outcome {
        say(&format!("error {} {error}", error.code()));
        std::process::exit(1);
    }
}
