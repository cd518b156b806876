//! Every form of an address in text, and what must stay.

use clonedeck_rewrite::{Options, Outcome, Pair, Rewriter};

fn rewriter(pairs: &[(&str, &str)]) -> Rewriter {
    let pairs = pairs.iter().map(|(old, new)| Pair::parse(old, new).expect("a good pair"));
    Rewriter::new(pairs, Options::default()).expect("good pairs")
}

fn apply(rewriter: &Rewriter, text: &str) -> String {
    String::from_utf8(rewriter.apply(text.as_bytes()).into_owned()).expect("text stays text")
}

/// Old to new and, with the pair turned round, back again; traces before, none after.
fn both_ways(old: &str, new: &str, cases: &[(&str, &str)]) {
    let (there, back) = (rewriter(&[(old, new)]), rewriter(&[(new, old)]));
    for (text, wanted) in cases {
        assert_eq!(apply(&there, text), *wanted, "there: {text}");
        assert_eq!(apply(&back, wanted), *text, "back: {wanted}");
        assert!(!there.scan(text.as_bytes()).is_empty(), "a trace in {text}");
        assert!(there.scan(wanted.as_bytes()).is_empty(), "no trace in {wanted}");
        assert!(there.may_hold(text.as_bytes()), "{text}");
    }
}

fn one_way(old: &str, new: &str, cases: &[(&str, &str)]) {
    let there = rewriter(&[(old, new)]);
    for (text, wanted) in cases {
        assert_eq!(apply(&there, text), *wanted, "{text}");
        assert!(there.scan(wanted.as_bytes()).is_empty(), "no trace in {wanted}");
        assert!(there.may_hold(text.as_bytes()), "{text}");
    }
}

fn untouched(old: &str, new: &str, cases: &[&str]) {
    let there = rewriter(&[(old, new)]);
    for text in cases {
        assert_eq!(there.rewrite_value(text.as_bytes()), Outcome::Unchanged, "{text}");
        assert!(there.scan(text.as_bytes()).is_empty(), "no trace in {text}");
    }
}

const OLD: &str = "http://old.example.com";
const NEW: &str = "http://new-site.test";

#[test]
fn an_address_is_rewritten_in_the_form_in_which_it_is_found() {
    both_ways(
        OLD,
        NEW,
        &[
            ("http://old.example.com", "http://new-site.test"),
            ("see http://old.example.com/a?b=1#c.", "see http://new-site.test/a?b=1#c."),
            ("https://old.example.com/".replace("https", "http").as_str(), "http://new-site.test/"),
            ("<a href=\"//old.example.com/x\">", "<a href=\"//new-site.test/x\">"),
            ("old.example.com", "new-site.test"),
            ("Welcome to old.example.com. Enjoy!", "Welcome to new-site.test. Enjoy!"),
            ("wait...old.example.com", "wait...new-site.test"),
            (r"http:\/\/old.example.com\/x", r"http:\/\/new-site.test\/x"),
            (r"http:\\/\\/old.example.com\\/x", r"http:\\/\\/new-site.test\\/x"),
            (r"http:\\\/\\\/old.example.com\\\/x", r"http:\\\/\\\/new-site.test\\\/x"),
            (r"http:\\\\\\\/\\\\\\\/old.example.com", r"http:\\\\\\\/\\\\\\\/new-site.test"),
            ("u=http%3A%2F%2Fold.example.com%2Fx", "u=http%3A%2F%2Fnew-site.test%2Fx"),
            ("u=http%3a%2f%2fold.example.com%2fx", "u=http%3a%2f%2fnew-site.test%2fx"),
            ("u=http%253A%252F%252Fold.example.com", "u=http%253A%252F%252Fnew-site.test"),
            ("http:&#47;&#47;old.example.com&#47;x", "http:&#47;&#47;new-site.test&#47;x"),
            ("http&#58;&#x2F;&#x2f;old.example.com", "http&#58;&#x2F;&#x2f;new-site.test"),
            ("http://old.example.com/?a=1&amp;b=2", "http://new-site.test/?a=1&amp;b=2"),
            (r"http:\u002F\u002Fold.example.com\u002Fx", r"http:\u002F\u002Fnew-site.test\u002Fx"),
            (r"\u003ehttp:\/\/old.example.com\u003c", r"\u003ehttp:\/\/new-site.test\u003c"),
            ("HTTP://OLD.EXAMPLE.COM/X", "HTTP://NEW-SITE.TEST/X"),
            ("a{background:url(//old.example.com/b.png)}", "a{background:url(//new-site.test/b.png)}"),
            ("url('http://old.example.com/b.png')", "url('http://new-site.test/b.png')"),
            (
                "srcset=\"http://old.example.com/1.png 1x,http://old.example.com/2.png 2x\"",
                "srcset=\"http://new-site.test/1.png 1x,http://new-site.test/2.png 2x\"",
            ),
            ("[button url=http://old.example.com]", "[button url=http://new-site.test]"),
            (
                r#"<!-- wp:image {"url":"http://old.example.com/a.png?x=1\u0026y=2"} -->"#,
                r#"<!-- wp:image {"url":"http://new-site.test/a.png?x=1\u0026y=2"} -->"#,
            ),
            (
                r"line\nold.example.com\r\nhttp://old.example.com",
                r"line\nnew-site.test\r\nhttp://new-site.test",
            ),
            ("a%20old.example.com%0Ahttp", "a%20new-site.test%0Ahttp"),
            ("http://user:pa@old.example.com/", "http://user:pa@new-site.test/"),
            (r"http:\/\/user:pa@old.example.com", r"http:\/\/user:pa@new-site.test"),
            ("http%3A%2F%2Fuser%3Apa@old.example.com", "http%3A%2F%2Fuser%3Apa@new-site.test"),
            ("http:%5C%2F%5C%2Fold.example.com%5C%2Fx", "http:%5C%2F%5C%2Fnew-site.test%5C%2Fx"),
            ("ftp://old.example.com/file", "ftp://new-site.test/file"),
            ("ws://old.example.com/socket", "ws://new-site.test/socket"),
            (
                "\u{201C}old.example.com\u{201D} 请访问old.example.com查看",
                "\u{201C}new-site.test\u{201D} 请访问new-site.test查看",
            ),
            ("//i0.wp.com/old.example.com/a.png", "//i0.wp.com/new-site.test/a.png"),
        ],
    );
}

