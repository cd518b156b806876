//! Dumps of every kind, whole and in pieces.

use std::io::Read;

use clonedeck_rewrite::{
    DumpError, DumpOptions, DumpReport, Options, Pair, Problem, Reason, Rewriter, rewrite_dump,
};

fn rewriter() -> Rewriter {
    let pairs = [Pair::parse("http://old.example.com", "http://a-much-longer.example.org").unwrap()];
    Rewriter::new(pairs, Options::default()).unwrap()
}

/// Hands out at most `step` bytes at a time.
struct Dripping<'a> {
    rest: &'a [u8],
    step: usize,
}

impl Read for Dripping<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.rest.len().min(self.step).min(buf.len());
        buf[..n].copy_from_slice(&self.rest[..n]);
        self.rest = &self.rest[n..];
        Ok(n)
    }
}

fn with(dump: &[u8], options: DumpOptions) -> (Vec<u8>, DumpReport) {
    let mut out = Vec::new();
    let report = rewrite_dump(&rewriter(), Dripping { rest: dump, step: 7 }, &mut out, options).unwrap();
    assert_eq!(report.bytes_in, dump.len() as u64);
    assert_eq!(report.bytes_out, out.len() as u64);
    (out, report)
}

/// The same in one block and in blocks of every small size, with one thread and with more.
fn run(dump: &[u8]) -> (String, DumpReport) {
    let whole = DumpOptions { threads: 1, ..DumpOptions::default() };
    let (out, report) = with(dump, whole);
    for block in 1..40 {
        let (pieces, in_pieces) = with(dump, DumpOptions { block, ..whole });
        assert_eq!(String::from_utf8_lossy(&pieces), String::from_utf8_lossy(&out), "block of {block}");
        assert_eq!(in_pieces.values_scanned, report.values_scanned, "block of {block}");
        assert_eq!(in_pieces.values_changed, report.values_changed, "block of {block}");
        assert_eq!(in_pieces.problems, report.problems, "block of {block}");
        assert_eq!(lines(&in_pieces), lines(&report), "block of {block}");
    }
    for threads in [2, 4] {
        let (side_by_side, _) = with(dump, DumpOptions { block: 16, threads, ..whole });
        assert_eq!(side_by_side, out, "{threads} threads");
    }
    (String::from_utf8_lossy(&out).into_owned(), report)
}

fn lines(report: &DumpReport) -> Vec<(Option<String>, u64)> {
    let notes = report.notes.iter().map(|place| (place.table.clone(), place.line));
    notes.chain(report.left_over.iter().map(|place| (place.table.clone(), place.line))).collect()
}

fn becomes(dump: &str, wanted: &str) -> DumpReport {
    let (out, report) = run(dump.as_bytes());
    assert_eq!(out, wanted);
    report
}

#[test]
fn values_in_rows_change_and_structure_does_not() {
    let dump = r#"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
-- Host: old.example.com    Database: wp
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
DROP TABLE IF EXISTS `wp_options`;
CREATE TABLE `wp_options` (
  `v` longtext NOT NULL COMMENT 'it''s; a "comment"',
  KEY `old.example.com` (`v`)
) ENGINE=InnoDB; # http://old.example.com
LOCK TABLES `wp_options` WRITE;
/*!40000 ALTER TABLE `wp_options` DISABLE KEYS */;
INSERT INTO `wp_options` VALUES (1,'siteurl','http://old.example.com','yes'),(2,'x',NULL,'null'),(-3,'it\'s','a:1:{i:0;s:22:\"http://old.example.com\";}',_binary 'http://old.example.com\0\Z'),(4,'unescaped "','a:1:{i:0;s:22:"http://old.example.com";}','');
INSERT INTO `wp_options` (`a`, `b`) VALUES
(5,'{\"u\":\"http:\\/\\/old.example.com\\/\",\"p\":\"C:\\\\x\"}','\r\n'), -- 'old.example.com
(6,'http://old.example.com.au/','old.example.com');
/*!40000 ALTER TABLE `wp_options` ENABLE KEYS */;
UNLOCK TABLES;
-- Dump completed on 2026-01-01  1:02:03
"#;
    let wanted = dump
        .replace("'http://old.example.com'", "'http://a-much-longer.example.org'")
        .replace("s:22:\\\"http://old.example.com\\\"", "s:32:\\\"http://a-much-longer.example.org\\\"")
        .replace("s:22:\"http://old.example.com\"", "s:32:\"http://a-much-longer.example.org\"")
        .replace("\\\\/old.example.com\\\\/", "\\\\/a-much-longer.example.org\\\\/")
        .replace("/','old.example.com'", "/','a-much-longer.example.org'");
    let report = becomes(dump, &wanted);
    assert_eq!(report.values_changed, 5);
    assert_eq!(report.values_scanned, 15);
    assert_eq!(report.problems, []);
    assert_eq!(report.unsafe_count, 1, "the binary value: {:?}", report.notes);
    assert_eq!(report.notes[0].table.as_deref(), Some("wp_options"));
    assert_eq!(report.notes[0].line, 11);
    assert_eq!(report.notes[0].what.reason, Reason::Binary);
    assert_eq!(report.left_over_count, 2, "the name of the key and the binary value: {:?}", report.left_over);
}

