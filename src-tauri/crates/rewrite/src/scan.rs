//! Traces of old addresses: the same forms as the rewriter knows, looked for in the raw bytes of anything.

use crate::finder::Hit;
use crate::letter::{match_after, match_before};
use crate::occurrence;
use crate::plan::{Meaning, Plan};
use crate::report::{Form, Trace, excerpt};
use crate::text::{base64_around, decode_base64};
use crate::walk::DEEPEST;

pub(crate) fn scan(plan: &Plan, bytes: &[u8], level: usize) -> Vec<Trace> {
    let mut traces: Vec<Trace> = Vec::new();
    let mut island_end = 0;
    for hit in plan.finder.hits(bytes) {
        for meaning in &plan.meanings[hit.needle] {
            let found = match *meaning {
                Meaning::Host { host, spelling } => occurrence::host(plan, bytes, hit, host, spelling),
                Meaning::Folder(folder) => occurrence::folder(bytes, hit, &plan.folders[folder]),
                Meaning::Base64 { .. } => {
                    // One look at an island is enough, however many hits lie in it.
                    if hit.start >= island_end && level < DEEPEST {
                        let island = base64_around(bytes, hit);
                        island_end = island.end;
                        if let Some(plain) = decode_base64(&bytes[island.clone()])
                            && !scan(plan, &plain, level + 1).is_empty()
                        {
                            traces.push(Trace {
                                offset: island.start,
                                form: Form::Base64,
                                excerpt: excerpt(&plain, 0, plain.len()),
                            });
                        }
                    }
                    None
                }
            };
            let Some(found) = found else { continue };
            if !found.edits.is_empty() && !is_in_a_new_address(plan, bytes, hit, *meaning) {
                traces.push(Trace {
                    offset: found.start,
                    form: found.form,
                    excerpt: excerpt(bytes, found.start, found.end),
                });
            }
        }
    }
    traces.sort_by_key(|trace| trace.offset);
    traces.dedup_by_key(|trace| trace.offset);
    traces
}

fn is_in_a_new_address(plan: &Plan, bytes: &[u8], hit: Hit, meaning: Meaning) -> bool {
    plan.shadows.iter().filter(|shadow| shadow.of == meaning).any(|shadow| {
        match_after(bytes, hit.start, &shadow.tail, true).is_some()
            && match_before(bytes, hit.start, &shadow.head, true).is_some()
    })
}