#[test]
fn the_scheme_follows_the_pair_and_its_capitals_follow_the_text() {
    one_way(
        "http://old.example.com",
        "https://new-site.test",
        &[
            ("http://old.example.com https://old.example.com", "https://new-site.test https://new-site.test"),
            ("HTTP://OLD.EXAMPLE.COM", "HTTPS://NEW-SITE.TEST"),
            ("Http://Old.Example.com", "https://new-site.test"),
            ("ws://old.example.com wss://old.example.com", "wss://new-site.test wss://new-site.test"),
            ("//old.example.com", "//new-site.test"),
            (r"\nhttp://old.example.com", r"\nhttps://new-site.test"),
            ("news://old.example.com", "news://new-site.test"),
        ],
    );
    one_way("old.example.com", "new-site.test", &[("https://old.example.com", "https://new-site.test")]);
    one_way(
        "http://old.example.com/shop",
        "https://new-site.test/sub",
        &[
            ("HTTP://OLD.EXAMPLE.COM/shop/X", "HTTPS://NEW-SITE.TEST/sub/X"),
            ("HTTP://OLD.EXAMPLE.COM/SHOP/X", "HTTP://OLD.EXAMPLE.COM/SHOP/X"),
        ],
    );
    one_way(
        "http://shop.example",
        "https://shop.example",
        &[(
            "http://shop.example/ https://shop.example/ shop.example",
            "https://shop.example/ https://shop.example/ shop.example",
        )],
    );
}

#[test]
fn look_alikes_are_not_the_old_address() {
    untouched(
        OLD,
        NEW,
        &[
            "http://old.example.com.au/",
            "http://old.example.community",
            "http://not-old.example.com",
            "http://notold.example.com",
            "http://www.old.example.com",
            "http://old.example.com:8080/",
            "//old.example.com:8080",
            "u=http%3A%2F%2Fold.example.com%3A8080",
            "me@old.example.com",
            "http://other.example.org|me@old.example.com",
            "http://other.example.org/me@old.example.com",
            "mailto:me%40old.example.com",
            "m&#64;old.example.com",
            r"me\u0040old.example.com",
            "old.example.com-backup.zip",
            "old.example.com_x",
            "old.example.com%2Dx",
            "xold.example.com",
            "_old.example.com",
            "%C3%BCold.example.com",
            "öold.example.com",
            "old.example.comö",
            "old.example,com",
            "old-example.com",
            "",
            "nothing at all",
        ],
    );
}

