//! The ways one host name is written in data.

use crate::address::Host;

/// A way to write a host name. A name of plain ASCII without `--` has only the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As on the wire, `xn--` labels included.
    Ascii,
    /// As in block comments, where `--` stands as `\u002d\u002d`.
    Block,
    /// As people read it.
    Unicode,
    /// `\u00fc` with this many backslashes.
    Escaped(usize),
    /// `%C3%BC`.
    Percent,
    /// `&#252;`.
    Decimal,
    /// `&#xFC;`.
    Hex,
    /// Letters of ASCII are escaped that need not be: `\u006fld`, `%6Fld`, `&#111;ld`. Found by its escapes, and written without
    /// them unless all letters are.
    Letters,
}

impl Spelling {
    const ALL: [Self; 9] = [
        Self::Ascii,
        Self::Block,
        Self::Unicode,
        Self::Escaped(1),
        Self::Escaped(2),
        Self::Escaped(3),
        Self::Percent,
        Self::Decimal,
        Self::Hex,
    ];

    /// The name in this spelling.
    pub fn write(self, host: &Host) -> String {
        match self {
            Self::Ascii | Self::Letters => host.ascii.clone(),
            Self::Block => host.ascii.replace("--", r"\u002d\u002d"),
            Self::Unicode => host.unicode.clone(),
            Self::Escaped(run) => each_special(&host.unicode, |name, ch| {
                for unit in ch.encode_utf16(&mut [0; 2]) {
                    name.push_str(&"\\".repeat(run));
                    name.push_str(&format!("u{unit:04x}"));
                }
            }),
            Self::Percent => each_special(&host.unicode, |name, ch| {
                for byte in ch.encode_utf8(&mut [0; 4]).bytes() {
                    name.push_str(&format!("%{byte:02X}"));
                }
            }),
            Self::Decimal => {
                each_special(&host.unicode, |name, ch| name.push_str(&format!("&#{};", u32::from(ch))))
            }
            Self::Hex => {
                each_special(&host.unicode, |name, ch| name.push_str(&format!("&#x{:X};", u32::from(ch))))
            }
        }
    }

    /// All spellings of a name that differ from each other, the upper-case Unicode one too.
    pub fn of(host: &Host) -> Vec<(Self, String)> {
        let mut all: Vec<(Self, String)> = Vec::new();
        for spelling in Self::ALL {
            for name in [spelling.write(host), spelling.write(&upper(host))] {
                if all.iter().all(|(_, known)| !known.eq_ignore_ascii_case(&name)) {
                    all.push((spelling, name));
                }
            }
        }
        all
    }
}

/// The host in capitals, beyond ASCII as well.
fn upper(host: &Host) -> Host {
    Host { ascii: host.ascii.clone(), unicode: host.unicode.to_uppercase() }
}

fn each_special(host: &str, write: impl Fn(&mut String, char)) -> String {
    let mut name = String::with_capacity(host.len() * 3);
    for ch in host.chars() {
        if ch.is_ascii() { name.push(ch) } else { write(&mut name, ch) }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_has_one_spelling_and_a_unicode_name_many() {
        let plain = Host { ascii: "old.example.com".into(), unicode: "old.example.com".into() };
        assert_eq!(Spelling::of(&plain).len(), 1);
        let host = Host { ascii: "xn--mller-kva.example".into(), unicode: "müller.example".into() };
        let names: Vec<String> = Spelling::of(&host).into_iter().map(|(_, name)| name).collect();
        for name in [
            "xn--mller-kva.example",
            r"xn\u002d\u002dmller-kva.example",
            "müller.example",
            r"m\u00fcller.example",
            "m%C3%BCller.example",
            "m&#252;ller.example",
            "m&#xFC;ller.example",
        ] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
    }
}
