//! The border to the rewriter: bytes of one cell in, bytes of one cell out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rewrites the addresses in one value. Called from several threads at once.
pub trait Cells: Send + Sync {
    /// Whether a value may hold anything to rewrite: quick, never wrongly false.
    fn may_hold(&self, value: &[u8]) -> bool;

    /// The value with its addresses rewritten.
    fn rewrite(&self, value: &[u8]) -> Cell;

    /// Whether a value holds an old address.
    fn holds_old(&self, value: &[u8]) -> bool;
}

/// What became of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// The new bytes; none when nothing changes.
    pub bytes: Option<Vec<u8>>,
    /// Changes by kind of place.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Why an old address in it was left.
    pub left: Option<String>,
    /// Whether it parsed before and does not any more.
    pub broken: bool,
}

/// How the addresses of a copy are rewritten.
#[derive(Clone)]
pub struct Rewriting {
    /// What rewrites a value.
    pub cells: Arc<dyn Cells>,
    /// Columns that keep what they hold, as table and column: `wp_posts`, `guid`.
    pub keep: BTreeSet<(String, String)>,
}

impl std::fmt::Debug for Rewriting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rewriting").field("keep", &self.keep).finish_non_exhaustive()
    }
}

impl Rewriting {
    /// Rewrites every column.
    pub fn new(cells: Arc<dyn Cells>) -> Self {
        Self { cells, keep: BTreeSet::new() }
    }

    /// Leaves a column as it is.
    pub fn keeping(mut self, table: &str, column: &str) -> Self {
        self.keep.insert((table.to_owned(), column.to_owned()));
        self
    }

    pub(crate) fn keeps(&self, table: &str, column: &str) -> bool {
        self.keep.contains(&(table.to_owned(), column.to_owned()))
    }
}
