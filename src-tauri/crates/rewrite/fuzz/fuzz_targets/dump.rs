//! Any dump: no crash, no hang, the same result whatever the size of the blocks, and nothing lost.

#![no_main]

use std::sync::LazyLock;

use clonedeck_rewrite::{DumpOptions, DumpReport, Options, Pair, Rewriter, rewrite_dump};
use libfuzzer_sys::fuzz_target;

static REWRITER: LazyLock<Rewriter> = LazyLock::new(|| {
    let pair = Pair::parse("http://o.cc", "https://a-much-longer.example.org").expect("a good pair");
    Rewriter::new([pair], Options::default()).expect("a good pair")
});

fn run(dump: &[u8], block: usize, threads: usize) -> (Vec<u8>, DumpReport) {
    let mut out = Vec::new();
    let options = DumpOptions { block, threads, ..DumpOptions::default() };
    let report = rewrite_dump(&REWRITER, dump, &mut out, options).expect("memory has no errors");
    assert_eq!(report.bytes_in, dump.len() as u64);
    assert_eq!(report.bytes_out, out.len() as u64);
    (out, report)
}

fuzz_target!(|dump: &[u8]| {
    let (whole, report) = run(dump, 1 << 20, 1);
    assert_eq!(report.values_changed == 0, whole == dump, "changes are counted");
    let (_, again) = run(&whole, 1 << 20, 1);
    assert_eq!(again.values_scanned, report.values_scanned, "the new dump has the same values");
    assert_eq!(again.problems, report.problems, "the new dump is as whole as the old one");
    for block in [1, 7, 64] {
        let (pieces, in_pieces) = run(dump, block, 1);
        assert_eq!(pieces, whole, "blocks of {block}");
        assert_eq!(in_pieces.values_scanned, report.values_scanned, "blocks of {block}");
        assert_eq!(in_pieces.problems, report.problems, "blocks of {block}");
    }
});