#[test]
fn every_kind_of_insert_is_read() {
    for (dump, wanted) in [
        ("INSERT INTO t VALUES ('old.example.com');", "INSERT INTO t VALUES ('a-much-longer.example.org');"),
        (
            "insert ignore into `db`.`t` values('old.example.com');",
            "insert ignore into `db`.`t` values('a-much-longer.example.org');",
        ),
        (
            "REPLACE INTO t SET a='old.example.com', b=1;",
            "REPLACE INTO t SET a='a-much-longer.example.org', b=1;",
        ),
        (
            "INSERT INTO t VALUES (\"it's old.example.com\",'\"');",
            "INSERT INTO t VALUES (\"it's a-much-longer.example.org\",'\"');",
        ),
        (
            "INSERT INTO t VALUES ('a''old.example.com''b');",
            "INSERT INTO t VALUES ('a''old.example.com''b');"
                .replace("old.example.com", "a-much-longer.example.org")
                .as_str(),
        ),
        (
            "INSERT INTO t VALUES ('line\none old.example.com');\r\n",
            "INSERT INTO t VALUES ('line\none a-much-longer.example.org');\r\n",
        ),
        (
            "INSERT /*!50000 IGNORE */ INTO t VALUES ('old.example.com')\n;",
            "INSERT /*!50000 IGNORE */ INTO t VALUES ('a-much-longer.example.org')\n;",
        ),
        (
            "/*!999999\\- enable the sandbox mode */ \nINSERT INTO t VALUES ('old.example.com');",
            "/*!999999\\- enable the sandbox mode */ \nINSERT INTO t VALUES ('a-much-longer.example.org');",
        ),
        (
            "/*M!999999\\- enable the sandbox mode */ \nINSERT INTO t VALUES ('old.example.com');",
            "/*M!999999\\- enable the sandbox mode */ \nINSERT INTO t VALUES ('a-much-longer.example.org');",
        ),
        (
            "INSERT INTO `t` (`a`,`va''l`) VALUES (/* 'x */ 'old.example.com', 1 -- it's\n, 2);",
            "INSERT INTO `t` (`a`,`va''l`) VALUES (/* 'x */ 'a-much-longer.example.org', 1 -- it's\n, 2);",
        ),
        (
            "INSERT INTO t VALUES (5--3,'old.example.com');",
            "INSERT INTO t VALUES (5--3,'a-much-longer.example.org');",
        ),
        (
            "INSERT INTO t VALUES (N'old.example.com',_utf8mb4'old.example.com',b'01');",
            "INSERT INTO t VALUES (N'a-much-longer.example.org',_utf8mb4'a-much-longer.example.org',b'01');",
        ),
        (
            "INSERT INTO t VALUES ('a') ON DUPLICATE KEY UPDATE a='old.example.com';",
            "INSERT INTO t VALUES ('a') ON DUPLICATE KEY UPDATE a='a-much-longer.example.org';",
        ),
    ] {
        let report = becomes(dump, wanted);
        assert_eq!(report.problems, [], "{dump}");
        assert_eq!(report.left_over_count, 0, "{dump}");
    }
}

#[test]
fn hex_values_are_read_and_written_as_hex() {
    let hex = |text: &str| text.bytes().fold(String::new(), |hex, b| format!("{hex}{b:02X}"));
    let value = |x: &str| format!("a:1:{{i:0;s:{}:\"{x}\";}}\0", x.len());
    for (text, new) in [
        ("http://old.example.com".to_owned(), "http://a-much-longer.example.org".to_owned()),
        (
            value("http://old.example.com").replace('\0', ""),
            value("http://a-much-longer.example.org").replace('\0', ""),
        ),
    ] {
        let (old, new) = (hex(&text), hex(&new));
        becomes(
            &format!("INSERT INTO t VALUES (0x{old},x'{old}',X'{}',10x,'0x{old}');", old.to_lowercase()),
            &format!("INSERT INTO t VALUES (0x{new},x'{new}',X'{}',10x,'0x{old}');", new.to_lowercase()),
        );
    }
}

#[test]
fn bodies_of_triggers_and_views_are_code_and_only_reported() {
    let dump = "DELIMITER ;;\n/*!50003 CREATE*/ /*!50003 TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN\nINSERT INTO log VALUES ('http://old.example.com');\nEND */;;\nDELIMITER ;\nINSERT INTO t VALUES ('old.example.com');\n/*!50001 CREATE VIEW `v` AS SELECT 'http://old.example.com' */;\n";
    let report = becomes(dump, &dump.replace("('old.example.com')", "('a-much-longer.example.org')"));
    assert_eq!(lines(&report), [(None, 2), (None, 7)]);
    assert_eq!(report.problems, []);
}

