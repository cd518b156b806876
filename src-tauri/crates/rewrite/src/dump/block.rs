//! One block of a dump: its values rewritten, everything else as it was.

use crate::edit::Edits;
use crate::layer::Layer;
use crate::plan::Plan;
use crate::report::{Note, Trace};
use crate::scan::scan;
use crate::walk::{Depth, Walk};

use super::report::{DumpReport, Place};
use super::run::{Item, ItemKind};

/// Rewrites the values of a block. `out` gets the block as it is to be, unless nothing changes.
pub(super) fn rewrite(plan: &Plan, block: &[u8], items: &[Item], out: &mut Vec<u8>) -> DumpReport {
    let mut report = DumpReport { bytes_in: block.len() as u64, ..DumpReport::default() };
    let mut edits = Edits::default();
    let mut code_seen = 0;
    for item in items {
        let raw = &block[item.start..item.end];
        match item.kind {
            ItemKind::Code => {
                if item.start >= code_seen {
                    code_seen = look_at_code(plan, block, item, &mut report);
                }
            }
            ItemKind::Text { quote, backslash } => {
                let layer = Layer::Sql { quote, backslash };
                let escaped = memchr::memchr2(b'\\', quote, raw).is_some();
                let read = if escaped { layer.read(raw) } else { None };
                value(plan, raw, read, layer, item, &mut edits, &mut report);
            }
            ItemKind::Hex => {
                let upper = !raw.iter().any(u8::is_ascii_lowercase);
                let layer = Layer::Hex { upper };
                if let Some(plain) = layer.read(raw).filter(|plain| plan.finder.has_any(plain)) {
                    value(plan, raw, Some(plain), layer, item, &mut edits, &mut report);
                }
            }
        }
    }
    out.clear();
    if edits.is_empty() {
        report.bytes_out = block.len() as u64;
        return report;
    }
    edits.apply_into(out, block);
    report.bytes_out = out.len() as u64;
    report
}

/// One value: `read` is what `raw` stands for, where that is not the same.
fn value(
    plan: &Plan,
    raw: &[u8],
    read: Option<Vec<u8>>,
    layer: Layer,
    item: &Item,
    edits: &mut Edits,
    report: &mut DumpReport,
) {
    let plain: &[u8] = read.as_deref().unwrap_or(raw);
    let hits = plan.finder.hits(plain);
    if hits.is_empty() {
        return;
    }
    let mut walk = Walk::new(plan, plain.len());
    let mut inner = Edits::default();
    walk.value(plain, 0..plain.len(), &hits, Depth::TOP, &mut inner);
    drop(hits);
    let notes = walk.take_notes(!inner.is_empty());
    if !inner.is_empty() || !notes.is_empty() {
        report.changed.add(&walk.tally());
    }
    report.unsafe_count += notes.len() as u64;
    report.notes.extend(notes.into_iter().map(|note: Note| place(item, note)));
    let traces = if inner.is_empty() {
        scan(plan, plain, 0)
    } else {
        scan(plan, &inner.apply(plain, 0..plain.len()), 0)
    };
    report.left_over_count += traces.len() as u64;
    report.left_over.extend(traces.into_iter().map(|trace: Trace| place(item, trace)));
    if inner.is_empty() {
        return;
    }
    report.values_changed += 1;
    if read.is_some() {
        drop(read);
        layer.carry(raw, item.start, &inner, edits);
    } else {
        layer.move_out(raw, item.start, &inner, edits);
    }
}

/// How far around a needle in code an address can reach.
const AROUND: usize = 300;

/// A needle outside of the rows: what it leads to is reported. Gives the place up to which that is done.
fn look_at_code(plan: &Plan, block: &[u8], item: &Item, report: &mut DumpReport) -> usize {
    let from = item.start.saturating_sub(AROUND);
    let to = block.len().min(item.start + AROUND);
    let found = scan(plan, &block[from..to], 0)
        .into_iter()
        .map(|trace| Trace { offset: trace.offset + from, ..trace })
        .rfind(|trace| trace.offset <= item.start);
    if let Some(trace) = found.filter(|trace| item.start - trace.offset < AROUND / 2) {
        report.left_over_count += 1;
        report.left_over.push(place(item, trace));
    }
    item.start + 1
}

fn place<T>(item: &Item, what: T) -> Place<T> {
    Place { table: item.table.as_deref().map(str::to_owned), line: item.line, what }
}