#[test]
fn mail_addresses_and_www_twins_change_when_asked() {
    let pair = || Pair::parse(OLD, "http://new-site.test:8080").unwrap();
    let mail = Rewriter::new([pair()], Options { mail: true, ..Options::default() }).unwrap();
    assert_eq!(apply(&mail, "write to me@old.example.com."), "write to me@new-site.test.");
    let www = Rewriter::new([pair()], Options { www: true, ..Options::default() }).unwrap();
    assert_eq!(apply(&www, "http://www.old.example.com/x"), "http://new-site.test:8080/x");
    assert_eq!(apply(&www, "http://old.example.com/x"), "http://new-site.test:8080/x");
}

#[test]
fn ports_belong_to_an_address() {
    both_ways(
        "http://old.example.com:8080",
        "http://127.0.0.1:9000",
        &[
            ("http://old.example.com:8080/x", "http://127.0.0.1:9000/x"),
            ("old.example.com:8080", "127.0.0.1:9000"),
            ("http%3A%2F%2Fold.example.com%3A8080%2F", "http%3A%2F%2F127.0.0.1%3A9000%2F"),
            (r"http:\/\/old.example.com:8080\/", r"http:\/\/127.0.0.1:9000\/"),
        ],
    );
    untouched(
        "http://old.example.com:8080",
        NEW,
        &["http://old.example.com/", "http://old.example.com:80801/"],
    );
    one_way(
        OLD,
        "http://127.0.0.1:9000",
        &[
            (
                "http://old.example.com:80/x https://old.example.com:443/",
                "http://127.0.0.1:9000/x http://127.0.0.1:9000/",
            ),
            ("http%3A%2F%2Fold.example.com%2F", "http%3A%2F%2F127.0.0.1%3A9000%2F"),
            ("old.example.com: a site", "127.0.0.1:9000: a site"),
        ],
    );
    both_ways(
        "http://localhost:8080",
        "http://new-site.test",
        &[
            ("http://localhost:8080/", "http://new-site.test/"),
            ("at localhost:8080", "at localhost:8080".replace("localhost:8080", "new-site.test").as_str()),
        ],
    );
    untouched("http://localhost", NEW, &["mysql on localhost", "http://localhost:8080/", "localhost/x"]);
    both_ways(
        "http://localhost",
        NEW,
        &[("http://localhost/x //localhost", "http://new-site.test/x //new-site.test")],
    );
    both_ways("http://[::1]:8080", NEW, &[("http://[::1]:8080/x", "http://new-site.test/x")]);
}

#[test]
fn paths_belong_to_an_address() {
    both_ways(
        "http://old.example.com/blog",
        "http://new-site.test/a/b",
        &[
            ("http://old.example.com/blog", "http://new-site.test/a/b"),
            ("http://old.example.com/blog/x", "http://new-site.test/a/b/x"),
            ("old.example.com/blog.", "new-site.test/a/b."),
            (r"http:\/\/old.example.com\/blog\/x", r"http:\/\/new-site.test\/a\/b\/x"),
            ("http%3A%2F%2Fold.example.com%2Fblog", "http%3A%2F%2Fnew-site.test%2Fa%2Fb"),
            ("http:&#47;&#47;old.example.com&#47;blog", "http:&#47;&#47;new-site.test&#47;a&#47;b"),
        ],
    );
    untouched(
        "http://old.example.com/blog",
        NEW,
        &[
            "http://old.example.com/",
            "http://old.example.com/blogger",
            "http://old.example.com/blog-2",
            "//old.example.com/Blog",
        ],
    );
    one_way(
        OLD,
        "http://new-site.test/copy",
        &[
            (
                "http://old.example.com/x old.example.com/x",
                "http://new-site.test/copy/x new-site.test/copy/x",
            ),
            ("http://old.example.com", "http://new-site.test/copy"),
            ("a name: old.example.com", "a name: new-site.test"),
            (r"http:\/\/old.example.com", r"http:\/\/new-site.test\/copy"),
        ],
    );
}

#[test]
fn all_pairs_go_in_one_pass_and_the_longest_wins() {
    let there = rewriter(&[
        ("http://old.example.com", "http://b.test"),
        ("http://old.example.com/shop", "http://shop.test"),
        ("http://b.test", "http://c.test"),
        ("https://old.example.com/x", "https://x.test"),
        ("/var/www/old", "/srv/new"),
        ("/var/www/old/uploads", "/srv/media"),
    ]);
    for (text, wanted) in [
        ("http://old.example.com/ http://b.test/", "http://b.test/ http://c.test/"),
        ("http://old.example.com/shop/1", "http://shop.test/1"),
        ("http://old.example.com/shopping", "http://b.test/shopping"),
        ("/var/www/old/x /var/www/old/uploads/y", "/srv/new/x /srv/media/y"),
    ] {
        assert_eq!(apply(&there, text), wanted, "{text}");
    }
}

