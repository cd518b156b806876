//! Values in formats: serialized data, JSON, Base64, and each inside the other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clonedeck_rewrite::{Container, Form, Options, Outcome, Pair, Reason, Rewriter};

fn rewriter() -> Rewriter {
    let pairs = [
        Pair::parse("http://old.example.com", "http://a-much-longer.example.org").unwrap(),
        Pair::parse("/var/www/old", "/srv/copies/new").unwrap(),
    ];
    Rewriter::new(pairs, Options::default()).unwrap()
}

fn s(text: &str) -> String {
    format!("s:{}:\"{text}\";", text.len())
}

fn changes(old: &str, new: &str) {
    let rewriter = rewriter();
    match rewriter.rewrite_value(old.as_bytes()) {
        Outcome::Changed(found) => assert_eq!(String::from_utf8_lossy(&found), new, "{old}"),
        other => panic!("{old}: {other:?}"),
    }
    assert!(rewriter.scan(new.as_bytes()).is_empty(), "{new}");
}

const OLD: &str = "http://old.example.com/ä";
const NEW: &str = "http://a-much-longer.example.org/ä";

#[test]
fn strings_get_their_new_length_at_every_depth() {
    changes(&s(OLD), &s(NEW));
    let array = |x: &str| format!("a:2:{{i:0;{}s:1:\"k\";a:1:{{i:7;{}}}}}", s(x), s(x));
    changes(&array(OLD), &array(NEW));
    let mut old = s(OLD);
    let mut new = s(NEW);
    for _ in 0..10 {
        (old, new) = (s(&old), s(&new));
    }
    changes(&old, &new);
}

#[test]
fn objects_of_any_class_keep_their_names_and_numbers() {
    let object = |x: &str| {
        format!(
            "O:7:\"Unknown\":6:{{s:4:\"\0*\0p\";{}s:10:\"\0Unknown\0q\";d:0.10000000000000001;s:1:\"r\";R:2;s:1:\"t\";r:1;s:1:\"e\";E:11:\"Suit:Hearts\";s:1:\"n\";N;}}",
            s(x)
        )
    };
    changes(&object(OLD), &object(NEW));
}

#[test]
fn keys_that_hold_an_address_change_too() {
    let array = |x: &str| format!("a:2:{{{}b:1;i:0;i:5;}}", s(x));
    changes(&array(OLD), &array(NEW));
}

#[test]
fn keys_that_would_become_one_leave_the_value_as_it_is() {
    let array =
        format!("a:2:{{{}i:1;{}i:2;}}", s("http://old.example.com"), s("http://a-much-longer.example.org"));
    assert_eq!(rewriter().rewrite_value(array.as_bytes()), Outcome::Unsafe(Reason::KeysCollide));
    let json = r#"{"http://old.example.com":1,"http://a-much-longer.example.org":2}"#;
    assert_eq!(rewriter().rewrite_value(json.as_bytes()), Outcome::Unsafe(Reason::KeysCollide));
}

#[test]
fn escaped_strings_count_plain_bytes() {
    changes("S:25:\"\\61 http://old.example.com/\";", "S:35:\"\\61 http://a-much-longer.example.org/\";");
}

#[test]
fn bodies_of_the_standard_library_are_rewritten_and_counted() {
    let array_object = |x: &str| {
        let body = format!("x:i:0;a:1:{{i:0;{}}};m:a:0:{{}}", s(x));
        format!("a:2:{{i:0;C:11:\"ArrayObject\":{}:{{{body}}}i:1;{}}}", body.len(), s(x))
    };
    changes(&array_object(OLD), &array_object(NEW));
    let storage = |x: &str| {
        let body = format!("x:i:1;O:8:\"stdClass\":1:{{s:1:\"u\";{}}},{};m:a:0:{{}}", s(x), s(x));
        format!("C:16:\"SplObjectStorage\":{}:{{{body}}}", body.len())
    };
    changes(&storage(OLD), &storage(NEW));
}

#[test]
fn unknown_bodies_are_left_and_reported_and_the_rest_is_changed() {
    let value =
        |x: &str| format!("a:2:{{i:0;C:5:\"Thing\":30:{{u=http://old.example.com/thing}}i:1;{}}}", s(x));
    let done = rewriter().rewrite(value(OLD).as_bytes());
    let body = "u=http://old.example.com/thing";
    assert_eq!(body.len(), 30);
    assert_eq!(done.outcome, Outcome::Changed(value(NEW).into_bytes()));
    assert_eq!(done.notes.len(), 1);
    assert_eq!(done.notes[0].reason, Reason::UnknownClass { class: "Thing".into() });
    let alone = format!("C:5:\"Thing\":30:{{{body}}}");
    assert_eq!(
        rewriter().rewrite_value(alone.as_bytes()),
        Outcome::Unsafe(Reason::UnknownClass { class: "Thing".into() })
    );
    assert_eq!(rewriter().scan(alone.as_bytes()).len(), 1, "the check sees what was left");
}

