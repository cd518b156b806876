//! Names of jobs and batches.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id; ids of one process grow.
            pub(crate) fn new() -> Self {
                Self(Uuid::now_v7())
            }

            pub(crate) fn bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }

            pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
                Self(Uuid::from_slice(bytes).unwrap_or_default())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id! {
    /// A job's name: a UUIDv7, so ids sort by age. Displayed with hyphens.
    JobId
}

id! {
    /// A batch's name: a UUIDv7.
    BatchId
}

/// The smallest and the largest id that begin with the hexadecimal digits of `prefix` (hyphens do not count), or `None`
/// when it is no beginning of an id.
pub(crate) fn prefix_range(prefix: &str) -> Option<([u8; 16], [u8; 16])> {
    let digits: Vec<u8> = prefix
        .chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()?;
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    let (mut low, mut high) = ([0u8; 16], [0xffu8; 16]);
    for (place, digit) in digits.into_iter().enumerate() {
        let (shift, rest) = if place % 2 == 0 { (4, 0x0f) } else { (0, 0xf0) };
        low[place / 2] = (low[place / 2] & rest) | (digit << shift);
        high[place / 2] = (high[place / 2] & rest) | (digit << shift);
    }
    Some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_spans_exactly_the_ids_that_begin_with_it() {
        let (low, high) = prefix_range("01-9").unwrap();
        assert_eq!((low[0], low[1], low[15]), (0x01, 0x90, 0));
        assert_eq!((high[0], high[1], high[15]), (0x01, 0x9f, 0xff));
        let id = JobId::new();
        let (low, high) = prefix_range(&id.to_string()).unwrap();
        assert_eq!((&low[..], &high[..]), (id.bytes(), id.bytes()));
    }

    #[test]
    fn what_is_no_hexadecimal_is_no_prefix() {
        assert!(prefix_range("").is_none());
        assert!(prefix_range("xyz").is_none());
        assert!(prefix_range(&"0".repeat(33)).is_none());
    }
}
