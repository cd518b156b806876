//! A folder of the file system, Unix or Windows, as part of a pair.

use std::fmt;

use crate::pair::PairError;

/// An absolute folder without a separator at its end. Separators are kept as `/`; `windows` says how it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder {
    pub path: String,
    pub windows: bool,
}

impl Folder {
    /// Whether a word is meant as a folder and not as an address.
    pub fn is_meant(word: &str) -> bool {
        let word = word.trim();
        has_drive(word) || (word.starts_with('/') && !word.starts_with("//"))
    }

    pub fn parse(word: &str) -> Result<Self, PairError> {
        let word = word.trim();
        let bad = |why| PairError::NotAFolder { word: word.to_owned(), why };
        if !Self::is_meant(word) {
            return Err(bad("give it from the root on"));
        }
        if word.chars().any(|c| c.is_control() || c == '"') {
            return Err(bad("its name holds a quote or a control character"));
        }
        let windows = has_drive(word);
        let path = if windows { word.replace('\\', "/") } else { word.to_owned() };
        if !windows && path.contains('\\') {
            return Err(bad("its name holds a backslash"));
        }
        let path = path.trim_end_matches('/').to_owned();
        if path.split('/').skip(1).all(str::is_empty) {
            return Err(bad("the root itself would match everything"));
        }
        Ok(Self { path, windows })
    }
}

fn has_drive(word: &str) -> bool {
    matches!(word.as_bytes(), [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic())
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.windows { f.write_str(&self.path.replace('/', "\\")) } else { f.write_str(&self.path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_lose_the_separator_at_their_end() {
        assert_eq!(Folder::parse("/var/www/old/").unwrap().path, "/var/www/old");
        let windows = Folder::parse(r"C:\sites\shop\").unwrap();
        assert_eq!((windows.path.as_str(), windows.windows), ("C:/sites/shop", true));
        assert_eq!(windows.to_string(), r"C:\sites\shop");
        assert!(Folder::parse("var/www").is_err());
        assert!(Folder::parse("C:\\").is_err());
    }
}
