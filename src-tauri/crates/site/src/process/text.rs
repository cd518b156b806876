//! Bytes of a program as text that can be shown anywhere.

/// Shows bytes safely: what is no UTF-8 becomes `�`, other control characters their pictures. Colours (ANSI SGR) stay; sequences
/// that move the cursor, name the window or do anything else to a terminal are taken out.
pub fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if !text.bytes().any(|byte| byte < b' ' || byte == 0x7f) && !text.contains('\u{9b}') {
        return text.into_owned();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\u{1b}' | '\u{9b}' => {
                let (length, is_colour) = sequence(rest);
                if is_colour {
                    shown.push_str(&rest[..length]);
                }
                length
            }
            '\t' => {
                shown.push('\t');
                1
            }
            '\u{7f}' => {
                shown.push('\u{2421}');
                1
            }
            control if control < ' ' => {
                shown.push(char::from_u32(0x2400 + control as u32).unwrap_or('\u{fffd}'));
                1
            }
            other => {
                shown.push(other);
                other.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    shown
}

/// The length of the escape sequence that `text` begins with, and whether it only sets colours.
fn sequence(text: &str) -> (usize, bool) {
    let mut chars = text.char_indices();
    let (_, first) = chars.next().unwrap_or((0, ' '));
    let introducer = if first == '\u{9b}' { Some('[') } else { chars.next().map(|(_, c)| c) };
    match introducer {
        Some('[') => {
            for (at, c) in chars {
                match c {
                    '\u{20}'..='\u{3f}' => {}
                    'm' if first == '\u{1b}' => return (at + 1, true),
                    '\u{40}'..='\u{7e}' => return (at + 1, false),
                    _ => return (at, false),
                }
            }
            (text.len(), false)
        }
        // A text for the terminal (title, link, …) ends with BEL or ESC \.
        Some(']' | 'P' | '_' | '^' | 'X') => {
            let mut last = ' ';
            for (at, c) in chars {
                if c == '\u{7}' || (last == '\u{1b}' && c == '\\') {
                    return (at + c.len_utf8(), false);
                }
                last = c;
            }
            (text.len(), false)
        }
        // Choosing a character set takes one more.
        Some(' '..='/') => (2 + chars.next().map_or(0, |(_, c)| c.len_utf8()), false),
        Some(c) if c.is_ascii() && c >= ' ' => (2, false),
        _ => (first.len_utf8(), false),
    }
}

/// Takes secrets out of a text.
pub(super) fn mask(text: String, secrets: &[String]) -> String {
    secrets.iter().fold(text, |text, secret| {
        if text.contains(secret.as_str()) { text.replace(secret.as_str(), "[secret]") } else { text }
    })
}

/// The forms in which a secret can turn up, longest first.
pub(super) fn forms(secrets: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut forms: Vec<String> = secrets
        .into_iter()
        .filter(|secret| !secret.is_empty())
        .flat_map(|secret| {
            let quoted = serde_json::Value::from(secret.as_str()).to_string();
            let quoted = quoted[1..quoted.len() - 1].to_owned();
            let encoded = secret.bytes().fold(String::new(), |mut text, byte| {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    text.push(char::from(byte));
                } else {
                    text.push_str(&format!("%{byte:02X}"));
                }
                text
            });
            [secret, quoted, encoded]
        })
        .collect();
    forms.sort_by_key(|form| (std::cmp::Reverse(form.len()), form.clone()));
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_what_steers_a_terminal_goes() {
        assert_eq!(clean(b"\x1b[1;31mred\x1b[0m"), "\u{1b}[1;31mred\u{1b}[0m");
        assert_eq!(clean(b"\x1b]0;owned\x07a\x1b]8;;http://x\x1b\\b\x1b[2Jc\x1b[1Gd\x1b(Be"), "abcde");
        assert_eq!(clean(b"end\x1b["), "end");
        assert_eq!(clean(b"end\x1b"), "end");
        assert_eq!(clean("a\u{9b}31mb".as_bytes()), "ab");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(clean(b"a\xff\x00\x07b\tc\x7f"), "a\u{fffd}\u{2400}\u{2407}b\tc\u{2421}");
    }

    #[test]
    fn a_secret_is_masked_as_it_is_in_json_and_in_an_address() {
        let forms = forms(["p\"@ss".to_owned()]);
        assert_eq!(mask(r#"p"@ss p\"@ss p%22%40ss"#.into(), &forms), "[secret] [secret] [secret]");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_at_all_break_the_cleaning(bytes: Vec<u8>) {
            let shown = clean(&bytes);
            let is_raw = |c: char| c < ' ' && c != '\t' && c != '\u{1b}';
            proptest::prop_assert!(!shown.chars().any(is_raw));
        }
    }
}
