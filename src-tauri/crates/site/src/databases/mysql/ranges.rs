//! Which range comes next: the ranges of all tables that are still to be brought, and who works on them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::account::Range;
use super::shape::Shape;

/// How often a range is tried again at once when somebody else holds its rows.
const TRIES: u32 = 5;

/// The ranges of all tables.
pub(super) struct Ranges {
    lines: Mutex<Vec<Line>>,
    changed: Notify,
}

/// A table and its ranges that are still to be brought.
pub(super) struct Line {
    pub shape: Arc<Shape>,
    pub open: VecDeque<Open>,
    pub busy: u32,
}

/// A range that is to be brought.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub range: Range,
    tries: u32,
}

impl Open {
    pub(super) fn new(range: Range) -> Self {
        Self { range, tries: 0 }
    }
}

impl Ranges {
    pub(super) fn new(lines: Vec<Line>) -> Self {
        Self { lines: Mutex::new(lines), changed: Notify::new() }
    }

    /// The next range, once there is one; none when all are brought. Of the table at which the fewest work already, so that they stay
    /// out of each other's pages.
    pub(super) async fn next(&self) -> Option<(Arc<Shape>, Open)> {
        loop {
            {
                let mut lines = self.lines();
                if let Some(line) =
                    lines.iter_mut().filter(|line| !line.open.is_empty()).min_by_key(|line| line.busy)
                {
                    line.busy += 1;
                    return Some((Arc::clone(&line.shape), line.open.pop_front()?));
                }
                if lines.iter().all(|line| line.busy == 0) {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    /// A range is brought. Answers whether it was the last of its table.
    pub(super) fn done(&self, table: &str) -> bool {
        let last = self.lines().iter_mut().find(|line| line.shape.name == table).is_some_and(|line| {
            line.busy -= 1;
            line.busy == 0 && line.open.is_empty()
        });
        self.changed.notify_one();
        last
    }

    /// A range is to be brought once more. Answers whether it may be.
    pub(super) fn again(&self, table: &str, mut open: Open) -> bool {
        open.tries += 1;
        let may = open.tries <= TRIES;
        if let Some(line) = self.lines().iter_mut().find(|line| line.shape.name == table && may) {
            line.busy -= 1;
            line.open.push_back(open);
        }
        self.changed.notify_one();
        may
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
