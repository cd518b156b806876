//! The life of a job as a pure function.
//!
//! A job stands in a [`Position`]: its [`State`], which everybody sees, and its [`Intent`], which says where it is
//! heading. [`next`] is the only place that decides what may follow what; every write asks it first.
//!
//! | state | meaning | who moves it on |
//! |---|---|---|
//! | queued | ready to run | the runner, when it fits |
//! | running | an attempt works on it | the attempt; the next runner after a crash |
//! | waiting | for a time, for room, for a person | the runner when the time has come; a person |
//! | paused | an operator said so | an operator |
//! | completed, failed, cancelled | ended | an operator who retries; retention |

use serde::{Deserialize, Serialize};

/// What a job is doing, as everybody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Ready to run as soon as it fits.
    Queued,
    /// An attempt works on it.
    Running,
    /// Waits for a time, for room on a disk, or for a person.
    Waiting,
    /// Stopped by an operator until resumed.
    Paused,
    /// Every step is done.
    Completed,
    /// Ended with an error.
    Failed,
    /// Ended because an operator said so.
    Cancelled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::Paused,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether the job has ended.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The word for it, as in the database and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// Where a job is heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Intent {
    /// Through its steps.
    Go,
    /// To a pause at the next safe point.
    Pause,
    /// Backwards through the undos, to cancelled.
    Cancel,
    /// Backwards through the undos, to failed.
    Fail,
    /// Backwards through the undos, to begin anew from the first step.
    Restart,
}

impl Intent {
    /// Every intent.
    pub const ALL: [Self; 5] = [Self::Go, Self::Pause, Self::Cancel, Self::Fail, Self::Restart];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Pause => "pause",
            Self::Cancel => "cancel",
            Self::Fail => "fail",
            Self::Restart => "restart",
        }
    }

    /// The intent with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|intent| intent.word() == word)
    }

    /// Whether the job goes backwards.
    pub const fn undoes(self) -> bool {
        matches!(self, Self::Cancel | Self::Fail | Self::Restart)
    }
}

/// Where a job stands and where it is heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// What everybody sees.
    pub state: State,
    /// Where it is heading.
    pub intent: Intent,
}

impl Position {
    /// Puts the two together.
    pub const fn new(state: State, intent: Intent) -> Self {
        Self { state, intent }
    }

    /// Whether a job can stand here. Everything [`next`] returns can.
    pub const fn is_legal(self) -> bool {
        match (self.state, self.intent) {
            (_, Intent::Go) | (State::Running, _) => true,
            (State::Queued | State::Waiting, intent) => intent.undoes(),
            _ => false,
        }
    }
}

/// What can happen to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The runner takes it.
    Claim,
    /// Its last step is done.
    Complete,
    /// It has to wait: for the next try, for room, for a person.
    Wait,
    /// What it waited for has come.
    Due,
    /// It cannot succeed.
    Fail {
        /// Whether there is anything to take back.
        undo: bool,
    },
    /// Its undos have all run.
    Undone,
    /// The attempt gave way at a safe point.
    Yield,
    /// The program that ran it is gone.
    Rescue,
    /// The program that ran it is gone once too often.
    SetAside,
    /// An operator pauses it.
    Pause,
    /// An operator lets it go on.
    Resume,
    /// An operator cancels it.
    Cancel {
        /// Whether there is anything to take back.
        undo: bool,
    },
    /// An operator has it tried again.
    Retry,
    /// An operator has it tried again from its first step.
    Restart {
        /// Whether there is anything to take back first.
        undo: bool,
    },
}

impl Event {
    /// What the operator or the program wanted, as a verb.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Complete => "complete",
            Self::Wait => "hold",
            Self::Due | Self::Resume => "resume",
            Self::Fail { .. } => "fail",
            Self::Undone => "end",
            Self::Yield => "stop",
            Self::Rescue | Self::SetAside => "rescue",
            Self::Pause => "pause",
            Self::Cancel { .. } => "cancel",
            Self::Retry => "retry",
            Self::Restart { .. } => "restart",
        }
    }
}

/// The move is not allowed from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Illegal {
    /// Where the job stands.
    pub from: Position,
    /// What was tried.
    pub event: Event,
}