#[test]
fn a_new_address_may_hold_the_old_one() {
    one_way(
        "http://example.com",
        "http://example.com/copy",
        &[("http://example.com/x //example.com", "http://example.com/copy/x //example.com/copy")],
    );
    one_way(
        "http://example.com",
        "http://staging.example.com",
        &[("http://example.com/x", "http://staging.example.com/x")],
    );
    one_way(
        "http://example.com",
        "http://new.test/example.com",
        &[("http://example.com/x", "http://new.test/example.com/x")],
    );
    one_way("/var/www", "/var/www/copy", &[("/var/www/x", "/var/www/copy/x")]);
}

#[test]
fn names_beyond_ascii_keep_their_spelling() {
    both_ways(
        "http://müller.example",
        "http://größe.example",
        &[
            ("http://müller.example/x", "http://größe.example/x"),
            ("http://xn--mller-kva.example/x", "http://xn--gre-6ka8i.example/x"),
            (r"http:\/\/m\u00fcller.example", r"http:\/\/gr\u00f6\u00dfe.example"),
            (r#"{\"a\":\"m\\u00fcller.example\"}"#, r#"{\"a\":\"gr\\u00f6\\u00dfe.example\"}"#),
            ("http%3A%2F%2Fm%C3%BCller.example", "http%3A%2F%2Fgr%C3%B6%C3%9Fe.example"),
            ("m&#252;ller.example", "gr&#246;&#223;e.example"),
            (
                r#"<!-- wp:a {"url":"http://xn\u002d\u002dmller-kva.example"} -->"#,
                r#"<!-- wp:a {"url":"http://xn\u002d\u002dgre-6ka8i.example"} -->"#,
            ),
        ],
    );
    one_way(
        "http://müller.example",
        NEW,
        &[("MÜLLER.EXAMPLE Müller.example", "NEW-SITE.TEST new-site.test")],
    );
    one_way(OLD, "http://müller.example", &[("http://old.example.com", "http://xn--mller-kva.example")]);
}

#[test]
fn folders_are_rewritten_in_every_form() {
    both_ways(
        "/var/www/old-site",
        "/srv/sites/copy",
        &[
            ("/var/www/old-site", "/srv/sites/copy"),
            ("require '/var/www/old-site/wp-load.php';", "require '/srv/sites/copy/wp-load.php';"),
            (r"\/var\/www\/old-site\/x", r"\/srv\/sites\/copy\/x"),
            (r"\\\/var\\\/www\\\/old-site\\\/x", r"\\\/srv\\\/sites\\\/copy\\\/x"),
            ("%2Fvar%2Fwww%2Fold-site%2Fx", "%2Fsrv%2Fsites%2Fcopy%2Fx"),
            ("file:///var/www/old-site/x", "file:///srv/sites/copy/x"),
            ("&#47;var&#47;www&#47;old-site", "&#47;srv&#47;sites&#47;copy"),
        ],
    );
    untouched(
        "/var/www/old-site",
        "/srv/sites/copy",
        &[
            "/var/www/old-site2",
            "/var/www/old-site.bak",
            "/mnt/var/www/old-site",
            "/var/www/Old-Site",
            "./var/www/old-site",
            "var/www/old-site",
        ],
    );
    both_ways(
        r"C:\sites\old",
        r"D:\copies\new",
        &[
            (r"C:\sites\old\x", r"D:\copies\new\x"),
            (r"C:\\sites\\old\\x", r"D:\\copies\\new\\x"),
            ("C:/sites/old/x", "D:/copies/new/x"),
        ],
    );
    one_way(
        r"C:\sites\old",
        "/srv/new",
        &[(r"C:\sites\old\x", r"/srv/new\x"), ("C:/sites/old/x", "/srv/new/x")],
    );
    one_way(
        "/home/jürgen/old site",
        "/srv/new",
        &[("/home/jürgen/old site/x", "/srv/new/x"), (r"\/home\/j\u00fcrgen\/old site\/x", r"\/srv\/new\/x")],
    );
}
