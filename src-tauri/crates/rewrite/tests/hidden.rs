//! Addresses that hide: in Base64 of every kind, behind escaped letters, in formats inside formats. Each is followed there and back,
//! and each has neighbours that must not be touched.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use clonedeck_rewrite::{
    DumpOptions, Options, Outcome, Pair, Reason, Rewriter, is_json, is_serialized, rewrite_dump,
};

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

fn becomes(old: &str, new: &str, value: &[u8], wanted: &[u8], name: &str) {
    let rewriter = rewriter(old, new);
    let found = rewriter.rewrite(value);
    match &found.outcome {
        Outcome::Changed(found) => {
            assert_eq!(String::from_utf8_lossy(found), String::from_utf8_lossy(wanted), "{name}");
        }
        other => panic!("{name}: {other:?} {:?}: {}", found.notes, String::from_utf8_lossy(value)),
    }
    assert!(rewriter.may_hold(value), "{name}");
    assert!(!rewriter.scan(value).is_empty(), "a trace before: {name}: {}", String::from_utf8_lossy(value));
    assert_eq!(rewriter.scan(wanted), [], "no trace after: {name}");
    assert!(!is_serialized(value) || is_serialized(wanted), "{name}");
    assert!(!is_json(value) || is_json(wanted), "{name}");
}

/// What is made around the old address must become what is made around the new one, and back, as a value and as a cell of a dump.
fn follows(name: &str, make: impl Fn(&str) -> String) {
    for tail in ["", "/", "/a", "/ab", "/abc?x=1&y=ü#z"] {
        let (old, new) = (make(&format!("{OLD}{tail}")), make(&format!("{NEW}{tail}")));
        let name = format!("{name}, '{tail}'");
        becomes(OLD, NEW, old.as_bytes(), new.as_bytes(), &name);
        becomes(NEW, OLD, new.as_bytes(), old.as_bytes(), &format!("{name}, back"));
        let (old, new) = (dump(&old), dump(&new));
        let mut out = Vec::new();
        let options = DumpOptions { threads: 1, ..DumpOptions::default() };
        let report = rewrite_dump(&rewriter(OLD, NEW), old.as_bytes(), &mut out, options).unwrap();
        assert_eq!(String::from_utf8_lossy(&out), new, "in a dump: {name}");
        assert_eq!((report.left_over_count, report.unsafe_count), (0, 0), "{name}: {:?}", report.notes);
    }
}

fn dump(value: &str) -> String {
    let mut out = String::new();
    for ch in value.chars() {
        match ch {
            '\'' | '"' | '\\' => out.extend(['\\', ch]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            _ => out.push(ch),
        }
    }
    format!("INSERT INTO `wp_options` VALUES (1,'x','{out}','yes');\n")
}

fn untouched(text: &str) {
    let rewriter = rewriter(OLD, NEW);
    assert_eq!(rewriter.rewrite_value(text.as_bytes()), Outcome::Unchanged, "{text}");
    assert_eq!(rewriter.scan(text.as_bytes()), [], "{text}");
}

fn s(text: &str) -> String {
    format!("s:{}:\"{text}\";", text.len())
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('/', "\\/")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out + &char::from(byte).to_string()
        } else {
            format!("{out}%{byte:02X}")
        }
    })
}

fn wrapped(text: &str, width: usize, between: &str) -> String {
    let lines: Vec<&str> =
        text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join(between)
}

/// Spaces that leave neither the old nor the new address in whole groups of three, where nothing would tell about padding.
fn unaligned(text: &str, url: &str) -> String {
    let rest = text.len() - url.len() + url.trim_start_matches(OLD).trim_start_matches(NEW).len();
    let fill = (0..3).find(|fill| (rest + fill + OLD.len()) % 3 == 1).unwrap();
    format!("{text}{}", " ".repeat(fill))
}

/// `lead` bytes of markup, so that the address stands at every place of a group of three and of a line.
fn markup(lead: usize, url: &str) -> String {
    format!(
        "{}<a href=\"{url}\">a link?>></a> and some more text behind it",
        "~ ".repeat(lead / 2) + &"x"[..lead % 2]
    )
}

#[test]
fn base64_in_either_alphabet_with_and_without_padding() {
    assert_eq!((OLD.len() % 3, NEW.len() % 3), (1, 2), "see `unaligned`");
    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
        for lead in 0..7 {
            let island = |url: &str| engine.encode(unaligned(&markup(lead, url), url));
            follows("alone", island);
            follows("in text", |url| format!("[raw]{}[/raw] x", island(url)));
            follows("in serialized data", |url| s(&island(url)));
        }
    }
    for lead in 0..3 {
        follows("with padding", |url| STANDARD.encode(markup(lead, url)));
    }
}

