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
//! A filter for dumps of any size is one call:
//!
//! ```
//! # use clonedeck_rewrite::{DumpOptions, Options, Pair, Rewriter, rewrite_dump};
//! # let rewriter = Rewriter::new([Pair::parse("http://old.example.com", "http://new.test")?], Options::default())?;
//! let dump = b"INSERT INTO `wp_options` VALUES (1,'home','http://old.example.com');\n";
//! let mut new = Vec::new();
//! let report = rewrite_dump(&rewriter, &dump[..], &mut new, DumpOptions::default())?;
//! assert_eq!(new, b"INSERT INTO `wp_options` VALUES (1,'home','http://new.test');\n");
//! assert_eq!((report.values_changed, report.left_over_count), (1, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! And a check that looks for whatever is left, without changing anything, is [`Rewriter::scan`].
//!
//! # Forms
//!
//! Each occurrence is written back in the form in which it was found: plain, without a scheme, with slashes as `\/`, `\\\/`, `%2F`,
//! `%252F`, `&#47;`, `&#x2F;` or `\u002F`, in capitals, in punycode or Unicode; with letters of the host escaped (`\u006f` in JSON and
//! scripts, `%6F`, `&#111;`, `&#x6f;`, `\6f` in PHP's `S:` strings); in Base64 of either alphabet, with padding or without, broken over
//! lines, escaped itself, or inside Base64. Not looked for: compressed or encrypted data, UTF-16, and hosts with escaped letters
//! inside Base64.
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
