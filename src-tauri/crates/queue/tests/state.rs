//! The state machine, whole.

use clonedeck_queue::{Event, Intent, Position, State, next, rank};
use proptest::prelude::*;

const EVENTS: [Event; 17] = [
    Event::Claim,
    Event::Complete,
    Event::Wait,
    Event::Due,
    Event::Fail { undo: true },
    Event::Fail { undo: false },
    Event::Undone,
    Event::Yield,
    Event::Rescue,
    Event::SetAside,
    Event::Pause,
    Event::Resume,
    Event::Cancel { undo: true },
    Event::Cancel { undo: false },
    Event::Retry,
    Event::Restart { undo: true },
    Event::Restart { undo: false },
];

fn legal() -> Vec<Position> {
    let all = State::ALL.into_iter().flat_map(|state| Intent::ALL.map(|intent| Position::new(state, intent)));
    all.filter(|position| position.is_legal()).collect()
}

#[test]
fn every_event_is_answered_everywhere_and_leads_only_where_a_job_can_stand() {
    for from in legal() {
        for event in EVENTS {
            if let Ok(to) = next(from, event) {
                assert!(to.is_legal(), "{event:?} leads from {from:?} to {to:?}");
            }
        }
    }
}

#[test]
fn what_is_completed_stays_so() {
    for event in EVENTS {
        assert!(next(Position::new(State::Completed, Intent::Go), event).is_err(), "{event:?}");
    }
}

#[test]
fn only_a_claim_starts_a_job() {
    for from in legal() {
        for event in EVENTS {
            let started =
                from.state != State::Running && next(from, event).is_ok_and(|to| to.state == State::Running);
            assert!(!started || event == Event::Claim, "{event:?} starts {from:?}");
        }
    }
}

#[test]
fn a_job_that_undoes_never_goes_forward_and_ends_as_what_it_was_undone_for() {
    for state in [State::Queued, State::Running, State::Waiting] {
        for intent in [Intent::Cancel, Intent::Fail] {
            for event in EVENTS {
                let Ok(to) = next(Position::new(state, intent), event) else { continue };
                assert!(
                    to.intent.undoes() || matches!(to.state, State::Cancelled | State::Failed),
                    "{event:?} leads from {state} {intent:?} to {to:?}"
                );
            }
        }
    }
    let running = |intent| Position::new(State::Running, intent);
    assert_eq!(next(running(Intent::Cancel), Event::Undone).unwrap().state, State::Cancelled);
    assert_eq!(next(running(Intent::Fail), Event::Undone).unwrap().state, State::Failed);
    let anew = next(running(Intent::Restart), Event::Undone).unwrap();
    assert_eq!(anew, Position::new(State::Queued, Intent::Go), "it has nothing behind it and begins anew");
}

#[test]
fn every_operator_order_is_refused_or_obeyed_the_same_way_twice() {
    for from in legal() {
        for event in
            [Event::Pause, Event::Resume, Event::Cancel { undo: true }, Event::Restart { undo: true }]
        {
            if let Ok(once) = next(from, event)
                && let Ok(twice) = next(once, event)
            {
                assert_eq!(once, twice, "{event:?} from {from:?}");
            }
        }
    }
}

proptest! {
    /// Whatever happens, a job that has not ended can be brought to an end by cancelling it and letting it run.
    #[test]
    fn every_walk_can_be_ended_by_a_cancel(walk in proptest::collection::vec(0..EVENTS.len(), 0..60)) {
        let mut at = Position::new(State::Queued, Intent::Go);
        for step in walk {
            at = next(at, EVENTS[step]).unwrap_or(at);
        }
        if !at.state.is_final() {
            let mut steps = vec![Event::Cancel { undo: true }];
            steps.extend([Event::Yield, Event::Claim, Event::Undone]);
            for event in steps {
                if !at.state.is_final() {
                    at = next(at, event).unwrap_or(at);
                }
            }
            prop_assert_eq!(at.state, State::Cancelled);
        }
    }

    /// The bound that the documentation of ranks states.
    #[test]
    fn nobody_is_overtaken_by_a_job_that_came_forty_minutes_later(
        ready in 0i64..10_000_000_000, later in 1i64..100_000_000,
        a in rank::LOWEST..=rank::HIGHEST, b in rank::LOWEST..=rank::HIGHEST,
    ) {
        let bound = i64::from(rank::HIGHEST - rank::LOWEST) * rank::LEVEL_MS;
        prop_assert_eq!(bound, 40 * 60 * 1000);
        prop_assert!(rank::rank(ready + bound + later, b) > rank::rank(ready, a));
        // Among equals the older goes first; of the same age the more important.
        prop_assert!(rank::rank(ready + later, a) > rank::rank(ready, a));
        if a < b {
            prop_assert!(rank::rank(ready, b) < rank::rank(ready, a));
        }
    }
}