#[test]
fn base64_inside_base64() {
    for lead in 0..4 {
        follows("twice", |url| STANDARD.encode(STANDARD.encode(markup(lead, url))));
        follows("twice, in JSON between", |url| {
            let json = format!("{{\"{}\":\"{}\"}}", "k".repeat(lead), quoted(&STANDARD.encode(url)));
            STANDARD.encode(json)
        });
        follows("twice, in serialized data", |url| {
            s(&STANDARD.encode(s(&STANDARD.encode(markup(lead, url)))))
        });
    }
}

#[test]
fn base64_that_is_broken_over_lines_stays_broken_in_the_same_way() {
    for (width, between) in [(76, "\r\n"), (76, "\n"), (64, "\n"), (72, "\n")] {
        // Each place of the address against the end of the line.
        for lead in 0..80 {
            let make = |url: &str| wrapped(&STANDARD.encode(markup(lead, url) + " & more"), width, between);
            let name = format!("{width} columns, {lead} before");
            becomes(OLD, NEW, make(OLD).as_bytes(), make(NEW).as_bytes(), &name);
            becomes(NEW, OLD, make(NEW).as_bytes(), make(OLD).as_bytes(), &name);
        }
        for lead in [40, 41, 42] {
            let make = |url: &str| wrapped(&STANDARD.encode(markup(lead, url) + url), width, between);
            follows("as chunk_split ends it", |url| make(url) + between);
            follows("in text", |url| format!("Content:{between}{between}{}{between}--next", make(url)));
            follows("in serialized data", |url| s(&make(url)));
            follows("in JSON", |url| format!("{{\"\\/\":\"\\/\",\"c\":\"{}\"}}", quoted(&make(url))));
        }
    }
    // Words below a line are not a part of it, however they look.
    let line = |url: &str| STANDARD_NO_PAD.encode(format!("{}{url}/!", "-".repeat(57 - 2 - url.len())));
    assert_eq!(line(OLD).len(), 76);
    for below in ["Regards", "abcd", "word\nand\nword"] {
        let old = format!("{}\n{below}", line(OLD));
        let Outcome::Changed(new) = rewriter(OLD, NEW).rewrite_value(old.as_bytes()) else {
            panic!("{below}")
        };
        assert!(String::from_utf8(new).unwrap().ends_with(&format!("\n{below}")), "{below}");
    }
}

#[test]
fn capitals_inside_base64() {
    for lead in 0..4 {
        for (old, new) in [
            ("Old.Example.com", "a-much-longer.example.org"),
            ("OLD.EXAMPLE.COM", "A-MUCH-LONGER.EXAMPLE.ORG"),
        ] {
            let make = |host: &str| STANDARD.encode(format!("{}//{host}/x", " ".repeat(lead)));
            becomes(OLD, NEW, make(old).as_bytes(), make(new).as_bytes(), old);
        }
    }
}

#[test]
fn base64_that_is_escaped_itself() {
    for lead in 0..6 {
        let island = |url: &str| STANDARD.encode(format!("{}???>>>{url}???>>>", "x".repeat(lead)));
        follows("in a query", |url| format!("https://x.test/?d={}&e=1", percent(&island(url))));
        follows("in a data URI that is encoded", |url| {
            percent(&format!("data:text/html;base64,{}", island(url)))
        });
        follows("in JSON in markup", |url| format!("<i data-x='{{\"d\":\"{}\"}}'>", quoted(&island(url))));
        follows("in a data URI", |url| format!("url(data:text/html;base64,{})", island(url)));
    }
}

#[test]
fn base64_has_neighbours_that_stay() {
    for lead in 0..3 {
        let island =
            |url: &str| URL_SAFE_NO_PAD.encode(unaligned(&format!("{}{url}/", " ".repeat(lead)), url));
        for (before, behind) in [("https://x.test/p/", "/thumb.png"), ("/a/", ""), ("", "/image/200")] {
            follows("in a path", |url| format!("{before}{}{behind}", island(url)));
        }
        follows("behind an escape", |url| {
            let text = unaligned(&format!("{}{url}/", " ".repeat(lead)), url);
            format!("a%20{} %C3%BC", percent(&STANDARD_NO_PAD.encode(text)))
        });
        follows("behind a word", |url| {
            format!("key={};", STANDARD_NO_PAD.encode(unaligned(&format!("{}{url}/", " ".repeat(lead)), url)))
        });
    }
    for text in [
        "http://old.example.com.au",
        "http://not-old.example.com",
        "me@old.example.com",
        "//old.example.com:81",
    ] {
        for lead in 0..3 {
            let text = format!("{}{text} ", " ".repeat(lead));
            untouched(&STANDARD.encode(&text));
            untouched(&STANDARD.encode(STANDARD.encode(&text)));
            untouched(&s(&STANDARD.encode(&text)));
        }
    }
}

