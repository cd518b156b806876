//! Whether a value parses, for checks that compare before and after.

use crate::{json, php};

/// Whether the whole value is PHP-serialized data that `unserialize` can read.
///
/// ```
/// assert!(clonedeck_rewrite::is_serialized(b"a:1:{i:0;s:3:\"abc\";}"));
/// assert!(!clonedeck_rewrite::is_serialized(b"a:1:{i:0;s:4:\"abc\";}"));
/// ```
pub fn is_serialized(value: &[u8]) -> bool {
    php::is_whole(value)
}

/// Whether the whole value is a JSON document.
///
/// ```
/// assert!(clonedeck_rewrite::is_json(b"{\"a\": [1, 2]}"));
/// assert!(!clonedeck_rewrite::is_json(b"{a: 1}"));
/// ```
pub fn is_json(value: &[u8]) -> bool {
    json::is_whole(value)
}
