//! `clonedeck rewrite` as people run it.

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

use clonedeck_rewrite::{Packed, Packing, Unpacked};

fn rewrite(words: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_clonedeck"))
        .arg("rewrite")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || {
        // A program that refuses its words reads nothing.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("the program ends");
    feeder.join().expect("the feeder ends");
    output
}

const PAIR: [&str; 2] = ["http://old.example.com", "https://new-site.test:8443"];
const DUMP: &str = "-- MariaDB dump 10.19\nINSERT INTO `t` VALUES (1,'a:1:{i:0;s:22:\\\"http://old.example.com\\\";}');\n-- Dump completed on now\n";

fn wanted() -> String {
    DUMP.replace("s:22:", "s:26:").replace(PAIR[0], PAIR[1])
}

#[test]
fn a_dump_goes_through_and_a_report_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let output = rewrite(&[PAIR[0], PAIR[1], "--report", report.to_str().unwrap()], DUMP.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), wanted());
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert_eq!(report["values_scanned"], 1);
    assert_eq!(report["values_changed"], 1);
    assert_eq!(report["changed"]["containers"]["serialized"], 1);
    assert_eq!(report["changed"]["forms"]["plain"], 1);
    assert_eq!(report["left_over"], serde_json::json!([]));
}

#[test]
fn packed_dumps_come_out_packed_the_same_way_or_as_asked() {
    for packing in [Packing::Gzip, Packing::Zstd] {
        let mut packed = Packed::new(Vec::new(), packing).unwrap();
        packed.write_all(DUMP.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let same = rewrite(&PAIR, &packed).stdout;
        assert_eq!(Packing::of(&same), packing);
        let mut out = String::new();
        Unpacked::new(&same[..]).unwrap().read_to_string(&mut out).unwrap();
        assert_eq!(out, wanted());
        let plain = rewrite(&[PAIR[0], PAIR[1], "--pack", "plain"], &packed).stdout;
        assert_eq!(String::from_utf8(plain).unwrap(), wanted());
    }
    assert_eq!(
        Packing::of(&rewrite(&[PAIR[0], PAIR[1], "--pack", "zstd"], DUMP.as_bytes()).stdout),
        Packing::Zstd
    );
}

#[test]
fn a_dump_that_is_cut_off_passes_and_ends_with_one() {
    let cut = &DUMP[..DUMP.find("');").unwrap()];
    let output = rewrite(&PAIR, cut.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), cut, "a value without an end stays");
    assert!(String::from_utf8_lossy(&output.stderr).contains("error[rewrite.dump]"));
}

#[test]
fn one_value_goes_through_as_it_is() {
    let output = rewrite(&[PAIR[0], PAIR[1], "--value"], b"s:22:\"http://old.example.com\";");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"s:26:\"https://new-site.test:8443\";");
    let thing = b"C:5:\"Thing\":22:{http://old.example.com}";
    let output = rewrite(&[PAIR[0], PAIR[1], "--value"], thing);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, thing);
    assert!(String::from_utf8_lossy(&output.stderr).contains("Thing"));
}

#[test]
fn wrong_words_are_refused_with_a_sentence() {
    for words in [
        &["localhost", "new.test"][..],
        &["http://a.test", "http://a.test"],
        &["a.test", "b.test", "c.test"],
        &["", "b.test"],
        &["a.test"],
    ] {
        let output = rewrite(words, b"");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(!output.stderr.is_empty());
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_report_that_cannot_be_written_is_told_of_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("missing/report.json");
    let output = rewrite(&[PAIR[0], PAIR[1], "--report", report.to_str().unwrap()], DUMP.as_bytes());
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("error[rewrite.report]"));
}

#[test]
fn a_reader_that_has_gone_is_no_failure_however_the_dump_is_packed() {
    for pack in ["plain", "gzip", "zstd"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_clonedeck"))
            .args(["rewrite", PAIR[0], PAIR[1], "--quiet", "--pack", pack])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        // Only now is there something to write.
        child.stdin.take().expect("it is piped").write_all(DUMP.as_bytes()).expect("the dump is read");
        let output = child.wait_with_output().expect("the program ends");
        assert_eq!(output.status.code(), Some(0), "{pack}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{pack}");
    }
}

#[test]
fn a_packed_dump_that_is_cut_off_ends_with_one_and_what_was_read_has_passed() {
    let rows = "INSERT INTO `t` VALUES ('http://old.example.com');\n".repeat(20_000);
    let mut packed = Packed::new(Vec::new(), Packing::Gzip).unwrap();
    packed.write_all(rows.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let output = rewrite(&[PAIR[0], PAIR[1], "--pack", "plain"], &packed[..packed.len() / 2]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("error[rewrite.read]"), "{stderr}");
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(rows.replace(PAIR[0], PAIR[1]).starts_with(&out));
    assert!(out.len() > rows.len() / 3, "only {} bytes have passed", out.len());
}

#[test]
fn what_is_left_is_told_with_its_place_and_the_dump_is_good() {
    let dump = "INSERT INTO `t` VALUES (1);\nINSERT INTO `o` VALUES\n(1,'C:5:\"Thing\":22:{http://old.example.com}');\n";
    let output = rewrite(&PAIR, dump.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), dump);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("1 place was left as it is or needs a look:\n  o, statement on line 2: "),
        "{told}"
    );
    assert!(told.contains("1 old address is left:\n  o, statement on line 2: "), "{told}");
}