#[test]
fn base64_that_cannot_be_written_back_is_left_and_reported() {
    let rewriter = rewriter(OLD, NEW);
    let good = STANDARD.encode(format!("{OLD}/index"));
    for odd in [format!("{}B=", &good[..good.len() - 2]), STANDARD.encode(format!("{OLD}\0\u{1}\u{2}"))] {
        let found = rewriter.rewrite(odd.as_bytes());
        assert!(
            matches!(found.outcome, Outcome::Unsafe(Reason::OddBase64 | Reason::Binary)),
            "{odd}: {found:?}"
        );
        assert_eq!(rewriter.scan(odd.as_bytes()).len(), 1, "{odd}");
    }
}

#[test]
fn binary_serialized_data_inside_base64_is_understood() {
    follows("an object", |url| {
        STANDARD.encode(format!("O:3:\"Foo\":2:{{s:6:\"\0Foo\0x\";{}s:4:\"\0*\0p\";i:1;}}", s(url)))
    });
}

fn unicode(text: &str, which: impl Fn(usize, char) -> bool) -> String {
    text.char_indices()
        .map(|(at, ch)| if which(at, ch) { format!("\\u{:04x}", u32::from(ch)) } else { ch.to_string() })
        .collect()
}

#[test]
fn hosts_with_escaped_letters_in_json() {
    let url = |host: &str| format!("http:\\/\\/{host}\\/x");
    let json = |host: &str| format!("{{\"a\":[1.0,{{}}],\"u\":\"{}\"}}", url(host));
    for which in 0..15 {
        let host = unicode("old.example.com", |at, _| at == which);
        becomes(OLD, NEW, json(&host).as_bytes(), json("a-much-longer.example.org").as_bytes(), &host);
        let text = format!("<!-- wp:x {{\"u\":\"{}\"}} -->", url(&host));
        let wanted = format!("<!-- wp:x {{\"u\":\"{}\"}} -->", url("a-much-longer.example.org"));
        becomes(OLD, NEW, text.as_bytes(), wanted.as_bytes(), &text);
        becomes(OLD, NEW, s(&text).as_bytes(), s(&wanted).as_bytes(), &text);
        let twice = |x: &str| format!("{{\"j\":\"{}\"}}", quoted(&json(x)).replace("\\\\/", "\\\\\\/"));
        becomes(OLD, NEW, twice(&host).as_bytes(), twice("a-much-longer.example.org").as_bytes(), &host);
    }
    let all = |host: &str| unicode(host, |_, _| true);
    let text = |host: &str| format!("x = \"http://{}/\";", all(host));
    becomes(
        OLD,
        NEW,
        text("old.example.com").as_bytes(),
        text("a-much-longer.example.org").as_bytes(),
        "all",
    );
    becomes(
        OLD,
        "https://new.test",
        format!("x = \"{}\";", all(OLD)).as_bytes(),
        format!("x = \"{}{}{}\";", "https", all("://"), all("new.test")).as_bytes(),
        "scheme and all",
    );
    for host in ["old.example.com.au", "not-old.example.com", "old.example.community", "old.example.com:81"] {
        for which in 0..host.len() {
            let host = unicode(host, |at, _| at == which);
            untouched(&json(&host));
            untouched(&format!("// {}", url(&host)));
        }
    }
}

/// A letter as `%6f` or `%6F`, once more encoded, as `&#111;`, as `&#x6f;` or as `&#x6F;`.
const ESCAPES: [fn(u32) -> String; 6] = [
    |code| format!("%{code:02x}"),
    |code| format!("%{code:02X}"),
    |code| format!("%25{code:02X}"),
    |code| format!("&#{code};"),
    |code| format!("&#x{code:x};"),
    |code| format!("&#x{code:X};"),
];

