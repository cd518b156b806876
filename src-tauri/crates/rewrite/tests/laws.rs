//! What holds for every value and every dump.

use std::sync::LazyLock;

use clonedeck_rewrite::{
    DumpOptions, Options, Outcome, Pair, Rewriter, is_json, is_serialized, rewrite_dump,
};
use proptest::prelude::*;

const OLD: &str = "http://old.example.com";
const NEW: &str = "http://a-much-longer.example.org";

fn rewriter(old: &str, new: &str) -> Rewriter {
    static THERE: LazyLock<Rewriter> = LazyLock::new(|| build(OLD, NEW));
    static BACK: LazyLock<Rewriter> = LazyLock::new(|| build(NEW, OLD));
    match (old, new) {
        (OLD, NEW) => THERE.clone(),
        (NEW, OLD) => BACK.clone(),
        _ => build(old, new),
    }
}

fn build(old: &str, new: &str) -> Rewriter {
    Rewriter::new([Pair::parse(old, new).unwrap()], Options::default()).unwrap()
}

/// Pieces in which the old address can stand, and noise that looks like formats.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("http://old.example.com/x".to_owned()),
        Just("//old.example.com".to_owned()),
        Just(r"http:\/\/old.example.com\/".to_owned()),
        Just("http%3A%2F%2Fold.example.com".to_owned()),
        Just("HTTP://OLD.EXAMPLE.COM".to_owned()),
        Just("http:&#47;&#47;old.example.com".to_owned()),
        Just("old.example.com.au me@old.example.com".to_owned()),
        Just("PGEgaHJlZj0iaHR0cDovL29sZC5leGFtcGxlLmNvbS8iPj8=".to_owned()),
        Just("s:5:\"hello\";".to_owned()),
        Just("a:1:{".to_owned()),
        Just("{\"a\":1}".to_owned()),
        Just("'; \\' \\\\ \" \n".to_owned()),
        "[ -~äöü日]{0,12}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..6).prop_map(|pieces| pieces.join(" "))
}

/// Values of any nesting, as serialized data.
fn serialized() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        text().prop_map(|text| format!("s:{}:\"{text}\";", text.len())),
        any::<i32>().prop_map(|n| format!("i:{n};")),
        Just("N;".to_owned()),
        Just("b:1;".to_owned()),
        Just("d:0.10000000000000001;".to_owned()),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| {
                let entries: Vec<String> =
                    items.iter().enumerate().map(|(n, item)| format!("i:{n};{item}")).collect();
                let body = entries.concat();
                format!("a:{}:{{{body}}}", items.len())
            }),
            inner.clone().prop_map(|item| format!("s:{}:\"{item}\";", item.len())),
            inner.prop_map(|item| format!("O:3:\"Foo\":1:{{s:6:\"\0Foo\0x\";{item}}}")),
        ]
    })
}

fn dump() -> impl Strategy<Value = Vec<u8>> {
    let row = prop_oneof![
        text().prop_map(|text| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))),
        text().prop_map(|text| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))),
        text().prop_map(|text| text.bytes().fold("0x".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))),
        Just("NULL".to_owned()),
        Just("-1.5e3".to_owned()),
    ];
    let statement = prop_oneof![
        prop::collection::vec(row, 1..6).prop_map(|rows| format!("INSERT INTO `t` VALUES ({});\n", rows.join(","))),
        Just("-- it's a comment with \"quotes\n".to_owned()),
        Just("/*!40000 ALTER TABLE `t` DISABLE KEYS */;\n".to_owned()),
        Just("CREATE TABLE `t` (a text COMMENT 'it''s; old.example.com');\r\n".to_owned()),
        Just("DELIMITER ;;\nCREATE TRIGGER x BEGIN INSERT INTO t VALUES ('old.example.com'); END;;\nDELIMITER ;\n".to_owned()),
    ];
    prop::collection::vec(statement, 0..6).prop_map(|statements| statements.concat().into_bytes())
}

fn run(rewriter: &Rewriter, dump: &[u8], block: usize, threads: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let options = DumpOptions { block, threads, ..DumpOptions::default() };
    rewrite_dump(rewriter, dump, &mut out, options).unwrap();
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn there_and_back_is_where_it_began(value in prop_oneof![text(), serialized()]) {
        let there = rewriter(OLD, NEW).apply(value.as_bytes()).into_owned();
        let back = rewriter(NEW, OLD).apply(&there).into_owned();
        prop_assert_eq!(String::from_utf8_lossy(&back), value);
    }

    #[test]
    fn what_parsed_parses_and_no_trace_is_left(value in serialized()) {
        prop_assert!(is_serialized(value.as_bytes()));
        let rewriter = rewriter(OLD, NEW);
        let new = rewriter.apply(value.as_bytes()).into_owned();
        prop_assert!(is_serialized(&new));
        prop_assert!(rewriter.scan(&new).is_empty());
    }

    #[test]
    fn a_value_without_a_match_is_the_same(value in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(rewriter("http://elsewhere.example.net", NEW).rewrite_value(&value), Outcome::Unchanged);
    }

    #[test]
    fn any_bytes_around_an_address_cost_neither_the_program_nor_the_format(
        mut value in prop::collection::vec(any::<u8>(), 0..60),
        tail in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        value.extend_from_slice(OLD.as_bytes());
        value.extend_from_slice(&tail);
        let new = rewriter(OLD, NEW).apply(&value).into_owned();
        prop_assert!(!is_serialized(&value) || is_serialized(&new));
        prop_assert!(!is_json(&value) || is_json(&new));
    }

    #[test]
    fn borders_of_blocks_and_threads_change_nothing(dump in dump(), block in 1_usize..80) {
        let rewriter = rewriter(OLD, NEW);
        let whole = run(&rewriter, &dump, 1 << 20, 1);
        prop_assert_eq!(&run(&rewriter, &dump, block, 1), &whole);
        prop_assert_eq!(&run(&rewriter, &dump, block, 3), &whole);
    }

    #[test]
    fn a_dump_goes_there_and_back(dump in dump()) {
        let there = run(&rewriter(OLD, NEW), &dump, 1 << 20, 1);
        prop_assert_eq!(run(&rewriter(NEW, OLD), &there, 1 << 20, 1), dump);
    }
}