#[test]
fn json_keeps_everything_but_the_address() {
    let json = |x: &str| {
        format!(
            "{{ \"a\" : [1.0, {{}}, [], 12345678901234567890],\n\t\"u\":\"{x}\", \"e\":\"\\u00e4\\u2028\" }}"
        )
    };
    changes(&json(r"http:\/\/old.example.com\/x"), &json(r"http:\/\/a-much-longer.example.org\/x"));
    changes(&json("http://old.example.com/x"), &json("http://a-much-longer.example.org/x"));
    changes(&json(r"http:\u002F\u002Fold.example.com"), &json(r"http:\u002F\u002Fa-much-longer.example.org"));
}

#[test]
fn json_with_slashes_of_several_kinds_keeps_each_as_it_is() {
    let rewriter = |old, new| Rewriter::new([Pair::parse(old, new).unwrap()], Options::default()).unwrap();
    for (old, new) in [
        ("http://old.example.com", "https://the-new-address.example.org"),
        ("http://old.example.com/a", "https://the-new-address.example.org/a/b"),
    ] {
        for other in ["[/raw]", "[\\/raw]"] {
            for slash in ["/", "\\/", "\\u002F", "\\u002f"] {
                // A document of its own, and a string that looks like one.
                for (open, close) in [("{\"k\":1.0,\"u\":", "}"), (" ", " ")] {
                    let json =
                        |url: &str| format!("{open}\"{other}\\n({}?p=1\"{close}", url.replace('/', slash));
                    let found = rewriter(old, new).apply(json(old).as_bytes()).into_owned();
                    let found = String::from_utf8(found).unwrap();
                    assert_eq!(found, json(new), "{other} and {slash}");
                }
            }
        }
    }
}