#[test]
fn hosts_with_escaped_letters_in_addresses_and_markup() {
    for escape in ESCAPES {
        let escaped = |text: &str, which: &dyn Fn(usize) -> bool| -> String {
            text.char_indices()
                .map(|(at, ch)| if which(at) { escape(u32::from(ch)) } else { ch.to_string() })
                .collect()
        };
        let around = |host: &str| {
            [
                format!("http://{host}/x"),
                format!("<a href=\"http://{host}\">"),
                format!("https://x.test/?u=http%3A%2F%2F{host}%2Fa&b=1"),
                s(&format!("//{host}/ü")),
                format!("{{\"u\":\"http:\\/\\/{host}\\/\"}}"),
            ]
        };
        let new = "a-much-longer.example.org";
        for which in 0..15 {
            let host = escaped("old.example.com", &|at| at == which);
            let (olds, news) = (around(&host), around(new));
            for (old, new) in olds.iter().zip(&news) {
                becomes(OLD, NEW, old.as_bytes(), new.as_bytes(), &host);
                let mut out = Vec::new();
                rewrite_dump(&rewriter(OLD, NEW), dump(old).as_bytes(), &mut out, DumpOptions::default())
                    .unwrap();
                assert_eq!(String::from_utf8(out).unwrap(), dump(new), "{host}");
            }
            for host in
                ["old.example.com.au", "not-old.example.com", "old.example.community", "old.example.com:81"]
            {
                for text in &around(&escaped(host, &|at| at == which)) {
                    untouched(text);
                }
            }
            untouched(&format!("me@{host}"));
        }
        // Where every letter is escaped, as against those who gather mail addresses, the new ones are too.
        let all = |host: &str| escaped(host, &|_| true);
        becomes(
            OLD,
            NEW,
            around(&all("old.example.com"))[0].as_bytes(),
            around(&all(new))[0].as_bytes(),
            "all",
        );
        let capitals = escaped("OLD.EXAMPLE.COM", &|at| at == 2);
        becomes(
            OLD,
            NEW,
            around(&capitals)[1].as_bytes(),
            around(&new.to_ascii_uppercase())[1].as_bytes(),
            "capitals",
        );
    }
}

#[test]
fn escapes_that_are_no_letters_of_the_host_are_passed_over() {
    for text in [
        "%6Fld.example.org",
        "100%6Fld.example.co",
        "&#111ld.example.com",
        "%6",
        "&#",
        "%6Fld%2Eexample%2Eco",
    ] {
        untouched(text);
    }
    untouched(&"%20%2F%6F&#32;&#111;\\u0020S:1:".repeat(1000));
}

#[test]
fn hosts_with_escaped_letters_in_strings_of_php() {
    let string = |host: &str, length: usize| format!("S:{length}:\"http://{host}/x\";");
    let hex = |text: &str, which: usize, upper: bool| -> String {
        text.char_indices()
            .map(|(at, ch)| match u32::from(ch) {
                code if at == which && upper => format!("\\{code:02X}"),
                code if at == which => format!("\\{code:02x}"),
                _ => ch.to_string(),
            })
            .collect()
    };
    for which in 0..15 {
        for upper in [false, true] {
            let host = hex("old.example.com", which, upper);
            let value = |host: &str, length| format!("a:1:{{i:0;{}}}", string(host, length));
            let (old, new) = (value(&host, 24), value("a-much-longer.example.org", 34));
            becomes(OLD, NEW, old.as_bytes(), new.as_bytes(), &host);
            let mut out = Vec::new();
            rewrite_dump(&rewriter(OLD, NEW), dump(&old).as_bytes(), &mut out, DumpOptions::default())
                .unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), dump(&new));
            untouched(&string(&hex("old.example.com.au", which, upper), 27));
            // Outside of a string of PHP's it is a folder of Windows or nothing at all.
            untouched(&format!("C:\\{host}"));
        }
    }
}

#[test]
fn formats_inside_formats_inside_formats() {
    let json = |text: &str| format!("{{\"\\/\":\"\\/\",\"v\":\"{}\"}}", quoted(text));
    follows("JSON in Base64 in serialized data in JSON", |url| json(&s(&STANDARD.encode(json(url)))));
    follows("serialized in Base64 in percent in serialized", |url| {
        s(&percent(&format!(" {}", STANDARD.encode(s(url)))))
    });
    follows("percent in Base64 in Base64 in JSON", |url| {
        json(&STANDARD.encode(STANDARD.encode(percent(url))))
    });
    follows("a session", |url| format!("a|{}b|i:1;c|{}", s(url), s(&json(url))));
    follows("JSON in JSON in JSON in JSON", |url| json(&json(&json(&json(url)))));
    follows("widgets", |url| {
        format!(
            "a:2:{{i:2;a:1:{{{}{}}}{}i:1;}}",
            s("content"),
            s(&format!("<a href=\"{url}\">")),
            s("_multiwidget")
        )
    });
    follows("JSON with everything that must stay", |url| {
        format!(
            "{{\"a\":1.0,\"b\":{{}},\"c\":[],\"d\":12345678901234567890,\"u\":\"{}\",\"e\":\"\\u20ac\\u0026\\ud83d\\ude00\"}}\n",
            url.replace('/', "\\/")
        )
    });
}
