use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path below the root of a tree. Its bytes may be any; in JSON and for people, bytes that are no UTF-8 and control characters are
/// written `\xNN` and a backslash `\\`, so that nothing is lost on the way back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(PathBuf);

impl RelPath {
    /// The path itself.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl From<&Path> for RelPath {
    fn from(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl From<PathBuf> for RelPath {
    fn from(path: PathBuf) -> Self {
        Self(path)
    }
}

impl AsRef<Path> for RelPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

impl Serialize for RelPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&shown(&self.0))
    }
}

impl<'de> Deserialize<'de> for RelPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parsed(&text).map(Self).ok_or_else(|| serde::de::Error::custom("no escaped path"))
    }
}

/// A path as people read it, on one line and without loss.
pub(crate) fn shown(path: &Path) -> String {
    use fmt::Write as _;
    let mut out = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                c if c.is_ascii_control() => write!(out, "\\x{:02X}", c as u32).unwrap_or_default(),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02X}").unwrap_or_default();
        }
    }
    out
}

fn parsed(text: &str) -> Option<PathBuf> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            out.push(bytes[at]);
            at += 1;
        } else if bytes.get(at + 1) == Some(&b'\\') {
            out.push(b'\\');
            at += 2;
        } else if bytes.get(at + 1) == Some(&b'x') {
            out.push(u8::from_str_radix(text.get(at + 2..at + 4)?, 16).ok()?);
            at += 4;
        } else {
            return None;
        }
    }
    Some(std::ffi::OsString::from_vec(out).into())
}

pub(super) fn from_bytes(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

pub(super) fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// The order of an index: a folder stands before what it holds, and everything it holds follows without a gap.
pub(super) fn order(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    let key = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    a[same..].iter().map(key).cmp(b[same..].iter().map(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_any_bytes_survives_json() {
        for bytes in
            [&b"a/b.txt"[..], b"back\\slash\\x41", b"new\nline", b"\xff\xfe/\xc3\xa9", "ü/日本".as_bytes()]
        {
            let path = RelPath::from(from_bytes(bytes));
            let json = serde_json::to_string(&path).unwrap();
            assert_eq!(serde_json::from_str::<RelPath>(&json).unwrap(), path, "{json}");
        }
        assert_eq!(shown(from_bytes(b"a\n\xff")), "a\\x0A\\xFF");
    }

    #[test]
    fn a_folder_stands_before_what_it_holds_and_nothing_stands_between() {
        let mut paths: Vec<&[u8]> = vec![b"a.b", b"a/z", b"a", b"a/b/c", b"", b"a-", b"a/b", b"a\x01"];
        paths.sort_by(|a, b| order(a, b));
        let expected: Vec<&[u8]> = vec![b"", b"a", b"a/b", b"a/b/c", b"a/z", b"a\x01", b"a-", b"a.b"];
        assert_eq!(paths, expected);
    }
}
