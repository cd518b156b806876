//! What is to become what: pairs of addresses and of file-system paths, checked before anything is rewritten.

use crate::address::{Address, parse_address};
use crate::folder::Folder;

/// One old → new pair. Build it with [`Pair::address`], [`Pair::path`] or, where the caller only has two words, [`Pair::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub(crate) change: Change,
}

/// The two things that a pair can speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Address { old: Address, new: Address },
    Folder { old: Folder, new: Folder },
}

/// Why a pair cannot be used. The text is for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// One of the two words is empty.
    #[error("the {side} address is empty; give both, the old one and the new one")]
    Empty {
        /// `old` or `new`.
        side: &'static str,
    },
    /// Both words mean the same.
    #[error("'{0}' is both the old and the new address; there is nothing to change")]
    Equal(String),
    /// A bare name without a dot occurs in ordinary words, so nobody can tell where it is an address.
    #[error(
        "'{0}' has no dot, so it cannot be told from an ordinary word; give it with its scheme or port, as in http://{0} or {0}:8080"
    )]
    NoBoundary(String),
    /// Not an address at all.
    #[error("'{word}' is not an address that can be rewritten: {why}")]
    NotAnAddress {
        /// What was given.
        word: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A path that is relative, the root, or holds characters that no format could carry unescaped.
    #[error("'{word}' is not a folder that can be rewritten: {why}")]
    NotAFolder {
        /// What was given.
        word: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A folder cannot become an address, nor an address a folder.
    #[error(
        "'{old}' and '{new}' are not of one kind; pair an address with an address and a folder with a folder"
    )]
    Mixed {
        /// The old word.
        old: String,
        /// The new word.
        new: String,
    },
    /// The same old word was given twice with different new ones.
    #[error("'{0}' is given twice with different new addresses; keep one of them")]
    Conflict(String),
    /// No pair was given.
    #[error("no pair was given; say at least one old and one new address")]
    None,
}

impl PairError {
    /// A stable code for programs; the text may change, the code stays.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "rewrite.pair.empty",
            Self::Equal(_) => "rewrite.pair.equal",
            Self::NoBoundary(_) => "rewrite.pair.no-boundary",
            Self::NotAnAddress { .. } => "rewrite.pair.not-an-address",
            Self::NotAFolder { .. } => "rewrite.pair.not-a-folder",
            Self::Mixed { .. } => "rewrite.pair.mixed",
            Self::Conflict(_) => "rewrite.pair.conflict",
            Self::None => "rewrite.pair.none",
        }
    }
}

impl Pair {
    /// An address pair. Each side is `[http[s]:]//host[:port][/path]` or just `host[:port][/path]`.
    ///
    /// A side without a scheme keeps the scheme that is found; a slash at the end of either side means nothing.
    pub fn address(old: &str, new: &str) -> Result<Self, PairError> {
        not_empty(old, new)?;
        let (old, new) = (parse_address(old)?, parse_address(new)?);
        if old == new {
            return Err(PairError::Equal(old.to_string()));
        }
        if old.has_no_boundary() {
            return Err(PairError::NoBoundary(old.host.ascii));
        }
        Ok(Self { change: Change::Address { old, new } })
    }

    /// A pair of folders, each absolute: `/var/www/site` or `C:\sites\shop`.
    pub fn path(old: &str, new: &str) -> Result<Self, PairError> {
        not_empty(old, new)?;
        let (old, new) = (Folder::parse(old)?, Folder::parse(new)?);
        if old == new {
            return Err(PairError::Equal(old.to_string()));
        }
        Ok(Self { change: Change::Folder { old, new } })
    }

    /// Whichever of the two the words are: folders when both are absolute paths, addresses when neither is.
    pub fn parse(old: &str, new: &str) -> Result<Self, PairError> {
        not_empty(old, new)?;
        match (Folder::is_meant(old), Folder::is_meant(new)) {
            (true, true) => Self::path(old, new),
            (false, false) => Self::address(old, new),
            _ => Err(PairError::Mixed { old: old.trim().into(), new: new.trim().into() }),
        }
    }
}

fn not_empty(old: &str, new: &str) -> Result<(), PairError> {
    for (word, side) in [(old, "old"), (new, "new")] {
        if word.trim().is_empty() {
            return Err(PairError::Empty { side });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_pairs_get_a_sentence() {
        assert_eq!(Pair::parse("", "new.example"), Err(PairError::Empty { side: "old" }));
        assert_eq!(Pair::parse("old.example", " "), Err(PairError::Empty { side: "new" }));
        assert!(matches!(Pair::parse("http://a.example", "http://A.example/"), Err(PairError::Equal(_))));
        assert_eq!(Pair::parse("localhost", "new.example"), Err(PairError::NoBoundary("localhost".into())));
        assert!(matches!(Pair::parse("/var/www", "http://new.example"), Err(PairError::Mixed { .. })));
        assert!(matches!(
            Pair::parse("ftp://a.example", "http://b.example"),
            Err(PairError::NotAnAddress { .. })
        ));
        assert!(matches!(Pair::parse("a b.example", "b.example"), Err(PairError::NotAnAddress { .. })));
        assert!(matches!(Pair::parse("a.example/?x=1", "b.example"), Err(PairError::NotAnAddress { .. })));
        assert!(matches!(Pair::parse("/", "/srv/new"), Err(PairError::NotAFolder { .. })));
        for error in [PairError::NoBoundary("localhost".into()), PairError::None] {
            assert!(error.to_string().len() > 20);
            assert!(error.code().starts_with("rewrite.pair."));
        }
    }

    #[test]
    fn a_name_without_a_dot_is_fine_where_scheme_or_port_tell_it_apart() {
        assert!(Pair::parse("http://localhost", "http://new.example").is_ok());
        assert!(Pair::parse("localhost:8080", "new.example").is_ok());
        assert!(Pair::parse("old.example", "localhost").is_ok());
    }

    #[test]
    fn only_a_change_of_scheme_is_a_pair_too() {
        assert!(Pair::parse("http://shop.example", "https://shop.example").is_ok());
    }
}