/// Where a job stands after `event`, or that this cannot happen to it. Total over all positions and events.
///
/// ```
/// use clonedeck_queue::{Event, Intent, Position, State, next};
///
/// let queued = Position::new(State::Queued, Intent::Go);
/// let running = next(queued, Event::Claim).unwrap();
/// assert_eq!(running, Position::new(State::Running, Intent::Go));
/// // A pause takes hold at the next safe point, and survives a crash on the way there.
/// let pausing = next(running, Event::Pause).unwrap();
/// assert_eq!(next(pausing, Event::Rescue).unwrap().state, State::Paused);
/// // What has ended cannot be claimed.
/// assert!(next(Position::new(State::Completed, Intent::Go), Event::Claim).is_err());
/// ```
#[allow(clippy::match_same_arms, reason = "each rule stands by itself")]
pub const fn next(from: Position, event: Event) -> Result<Position, Illegal> {
    use Intent as I;
    use State as S;
    let Position { state, intent } = from;
    let to = match (event, state, intent) {
        (Event::Claim, S::Queued, I::Go | I::Cancel | I::Fail | I::Restart) => (S::Running, intent),
        // Done before the pause could take hold: done is done. A cancel that was accepted before wins.
        (Event::Complete, S::Running, I::Go | I::Pause) => (S::Completed, I::Go),
        (Event::Complete, S::Running, I::Cancel) => (S::Queued, I::Cancel),
        (Event::Wait, S::Running, I::Go | I::Fail | I::Cancel | I::Restart) => (S::Waiting, intent),
        (Event::Wait | Event::Yield, S::Running, I::Pause) => (S::Paused, I::Go),
        (Event::Due, S::Waiting, I::Go | I::Cancel | I::Fail | I::Restart) => (S::Queued, intent),
        (Event::Fail { undo }, S::Running, I::Go | I::Pause | I::Restart) => {
            if undo {
                (S::Queued, I::Fail)
            } else {
                (S::Failed, I::Go)
            }
        }
        (Event::Fail { undo }, S::Running, I::Cancel) => {
            if undo {
                (S::Queued, I::Cancel)
            } else {
                (S::Cancelled, I::Go)
            }
        }
        (Event::Undone, S::Running, I::Cancel) => (S::Cancelled, I::Go),
        (Event::Undone, S::Running, I::Fail) => (S::Failed, I::Go),
        (Event::Undone, S::Running, I::Restart) => (S::Queued, I::Go),
        (Event::Yield, S::Running, I::Go | I::Cancel | I::Fail | I::Restart) => (S::Queued, intent),
        (Event::Rescue, S::Running, I::Go | I::Cancel | I::Fail | I::Restart) => (S::Queued, intent),
        (Event::Rescue | Event::SetAside, S::Running, I::Pause) => (S::Paused, I::Go),
        (Event::SetAside, S::Running, I::Go | I::Cancel | I::Fail | I::Restart) => (S::Waiting, intent),
        (Event::Pause, S::Queued | S::Waiting | S::Paused, I::Go) => (S::Paused, I::Go),
        (Event::Pause, S::Running, I::Go | I::Pause) => (S::Running, I::Pause),
        (Event::Resume, S::Paused | S::Queued, I::Go) => (S::Queued, I::Go),
        (Event::Resume, S::Running, I::Go | I::Pause) => (S::Running, I::Go),
        (Event::Resume | Event::Retry, S::Waiting, I::Go | I::Cancel | I::Fail | I::Restart) => {
            (S::Queued, intent)
        }
        (Event::Cancel { undo }, S::Queued | S::Waiting | S::Paused, I::Go) => {
            if undo {
                (S::Queued, I::Cancel)
            } else {
                (S::Cancelled, I::Go)
            }
        }
        (Event::Cancel { .. }, S::Queued | S::Waiting, I::Cancel | I::Fail | I::Restart) => {
            (S::Queued, I::Cancel)
        }
        (Event::Cancel { .. }, S::Running, _) => (S::Running, I::Cancel),
        // Clearing up after a job whose kind keeps what a failure left.
        (Event::Cancel { undo: true }, S::Failed, I::Go) => (S::Queued, I::Cancel),
        (Event::Retry, S::Failed | S::Cancelled, I::Go) => (S::Queued, I::Go),
        (Event::Restart { undo }, S::Waiting | S::Paused | S::Failed | S::Cancelled, I::Go) => {
            (S::Queued, if undo { I::Restart } else { I::Go })
        }
        (Event::Restart { .. }, S::Queued | S::Waiting, I::Restart) => (S::Queued, I::Restart),
        _ => return Err(Illegal { from, event }),
    };
    Ok(Position::new(to.0, to.1))
}