#[test]
fn formats_inside_formats_are_followed_both_ways() {
    let json = |x: &str| format!(r#"{{"u":"{}"}}"#, x.replace('/', "\\/"));
    changes(&s(&json("http://old.example.com")), &s(&json("http://a-much-longer.example.org")));
    let quoted = |x: &str| x.replace('\\', "\\\\").replace('"', "\\\"").replace('/', "\\/");
    let serialized_in_json = |x: &str| format!(r#"[{{"data":"{}"}}]"#, quoted(&s(x)));
    changes(
        &serialized_in_json("http://old.example.com/x"),
        &serialized_in_json("http://a-much-longer.example.org/x"),
    );
    let json_in_json = |x: &str| format!(r#"{{"a":"{}"}}"#, quoted(&json(x)));
    changes(&json_in_json("http://old.example.com"), &json_in_json("http://a-much-longer.example.org"));
    let three = |x: &str| s(&json_in_json(x));
    changes(&three("http://old.example.com"), &three("http://a-much-longer.example.org"));
    let mix =
        |x: &str| format!(r#"{{"a":"{}"}}"#, quoted(&format!("a:1:{{i:0;{}}}", s(&serialized_in_json(x)))));
    changes(&mix("http://old.example.com"), &mix("http://a-much-longer.example.org"));
}

#[test]
fn base64_islands_are_rewritten_as_values() {
    let island = |x: &str| STANDARD.encode(x);
    for text in [
        "<a href=\"http://old.example.com/\">x</a>",
        "%3Ca%20href%3D%22http%3A%2F%2Fold.example.com%2F%22%3E",
        "a:1:{i:0;s:22:\"http://old.example.com\";}",
        "x old.example.com",
    ] {
        let new = match rewriter().rewrite_value(text.as_bytes()) {
            Outcome::Changed(new) => String::from_utf8(new).unwrap(),
            other => panic!("{other:?}"),
        };
        let raw =
            |x: &str| format!("[vc_raw_html]{}[/vc_raw_html] and {}", island(x), island(&format!("-{x}")));
        changes(&raw(text), &raw(&new));
        changes(&s(&raw(text)), &s(&raw(&new)));
    }
    let json = |x: &str| format!(r#"{{"h":"{}"}}"#, island(x).replace('/', "\\/"));
    changes(&json("???http://old.example.com/???>>>"), &json("???http://a-much-longer.example.org/???>>>"));
}

#[test]
fn signed_tokens_stay_and_are_reported() {
    let url = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let token = format!(
        "{}.{}.c2lnbmF0dXJl",
        url.encode(r#"{"alg":"HS256"}"#),
        url.encode(r#"{"iss":"http://old.example.com"}"#)
    );
    assert_eq!(rewriter().rewrite_value(token.as_bytes()), Outcome::Unsafe(Reason::SignedToken));
    assert_eq!(rewriter().scan(token.as_bytes()).len(), 1);
}

#[test]
fn serialized_data_with_text_behind_keeps_its_text_and_its_length() {
    let value = |x: &str| format!("{}; more prose about {x}", s(x));
    let done = rewriter().rewrite(value(OLD).as_bytes());
    assert_eq!(done.outcome, Outcome::Changed(value(NEW).into_bytes()));
    assert_eq!(done.notes[0].reason, Reason::BrokenSerialized);
}

#[test]
fn serialized_data_in_the_midst_of_text_is_found_plain_and_escaped() {
    let session = |x: &str| format!("user|a:1:{{s:1:\"u\";{}}}back|{}x", s(x), s(x));
    changes(&session("http://old.example.com"), &session("http://a-much-longer.example.org"));
    let html = |x: &str| format!("<input value=\"{}\"> http", s(x).replace('"', "&quot;"));
    changes(
        &html("http://old.example.com/?a&b").replace("a&b", "a&amp;b"),
        &html("http://a-much-longer.example.org/?a&b").replace("a&b", "a&amp;b"),
    );
    let slashed = |x: &str| format!("x '{}' y {x}", s(x).replace('"', "\\\""));
    changes(&slashed("http://old.example.com"), &slashed("http://a-much-longer.example.org"));
    let json =
        |x: &str| format!("<div data-x='{{\"a\":\"{}\"}}'>", s(x).replace('"', "\\\"").replace('/', "\\/"));
    changes(&json("http://old.example.com/x"), &json("http://a-much-longer.example.org/x"));
    let twice = |x: &str| format!("x {} y", s(x).replace('"', "\\\\\\\"").replace('/', "\\\\\\/"));
    changes(&twice("http://old.example.com/x"), &twice("http://a-much-longer.example.org/x"));
    let cookie =
        |len: usize, x: &str| format!("c=a%3A1%3A%7Bi%3A0%3Bs%3A{len}%3A%22http%3A%2F%2F{x}%22%3B%7D; d");
    changes(&cookie(22, "old.example.com"), &cookie(32, "a-much-longer.example.org"));
}

#[test]
fn broken_serialized_data_is_never_given_a_guessed_length() {
    for (old, new) in [
        ("s:99:\"http://old.example.com\";", "s:99:\"http://a-much-longer.example.org\";"),
        ("a:1:{i:0;s:22:\"http://old.example.com\";", "a:1:{i:0;s:32:\"http://a-much-longer.example.org\";"),
        ("a:1:{i:0;s:22:\"http://old.example.com", "a:1:{i:0;s:22:\"http://a-much-longer.example.org"),
        (
            "a:2:{i:0;s:22:\"http://old.example.com\";}",
            "a:2:{i:0;s:32:\"http://a-much-longer.example.org\";}",
        ),
    ] {
        let done = rewriter().rewrite(old.as_bytes());
        assert_eq!(done.outcome, Outcome::Changed(new.as_bytes().to_vec()), "{old}");
        assert!(done.notes.iter().any(|note| note.reason == Reason::BrokenSerialized), "{old}");
    }
}

#[test]
fn binary_data_of_unknown_format_is_left_and_reported() {
    let value = b"\0\0\0\x02\x14\x01\x11\x01u\x11\x16http://old.example.com";
    assert_eq!(rewriter().rewrite_value(value), Outcome::Unsafe(Reason::Binary));
    assert_eq!(rewriter().scan(value).len(), 1);
}

#[test]
fn nesting_is_bounded_and_costs_no_stack() {
    let mut value = "http://old.example.com".to_owned();
    for _ in 0..60 {
        value = s(&value);
    }
    assert_eq!(rewriter().rewrite_value(value.as_bytes()), Outcome::Unsafe(Reason::TooDeep));
    let arrays = format!("{}{}{}", "a:1:{i:0;".repeat(3000), s(OLD), "}".repeat(3000));
    assert!(matches!(rewriter().rewrite_value(arrays.as_bytes()), Outcome::Changed(_)));
    let hostile = format!("{}http://old.example.com", "a:1:{i:0;".repeat(200_000));
    assert!(matches!(rewriter().rewrite_value(hostile.as_bytes()), Outcome::Changed(_)));
    let brackets = format!("{}\"http://old.example.com\"{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(rewriter().rewrite_value(brackets.as_bytes()), Outcome::Changed(_)));
}

#[test]
fn what_was_changed_is_counted_by_form_and_container() {
    let value =
        format!("a:2:{{i:0;{}i:1;{}}}", s("http://old.example.com"), s(r#"["http:\/\/old.example.com"]"#));
    let tally = rewriter().rewrite(value.as_bytes()).tally;
    assert_eq!(tally.total(), 2);
    assert_eq!(tally.containers[&Container::Serialized], 1);
    assert_eq!(tally.containers[&Container::Json], 1);
    assert_eq!(tally.forms[&Form::Plain], 2);
}

#[test]
fn a_value_without_an_old_address_is_unchanged() {
    for value in ["", "x", "a:0:{}", "s:3:\"abc\";", "{\"a\":1}", "http://other.example.com", "s:99:\"broken"]
    {
        assert_eq!(rewriter().rewrite_value(value.as_bytes()), Outcome::Unchanged);
        assert!(rewriter().rewrite(value.as_bytes()).notes.is_empty());
    }
}
