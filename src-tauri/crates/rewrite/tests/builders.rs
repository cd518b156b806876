//! Values as page builders, themes and plugins store them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clonedeck_rewrite::{Options, Outcome, Pair, Rewriter};

const OLD: &str = "https://old.example.com";
const NEW: &str = "http://127.0.0.1:8080";

fn s(text: &str) -> String {
    format!("s:{}:\"{text}\";", text.len())
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

/// The value with the old address must become what it would be with the new one, and nothing of the old may be left.
fn follows(name: &str, value: impl Fn(&str) -> String) {
    let rewriter = Rewriter::new([Pair::parse(OLD, NEW).unwrap()], Options::default()).unwrap();
    let done = rewriter.rewrite(value(OLD).as_bytes());
    match done.outcome {
        Outcome::Changed(new) => assert_eq!(String::from_utf8_lossy(&new), value(NEW), "{name}"),
        other => panic!("{name}: {other:?}"),
    }
    assert_eq!(done.notes, [], "{name}");
    assert!(rewriter.scan(value(NEW).as_bytes()).is_empty(), "{name}");
}

#[test]
fn elementor_keeps_its_pages_as_json_and_its_settings_serialized() {
    follows("_elementor_data", |url| {
        let url = url.replace('/', "\\/");
        format!(
            r#"[{{"id":"a1b2","elType":"section","settings":{{"background_image":{{"url":"{url}\/wp-content\/uploads\/a.jpg","id":7}},"gap":1.0,"empty":{{}},"big":12345678901234567890}},"elements":[{{"id":"c3","widgetType":"html","settings":{{"html":"<a href=\"{url}\/x\">caf\u00e9<\/a>"}}}}]}}]"#
        )
    });
    follows("_elementor_page_settings", |url| {
        format!(
            "a:2:{{{}{}{}a:1:{{{}{}}}}}",
            s("hide_title"),
            s("yes"),
            s("image"),
            s("url"),
            s(&format!("{url}/b.jpg"))
        )
    });
}

#[test]
fn wpbakery_hides_markup_in_base64_and_percent() {
    follows("vc_raw_html", |url| {
        let markup = percent(&format!("<iframe src=\"{url}/embed?a=1&b=ü\"></iframe>"));
        format!(
            "[vc_row][vc_raw_html]{}[/vc_raw_html][vc_btn link=\"url:{}|title:x\"][/vc_row]",
            STANDARD.encode(markup),
            percent(url)
        )
    });
}

#[test]
fn slider_revolution_escapes_twice() {
    follows("revslider", |url| {
        let url = url.replace('/', "\\\\/");
        format!(r#"{{"params":"{{\"bg\":\"{}\\/a.jpg\"}}"}}"#, url.replace("\\\\/", "\\\\\\/"))
    });
    follows("revslider, text", |url| format!("x={};", url.replace('/', "\\\\/")));
}

#[test]
fn divi_and_block_markup_are_text() {
    follows("divi", |url| {
        format!(
            "[et_pb_image src=\"{url}/a.png\" link_option_url=\"{url}\" url_new_window=\"off\"][/et_pb_image]"
        )
    });
    follows("blocks", |url| {
        format!(
            "<!-- wp:cover {{\"url\":\"{url}/c.jpg?a=1\\u0026b=2\",\"id\":9}} -->\n<div style=\"background:url({url}/c.jpg)\"><img srcset=\"{url}/c.jpg 1x, {url}/d.jpg 2x\"/></div>\n<!-- /wp:cover -->"
        )
    });
}

#[test]
fn options_hold_json_and_serialized_data_in_serialized_data() {
    follows("widget_block", |url| {
        format!("a:1:{{i:2;a:1:{{{}{}}}}}", s("content"), s(&format!("<p><a href=\"{url}\">ä</a></p>")))
    });
    follows("a transient in a transient", |url| {
        s(&s(&format!(
            "a:1:{{{}{}}}",
            s(&format!("{url}/key")),
            s(&format!("{{\"u\":\"{}\"}}", url.replace('/', "\\/")))
        )))
    });
    follows("theme_mods", |url| {
        format!(
            "a:3:{{i:0;b:0;{}{}{}O:8:\"stdClass\":1:{{{}{}}}}}",
            s("bg"),
            s(url),
            s("data"),
            s("url"),
            s(&format!("{url}/h.jpg"))
        )
    });
    follows("a shared link", |url| {
        format!("https://share.example.net/?u={}&amp;t=x", percent(&format!("{url}/post/")))
    });
}