#[test]
fn a_mode_without_backslash_escapes_is_followed() {
    let dump = "SET sql_mode='NO_BACKSLASH_ESCAPES';\nINSERT INTO t VALUES ('C:\\','old.example.com');\nSET sql_mode='';\nINSERT INTO t VALUES ('\\'old.example.com');\n";
    becomes(dump, &dump.replace("old.example.com", "a-much-longer.example.org"));
    let sqlite = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nINSERT INTO \"wp_options\" VALUES(1,'C:\\','it''s old.example.com');\nCOMMIT;\n";
    becomes(sqlite, &sqlite.replace("old.example.com", "a-much-longer.example.org"));
}

#[test]
fn a_dump_that_is_cut_off_is_reported_and_passed_on() {
    let whole =
        "-- MariaDB dump 10.19\nINSERT INTO t VALUES ('old.example.com'),\n('b');\n-- Dump completed on now";
    assert_eq!(becomes(whole, &whole.replace("old.example.com", "a-much-longer.example.org")).problems, []);
    let unmarked = &whole[..whole.find("-- Dump").unwrap()];
    let (_, report) = run(unmarked.as_bytes());
    assert_eq!(report.problems, [Problem::NoCompletionMark]);
    for cut in [24, 40, 50, 62, 66] {
        let (out, report) = run(&whole.as_bytes()[..cut]);
        assert!(
            report.problems.contains(&Problem::EndsInStatement { line: 2 }),
            "{:?} {out}",
            report.problems
        );
    }
    let (out, _) = run(&whole.as_bytes()[..55]);
    assert_eq!(out, &whole[..55], "a value without an end stays");
}

#[test]
fn bytes_that_are_not_utf8_pass() {
    let mut dump = b"INSERT INTO t VALUES ('\xff\xfe\\\\ caf\xe9 old.example.com \xe4','\xc3');".to_vec();
    let mut out = Vec::new();
    rewrite_dump(&rewriter(), &dump[..], &mut out, DumpOptions::default()).unwrap();
    let at = dump.windows(15).position(|w| w == b"old.example.com").unwrap();
    dump.splice(at..at + 15, *b"a-much-longer.example.org");
    assert_eq!(out, dump);
    for threads in [1, 3] {
        let noise: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let (out, _) = with(&noise, DumpOptions { block: 1000, threads, ..DumpOptions::default() });
        assert!(out == noise, "noise passes as it is");
    }
}

#[test]
fn a_value_beyond_the_limit_is_passed_on_and_reported() {
    let long = "x".repeat(5000);
    let dump = format!(
        "INSERT INTO t VALUES ('old.example.com {long}\\'{long} old.example.com'),('old.example.com');"
    );
    let options = DumpOptions { block: 64, longest_value: 4096, threads: 1 };
    let (out, report) = with(dump.as_bytes(), options);
    let wanted = dump.replace("('old.example.com')", "('a-much-longer.example.org')");
    assert_eq!(String::from_utf8(out).unwrap(), wanted);
    assert_eq!(report.unsafe_count, 1);
    assert_eq!(report.notes[0].what.reason, Reason::TooLarge);
}

#[test]
fn a_write_that_fails_ends_the_run_with_an_error() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let dump = "INSERT INTO t VALUES ('x');\n".repeat(1000);
    for threads in [1, 2, 4] {
        let options = DumpOptions { block: 64, threads, ..DumpOptions::default() };
        assert!(rewrite_dump(&rewriter(), dump.as_bytes(), Full, options).is_err(), "{threads} threads");
    }
}

/// Ends with an error where there is no more.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
        }
        self.0.read(buf)
    }
}

#[test]
fn input_that_fails_half_way_is_passed_on_up_to_there() {
    let dump = b"INSERT INTO t VALUES ('http://old.example.com');\nINSERT INTO t VALUES ('http://old.exam";
    let wanted =
        "INSERT INTO t VALUES ('http://a-much-longer.example.org');\nINSERT INTO t VALUES ('http://old.exam";
    for threads in [1, 2, 4] {
        for block in [1, 16, 512 * 1024] {
            let options = DumpOptions { block, threads, ..DumpOptions::default() };
            let mut out = Vec::new();
            let failed = rewrite_dump(&rewriter(), Failing(dump), &mut out, options);
            assert!(matches!(failed, Err(DumpError::Read(_))), "{failed:?}");
            assert_eq!(String::from_utf8(out).unwrap(), wanted, "{threads} threads, block of {block}");
        }
    }
}
