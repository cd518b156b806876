//! The rewriter: built once from pairs, then asked about any number of values from any number of threads.

use std::borrow::Cow;
use std::sync::Arc;

use crate::edit::Edits;
use crate::pair::{Pair, PairError};
use crate::plan::Plan;
use crate::report::{Note, Reason, Tally, Trace};
use crate::scan;
use crate::walk::{Depth, Walk};

/// Choices that hold for all pairs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Change the host of mail addresses too: `me@old.example`. They are kept by default.
    pub mail: bool,
    /// Send `www.old.example` where `old.example` goes, or the other way round. Off by default: it is another host.
    pub www: bool,
}

/// Changes old addresses into new ones. Cheap to clone, and every clone shares one plan.
#[derive(Debug, Clone)]
pub struct Rewriter {
    pub(crate) plan: Arc<Plan>,
}

/// What became of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds nothing to change.
    Unchanged,
    /// The new value.
    Changed(Vec<u8>),
    /// It holds an old address, and stays as it is because a change could break it.
    Unsafe(Reason),
}

/// What became of a value, with everything worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The value itself.
    pub outcome: Outcome,
    /// Occurrences changed.
    pub tally: Tally,
    /// What was left inside it, or is worth a look; a value can be changed and still hold a part that was left.
    pub notes: Vec<Note>,
}

impl Rewriter {
    /// A rewriter for these pairs, all of which are looked for at once.
    pub fn new(pairs: impl IntoIterator<Item = Pair>, options: Options) -> Result<Self, PairError> {
        let pairs: Vec<Pair> = pairs.into_iter().collect();
        Ok(Self { plan: Arc::new(Plan::new(&pairs, options)?) })
    }

    /// Rewrites one value: a cell of a database, an option, a file of settings.
    ///
    /// A value that is changed can still hold a part that was left; [`Rewriter::rewrite`] tells.
    pub fn rewrite_value(&self, value: &[u8]) -> Outcome {
        self.rewrite(value).outcome
    }

    /// Rewrites one value and says what was done and what was left.
    pub fn rewrite(&self, value: &[u8]) -> Rewritten {
        let hits = self.plan.finder.hits(value);
        if hits.is_empty() {
            return Rewritten { outcome: Outcome::Unchanged, tally: Tally::default(), notes: Vec::new() };
        }
        let mut walk = Walk::new(&self.plan, value.len());
        let mut edits = Edits::default();
        walk.value(value, 0..value.len(), &hits, Depth::TOP, &mut edits);
        drop(hits);
        let notes = walk.take_notes(!edits.is_empty());
        let outcome = match (edits.is_empty(), notes.first()) {
            (false, _) => Outcome::Changed(edits.apply(value, 0..value.len())),
            (true, Some(note)) => Outcome::Unsafe(note.reason.clone()),
            (true, None) => Outcome::Unchanged,
        };
        Rewritten { outcome, tally: walk.tally(), notes }
    }

    /// The value as it is to be: rewritten, or as it was where nothing changes or nothing may.
    pub fn apply<'v>(&self, value: &'v [u8]) -> Cow<'v, [u8]> {
        match self.rewrite_value(value) {
            Outcome::Changed(new) => Cow::Owned(new),
            Outcome::Unchanged | Outcome::Unsafe(_) => Cow::Borrowed(value),
        }
    }

    /// Every trace of an old address in any form, whatever it is in. Nothing is changed.
    ///
    /// The scan does not follow formats, so it also sees what the rewriter leaves. Look-alikes, other ports, mail
    /// addresses (unless they are to change) and old addresses that are a part of a new one are no traces.
    pub fn scan(&self, bytes: &[u8]) -> Vec<Trace> {
        scan::scan(&self.plan, bytes, 0)
    }

    /// Whether the bytes may hold anything to find: quick, never wrongly false.
    pub fn may_hold(&self, bytes: &[u8]) -> bool {
        self.plan.finder.has_any(bytes)
    }
}
