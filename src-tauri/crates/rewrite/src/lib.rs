//! Changes a site's addresses inside any data without breaking a value.
//!
//! A copy of a web site answers at another address than its original, so every place that names the old address must name
//! the new one. Those places are hidden in formats that do not forgive: PHP-serialized data counts the bytes of each
//! string, JSON escapes its slashes, page builders put one inside the other, and a dump escapes all of it once more.
//!
//! ```
//! use clonedeck_rewrite::{Options, Outcome, Pair, Rewriter};
//!
//! let pair = Pair::parse("http://old.example.com", "https://copy.example.org:8443")?;
//! let rewriter = Rewriter::new([pair], Options::default())?;
//! let value = br#"a:1:{s:4:"link";s:33:"{"to":"http:\/\/old.example.com"}";}"#;
//! let Outcome::Changed(new) = rewriter.rewrite_value(value) else { panic!("it holds the old address") };
//! assert_eq!(new, br#"a:1:{s:4:"link";s:40:"{"to":"https:\/\/copy.example.org:8443"}";}"#);
//! # Ok::<(), clonedeck_rewrite::PairError>(())
//! ```
//!
//! # How it works
//!
//! **Pairs** ([`Pair`]) become needles: host names and folder names as they stand in every common encoding, where only
//! the punctuation around them differs. A value without a needle is passed over at the speed of memory.
//!
//! **Values** are walked from the outside in. A format (serialized data, JSON, Base64, text) hands each string that
//! holds a needle down as a value of its own, and carries the edits that come back out through its own encoding; lengths are
//! counted anew on the way. Edits are spans: what is not in one stays byte for byte. Nothing is instantiated, and neither
//! deep nesting nor hostile data costs more than a bounded amount of work.
//!
//! **The law**: a value that parsed before parses after, and means the same but for the addresses. It is checked on every
//! changed serialized value and JSON document, always. What cannot be changed by that law stays and is noted ([`Note`]).
//!
//! **Dumps** ([`rewrite_dump`]) are streams of any size in constant memory: only the values of rows are touched, and blocks
//! are worked on side by side and written in order. [`Unpacked`] and [`Packed`] read and write them compressed.
//!
//! **Boundaries** hold: `old.example.com.au`, `not-old.example.com`, another port and a mail address are not the old
//! address. All pairs are looked for in one pass, the longest match wins, and what was written is never read again, so an old
//! address may well be part of a new one.
#![warn(missing_docs)]

mod address;
mod base64;
mod custom;
mod dump;
mod edit;
mod embedded;
mod finder;
mod folder;
mod island;
mod json;
mod layer;
mod letter;
mod near;
mod occurrence;
mod packing;
mod pair;
mod parse;
mod php;
mod plan;
mod report;
mod rewriter;
mod scan;
mod shape;
mod spelling;
mod text;
mod walk;

pub use dump::{DumpError, DumpOptions, DumpReport, Place, Problem, rewrite_dump};
pub use packing::{Packed, Packing, Unpacked};
pub use pair::{Pair, PairError};
pub use parse::{is_json, is_serialized};
pub use report::{Container, Form, Note, Reason, Tally, Trace};
pub use rewriter::{Options, Outcome, Rewriter, Rewritten};
