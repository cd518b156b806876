//! The queue against a plain model: random orders of operators, and closing and opening in between.

mod toys;

use std::collections::BTreeMap;

use clonedeck_queue::{AddOptions, Event, Intent, JobId, Position, State, next};
use proptest::prelude::*;
use toys::{Toy, World, open, order, quick};

#[derive(Clone, Debug)]
enum Act {
    Add { priority: i32, paused: bool },
    Unique(u8),
    Pause(usize),
    Resume(usize),
    Cancel(usize),
    Retry(usize),
    Restart(usize),
    Priority(usize, i32),
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    let job = 0usize..6;
    prop_oneof![
        3 => (-12i32..12, any::<bool>()).prop_map(|(priority, paused)| Act::Add { priority, paused }),
        1 => (0u8..2).prop_map(Act::Unique),
        2 => job.clone().prop_map(Act::Pause),
        2 => job.clone().prop_map(Act::Resume),
        1 => job.clone().prop_map(Act::Cancel),
        1 => job.clone().prop_map(Act::Retry),
        1 => job.clone().prop_map(Act::Restart),
        1 => (job, -10i32..=10).prop_map(|(job, priority)| Act::Priority(job, priority)),
        1 => Just(Act::Reopen),
    ]
}

/// What the model knows of a job.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    position: Position,
    priority: i32,
    key: Option<u8>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_agrees_with_a_plain_model(acts in proptest::collection::vec(act(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let world = World::default();
            let mut queue = open(dir.path(), &world, quick());
            let mut ids: Vec<JobId> = Vec::new();
            let mut model: BTreeMap<JobId, Known> = BTreeMap::new();
            for act in acts {
                let (job, event) = match act {
                    Act::Add { priority, paused } => {
                        let options = AddOptions::default().priority(priority);
                        let options = if paused { options.paused() } else { options };
                        let added = queue.add::<Toy>(&order("a"), options).await;
                        prop_assert_eq!(added.is_ok(), (-10..=10).contains(&priority));
                        if let Ok(id) = added {
                            let state = if paused { State::Paused } else { State::Queued };
                            ids.push(id);
                            model.insert(id, Known { position: Position::new(state, Intent::Go), priority, key: None });
                        }
                        continue;
                    }
                    Act::Unique(key) => {
                        let options = AddOptions::default().unique(format!("key {key}"));
                        let id = queue.add::<Toy>(&order("u"), options).await.unwrap();
                        let holder = model.iter().find(|(_, job)| job.key == Some(key) && !job.position.state.is_final());
                        if let Some((holder, _)) = holder {
                            prop_assert_eq!(id, *holder);
                        } else {
                            ids.push(id);
                            let position = Position::new(State::Queued, Intent::Go);
                            model.insert(id, Known { position, priority: 0, key: Some(key) });
                        }
                        continue;
                    }
                    Act::Reopen => {
                        queue.close().await;
                        queue = open(dir.path(), &world, quick());
                        continue;
                    }
                    Act::Priority(job, priority) => {
                        let Some(id) = ids.get(job) else { continue };
                        let known = model.get_mut(id).unwrap();
                        let done = queue.set_priority(*id, priority).await;
                        prop_assert_eq!(done.is_err(), known.position.state.is_final());
                        if done.is_ok() {
                            known.priority = priority;
                        }
                        continue;
                    }
                    Act::Pause(job) => (job, Event::Pause),
                    Act::Resume(job) => (job, Event::Resume),
                    Act::Cancel(job) => (job, Event::Cancel { undo: false }),
                    Act::Retry(job) => (job, Event::Retry),
                    Act::Restart(job) => (job, Event::Restart { undo: false }),
                };
                let Some(id) = ids.get(job).copied() else { continue };
                let done = match event {
                    Event::Pause => queue.pause(id).await,
                    Event::Resume => queue.resume(id).await,
                    Event::Retry => queue.retry(id).await,
                    Event::Restart { .. } => queue.retry_from_start(id).await,
                    _ => queue.cancel(id).await,
                };
                let known = model[&id].clone();
                let expected = next(known.position, event).ok().filter(|_| {
                    // A retry must not bring back a key that another job has taken.
                    let taken = |other: &Known| other.key.is_some() && other.key == known.key && !other.position.state.is_final();
                    let again = matches!(event, Event::Retry | Event::Restart { .. });
                    !again || !known.position.state.is_final() || !model.values().any(taken)
                });
                prop_assert_eq!(done.is_ok(), expected.is_some(), "{:?} on {:?}: {:?}", event, known, done);
                if let Some(position) = expected {
                    model.get_mut(&id).unwrap().position = position;
                }
            }
            let listed = queue.list(clonedeck_queue::Filter::default()).await.unwrap().jobs;
            let newest_first: Vec<JobId> = ids.iter().rev().copied().collect();
            prop_assert_eq!(listed.iter().map(|job| job.id).collect::<Vec<_>>(), newest_first);
            for job in listed {
                let known = &model[&job.id];
                prop_assert_eq!((job.state, job.intent, job.priority), (known.position.state, known.position.intent, known.priority));
            }
            Ok(())
        })?;
    }
}
