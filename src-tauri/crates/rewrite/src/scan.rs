//! Traces of old addresses: the same forms as the rewriter knows, looked for in the raw bytes of anything.

use crate::finder::Hit;
use crate::island::Run;
use crate::layer::Layer;
use crate::letter::{match_after, match_before};
use crate::occurrence::{self, Occurrence};
use crate::plan::{Meaning, Plan};
use crate::report::{Form, Trace, excerpt};
use crate::walk::DEEPEST;

pub(crate) fn scan(plan: &Plan, bytes: &[u8], level: usize) -> Vec<Trace> {
    let mut traces: Vec<Trace> = Vec::new();
    let mut island_end = 0;
    for hit in plan.finder.hits(bytes) {
        for meaning in &plan.meanings[hit.needle as usize] {
            match *meaning {
                Meaning::Host { host, spelling } => {
                    let found = occurrence::host(plan, bytes, hit, host, spelling);
                    traces.extend(found.and_then(|found| trace(plan, bytes, hit, *meaning, &found)));
                }
                Meaning::Folder(folder) => {
                    let found = occurrence::folder(bytes, hit, &plan.folders[folder]);
                    traces.extend(found.and_then(|found| trace(plan, bytes, hit, *meaning, &found)));
                }
                // One look at an island is enough, however many hits lie in it.
                Meaning::Base64 { phase } if hit.start >= island_end && level < DEEPEST => {
                    let run = Run::around(bytes, hit.start..hit.end());
                    if let Some(plain) = run.glance(hit.start..hit.end(), phase)
                        && !scan(plan, &plain, level + 1).is_empty()
                    {
                        island_end = run.span.end;
                        let excerpt = excerpt(&plain, 0, plain.len());
                        traces.push(Trace { offset: run.span.start, form: Form::Base64, excerpt });
                    }
                }
                Meaning::PhpHex if level < DEEPEST => {
                    let from = hit.start.saturating_sub(AROUND);
                    let to = bytes.len().min(hit.end() + AROUND);
                    let plain = Layer::PhpHex.read(&bytes[from..to]).unwrap_or_default();
                    if !scan(plan, &plain, level + 1).is_empty() {
                        let excerpt = excerpt(bytes, hit.start, hit.end());
                        traces.push(Trace { offset: hit.start, form: Form::Unicode, excerpt });
                    }
                }
                Meaning::Base64 { .. } | Meaning::PhpHex => {}
            }
        }
    }
    traces.sort_by_key(|trace| trace.offset);
    traces.dedup_by_key(|trace| trace.offset);
    traces
}

/// How far around an escaped host its neighbours are read.
const AROUND: usize = 300;

fn trace(plan: &Plan, bytes: &[u8], hit: Hit, meaning: Meaning, found: &Occurrence) -> Option<Trace> {
    (found.is_changed() && !is_in_a_new_address(plan, bytes, hit, meaning)).then(|| Trace {
        offset: found.start,
        form: found.form,
        excerpt: excerpt(bytes, found.start, found.end),
    })
}

fn is_in_a_new_address(plan: &Plan, bytes: &[u8], hit: Hit, meaning: Meaning) -> bool {
    plan.shadows.iter().filter(|shadow| shadow.of == meaning).any(|shadow| {
        match_after(bytes, hit.start, &shadow.tail, true).is_some()
            && match_before(bytes, hit.start, &shadow.head, true).is_some()
    })
}
