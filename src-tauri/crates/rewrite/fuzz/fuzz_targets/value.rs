//! Any value: no crash, no hang, and what parsed before parses after.

#![no_main]

use std::sync::LazyLock;

use clonedeck_rewrite::{Options, Outcome, Pair, Rewriter, is_json, is_serialized};
use libfuzzer_sys::fuzz_target;

static REWRITERS: LazyLock<Vec<Rewriter>> = LazyLock::new(|| {
    let rewriter = |pairs: &[(&str, &str)], options| {
        let pairs = pairs.iter().map(|(old, new)| Pair::parse(old, new).expect("a good pair"));
        Rewriter::new(pairs, options).expect("good pairs")
    };
    vec![
        rewriter(
            &[("http://o.cc", "https://a-much-longer.example.org:8443/sub"), ("/var/www", "/srv/copies/x")],
            Options::default(),
        ),
        rewriter(&[("https://o.cc", "http://n.c"), ("C:\\o", "/n")], Options { mail: true, www: true }),
        rewriter(&[("http://ö.cc", "http://ünï.example")], Options::default()),
    ]
});

fuzz_target!(|value: &[u8]| {
    for rewriter in REWRITERS.iter() {
        let done = rewriter.rewrite(value);
        let found = !rewriter.scan(value).is_empty();
        assert!(!found || rewriter.may_hold(value), "a trace without a needle");
        let Outcome::Changed(new) = done.outcome else { continue };
        assert_ne!(new, value, "changed means changed");
        assert!(done.tally.total() > 0, "a change is counted");
        assert!(!is_serialized(value) || is_serialized(&new), "serialized data broke");
        assert!(!is_json(value) || is_json(&new), "JSON broke");
    }
});
