//! PHP as the judge: values that PHP makes with the old address in them must become, byte for byte, what PHP makes of the
//! same values with the new one, and PHP must read them.
//!
//! `CLONEDECK_PHP_VALUES` sets how many values are tried.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clonedeck_rewrite::{Options, Pair, Rewriter};

fn judge(words: &[&str], input: Option<String>) -> String {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/judge.php");
    let mut php = Command::new("php")
        .arg("-n")
        .arg(script)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("php is needed for this test: install php-cli");
    let mut stdin = php.stdin.take().expect("it is piped");
    let feeder = std::thread::spawn(move || {
        if let Some(input) = input {
            stdin.write_all(input.as_bytes()).expect("php reads");
        }
    });
    let output = php.wait_with_output().expect("php ends");
    feeder.join().expect("all was written");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).expect("php answers in ASCII")
}

struct Case {
    kind: String,
    old: Vec<u8>,
    new: Vec<u8>,
}

fn make(seed: u32, count: usize, old: (&str, &str), new: (&str, &str)) -> Vec<Case> {
    let (seed, count) = (seed.to_string(), count.to_string());
    let lines = judge(&["make", &seed, &count, old.0, old.1, new.0, new.1], None);
    lines
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let bytes = |word: &str| STANDARD.decode(word).expect("php writes Base64");
            Case { kind: words[0].to_owned(), old: bytes(words[1]), new: bytes(words[2]) }
        })
        .collect()
}

fn try_values(seed: u32, count: usize, old: (&str, &str), new: (&str, &str)) {
    let url = |(scheme, site): (&str, &str)| format!("{scheme}://{site}");
    let pair = Pair::parse(&url(old), &url(new)).expect("a good pair");
    let rewriter = Rewriter::new([pair], Options::default()).expect("a good pair");
    let cases = make(seed, count, old, new);
    assert_eq!(cases.len(), count);
    let mut answers = String::new();
    let mut changed = 0;
    for (n, case) in cases.iter().enumerate() {
        let found = rewriter.apply(&case.old);
        changed += usize::from(case.old != case.new);
        assert!(
            *found == *case.new,
            "value {} ({}) of seed {seed}:\n  old    {}\n  ours   {}\n  wanted {}\n  notes {:?}",
            n,
            case.kind,
            String::from_utf8_lossy(&case.old),
            String::from_utf8_lossy(&found),
            String::from_utf8_lossy(&case.new),
            rewriter.rewrite(&case.old).notes,
        );
        answers.push_str(&format!("{} {}\n", case.kind, STANDARD.encode(&found)));
    }
    assert!(changed > count / 3, "the values hold the address often enough: {changed} of {count}");
    for (n, verdict) in judge(&["check"], Some(answers)).lines().enumerate() {
        assert_eq!(verdict, "ok", "value {n} of seed {seed}: {}", String::from_utf8_lossy(&cases[n].new));
    }
}

fn values() -> usize {
    std::env::var("CLONEDECK_PHP_VALUES").ok().and_then(|count| count.parse().ok()).unwrap_or(20_000)
}

#[test]
fn what_php_made_becomes_what_php_would_make_with_a_longer_address() {
    try_values(1, values() / 2, ("http", "old.example.com"), ("https", "a-much-longer.copy.test:8443"));
}

#[test]
fn what_php_made_becomes_what_php_would_make_with_a_shorter_address() {
    try_values(500_000_000, values() / 2, ("https", "old.example.com"), ("http", "a.test"));
}
