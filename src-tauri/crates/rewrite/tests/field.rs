//! The rows at which other programs break values (each is known from a run of theirs): what becomes of them here, both ways.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clonedeck_rewrite::{Options, Outcome, Pair, Reason, Rewriter, is_json, is_serialized};

const OLD: &str = "http://old.example.com";
const NEW: &str = "https://the-copy.example.org:8443";

fn rewriter(old: &str, new: &str) -> Rewriter {
    Rewriter::new([Pair::parse(old, new).unwrap()], Options::default()).unwrap()
}

fn s(text: &str) -> String {
    format!("s:{}:\"{text}\";", text.len())
}

/// A value around an address.
type Make = fn(&str) -> String;

const ROWS: &[(&str, Make)] = &[
    ("nested arrays", |url| format!("a:1:{{i:0;a:2:{{i:0;a:1:{{{}{}}}i:1;b:1;}}}}", s("u"), s(url))),
    ("multibyte text", |url| s(&format!("€ü漢字 {url}/ä 😀"))),
    ("serialized in serialized in serialized", |url| s(&s(&format!("a:1:{{i:0;{}}}", s(url))))),
    ("a reference to a value before", |url| {
        format!("a:2:{{i:0;O:8:\"stdClass\":1:{{{}{}}}i:1;r:2;}}", s("u"), s(url))
    }),
    ("a reference to a place", |url| format!("a:2:{{i:0;{}i:1;R:2;}}", s(url))),
    ("an object of an unknown class", |url| {
        format!("O:7:\"Foo\\Bar\":2:{{{}{}{}{}}}", s("\0*\0p"), s(url), s("\0Foo\\Bar\0q"), s("x"))
    }),
    ("custom serialization", |url| {
        let body = format!("x:i:0;a:1:{{i:0;{}}};m:a:0:{{}}", s(url));
        format!("C:11:\"ArrayObject\":{}:{{{body}}}", body.len())
    }),
    ("an enum", |url| format!("a:2:{{i:0;E:11:\"Suit:Hearts\";i:1;{}}}", s(url))),
    ("an escaped string", |url| format!("S:{}:\"\\41 {url}\";", url.len() + 2)),
    ("a float of many digits", |url| {
        format!("a:3:{{i:0;d:0.10000000000000001;i:1;d:1.0E+25;i:2;{}}}", s(url))
    }),
    ("text behind a serialized value", |url| format!("{}; more prose", s(&format!("{url}/1")))),
    ("serialized inside JSON", |url| {
        format!("{{\"a\":\"{}\"}}", s(url).replace('"', "\\\"").replace('/', "\\/"))
    }),
    ("JSON with escaped slashes", |url| format!("{{\"u\":\"{}\\/x\"}}", url.replace('/', "\\/"))),
    ("slashes escaped twice", |url| format!("[\"{{\\\"u\\\":\\\"{}\\\"}}\"]", url.replace('/', "\\\\\\/"))),
    ("JSON whose numbers and objects must stay", |url| {
        format!("{{\"a\":{{}},\"b\":1.0,\"c\":12345678901234567890, \"u\":\"{}\"}}", url.replace('/', "\\/"))
    }),
    ("an address in an array key", |url| format!("a:1:{{{}i:1;}}", s(url))),
    ("Base64", |url| {
        format!("[vc_raw_html]{}[/vc_raw_html]", STANDARD.encode(format!("<a href='{url}/'>go</a>")))
    }),
    ("entities", |url| format!("<a href='{}&#47;x'>", url.replace('/', "&#47;"))),
    ("Slider Revolution", |url| format!("{{\\\"u\\\":\\\"{}\\\"}}", url.replace('/', "\\\\/"))),
    ("an ampersand in a block comment", |url| format!("<!-- wp:x {{\"u\":\"{url}/?a\\u0026b\"}} -->")),
    ("a style sheet", |url| format!("a{{background:url({url}/a.png)}}")),
    ("srcset", |url| format!("<img srcset=\"{url}/a.png 1x, {url}/b.png 2x\">")),
    ("a shortcode", |url| format!("[et_pb_image src=\"{url}/a.png\" url=\"{url}\"][/et_pb_image]")),
];

#[test]
fn every_row_of_the_field_changes_as_it_must_and_comes_back() {
    for (name, make) in ROWS {
        for (from, to) in [(OLD, NEW), (NEW, OLD)] {
            let (old, new) = (make(from), make(to));
            let done = rewriter(from, to).rewrite(old.as_bytes());
            match done.outcome {
                Outcome::Changed(found) => assert_eq!(String::from_utf8_lossy(&found), new, "{name}"),
                other => panic!("{name}: {other:?}, {:?}", done.notes),
            }
            assert_eq!(rewriter(from, to).scan(new.as_bytes()), [], "{name}");
            assert_eq!(is_serialized(old.as_bytes()), is_serialized(new.as_bytes()), "{name}");
            assert_eq!(is_json(old.as_bytes()), is_json(new.as_bytes()), "{name}");
        }
    }
}

#[test]
fn forms_that_others_miss_are_found() {
    let rewriter = rewriter(OLD, NEW);
    for (old, new) in [
        ("http%3A%2F%2Fold.example.com%2F", "https%3A%2F%2Fthe-copy.example.org%3A8443%2F"),
        ("http%3a%2f%2fold.example.com%2f", "https%3a%2f%2fthe-copy.example.org%3a8443%2f"),
        ("//old.example.com/a.js", "//the-copy.example.org:8443/a.js"),
        ("HTTP://OLD.EXAMPLE.COM/", "HTTPS://THE-COPY.EXAMPLE.ORG:8443/"),
        ("http://Old.Example.com/", "https://the-copy.example.org:8443/"),
    ] {
        assert_eq!(String::from_utf8_lossy(&rewriter.apply(old.as_bytes())), new);
    }
}

#[test]
fn look_alikes_stay() {
    let rewriter = rewriter(OLD, NEW);
    for host in ["old.example.com.au", "old.example.community", "not-old.example.com", "old.example.com:8080"]
    {
        for (name, make) in ROWS {
            let value = make(&format!("http://{host}"));
            assert_eq!(rewriter.rewrite_value(value.as_bytes()), Outcome::Unchanged, "{name}: {host}");
            assert_eq!(rewriter.scan(value.as_bytes()), [], "{name}: {host}");
        }
    }
}

#[test]
fn a_form_of_its_own_is_left_and_said() {
    let value = format!("C:3:\"Foo\":{}:{{{OLD}}}", OLD.len());
    let done = rewriter(OLD, NEW).rewrite(value.as_bytes());
    assert!(matches!(done.outcome, Outcome::Unsafe(Reason::UnknownClass { .. })), "{done:?}");
    assert_eq!(rewriter(OLD, NEW).scan(value.as_bytes()).len(), 1);
}
