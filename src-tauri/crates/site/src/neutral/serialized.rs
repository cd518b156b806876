//! Changing one scalar inside an array that PHP serialized.

use serde_json::Value;

/// `bytes` with the scalar at `path` (keys from the outside in) replaced; none if there is no such scalar or the bytes are no
/// serialized array.
pub(super) fn replaced(bytes: &[u8], path: &[&str], by: &Value) -> Option<Vec<u8>> {
    if skip(bytes, 0)? != bytes.len() {
        return None;
    }
    let (start, end) = find(bytes, 0, path)?;
    if matches!(bytes[start], b'a' | b'O' | b'C' | b'r' | b'R' | b'E') {
        return None;
    }
    let new = literal(by);
    if bytes[start..end] == *new {
        return None;
    }
    Some([&bytes[..start], &new, &bytes[end..]].concat())
}

fn literal(value: &Value) -> Vec<u8> {
    match value {
        Value::Bool(truth) => format!("b:{};", u8::from(*truth)).into_bytes(),
        Value::Number(number) if number.is_i64() => format!("i:{number};").into_bytes(),
        Value::String(text) => format!("s:{}:\"{text}\";", text.len()).into_bytes(),
        _ => b"s:0:\"\";".to_vec(),
    }
}

/// Where the value at `path` begins and ends, below the value at `at`.
fn find(bytes: &[u8], at: usize, path: &[&str]) -> Option<(usize, usize)> {
    let Some((key, rest)) = path.split_first() else { return Some((at, skip(bytes, at)?)) };
    if bytes.get(at) != Some(&b'a') {
        return None;
    }
    let (count, mut at) = number(bytes, at + 2, b':')?;
    at += 1;
    for _ in 0..count {
        let value = skip(bytes, at)?;
        if key_is(bytes, at, key) {
            return find(bytes, value, rest);
        }
        at = skip(bytes, value)?;
    }
    None
}

fn key_is(bytes: &[u8], at: usize, key: &str) -> bool {
    let written = [literal(&Value::String(key.to_owned())), format!("i:{key};").into_bytes()];
    written.iter().any(|written| bytes[at..].starts_with(written))
}

/// A number from `at` to the byte `end`; the position after that byte.
fn number(bytes: &[u8], at: usize, end: u8) -> Option<(usize, usize)> {
    let length = bytes.get(at..)?.iter().position(|byte| *byte == end)?;
    let number = std::str::from_utf8(&bytes[at..at + length]).ok()?.parse().ok()?;
    Some((number, at + length + 1))
}

/// The position after the value at `at`.
fn skip(bytes: &[u8], at: usize) -> Option<usize> {
    let has = |at: usize, wanted: &[u8]| {
        bytes.get(at..).is_some_and(|rest| rest.starts_with(wanted)).then_some(at + wanted.len())
    };
    match bytes.get(at)? {
        b'N' => has(at, b"N;"),
        b'b' | b'i' | b'd' | b'r' | b'R' => {
            has(at + 1, b":")?;
            bytes[at..].iter().position(|byte| *byte == b';').map(|length| at + length + 1)
        }
        b's' | b'E' => {
            let (length, inside) = number(bytes, at + 2, b':')?;
            has(inside, b"\"").and_then(|inside| has(inside.checked_add(length)?, b"\";"))
        }
        b'a' => {
            let (count, inside) = number(bytes, at + 2, b':')?;
            items(bytes, has(inside, b"{")?, count)
        }
        b'O' => {
            let (length, inside) = number(bytes, at + 2, b':')?;
            let after = has(has(inside, b"\"")?.checked_add(length)?, b"\":")?;
            let (count, inside) = number(bytes, after, b':')?;
            items(bytes, has(inside, b"{")?, count)
        }
        b'C' => {
            let (length, inside) = number(bytes, at + 2, b':')?;
            let after = has(has(inside, b"\"")?.checked_add(length)?, b"\":")?;
            let (length, inside) = number(bytes, after, b':')?;
            has(has(inside, b"{")?.checked_add(length)?, b"}")
        }
        _ => None,
    }
}

fn items(bytes: &[u8], mut at: usize, count: usize) -> Option<usize> {
    for _ in 0..count {
        at = skip(bytes, skip(bytes, at)?)?;
    }
    (bytes.get(at) == Some(&b'}')).then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scalar_is_replaced_wherever_it_stands() {
        let value = br#"a:3:{s:1:"a";s:5:"x";}y";i:7;a:1:{s:3:"key";s:3:"abc";}s:4:"test";b:0;}"#;
        let nested = replaced(value, &["7", "key"], &json!(null)).unwrap();
        assert_eq!(nested, br#"a:3:{s:1:"a";s:5:"x";}y";i:7;a:1:{s:3:"key";s:0:"";}s:4:"test";b:0;}"#);
        let flag = replaced(value, &["test"], &json!(true)).unwrap();
        assert!(flag.ends_with(br#"s:4:"test";b:1;}"#));
    }

    #[test]
    fn what_is_missing_or_no_serialized_array_stays() {
        assert_eq!(replaced(b"a:0:{}", &["key"], &json!("x")), None);
        assert_eq!(replaced(br#"a:1:{s:3:"key";s:99:"abc";}"#, &["key"], &json!("x")), None);
        assert_eq!(replaced(br#"a:1:{s:3:"key";s:3:"abc";} tail"#, &["key"], &json!("x")), None);
        assert_eq!(replaced(b"plain", &["key"], &json!("x")), None);
        assert_eq!(
            replaced(br#"a:1:{s:3:"key";a:0:{}}"#, &["key"], &json!("x")),
            None,
            "an array is no scalar"
        );
        assert_eq!(replaced(br#"s:18446744073709551615:"x";"#, &["key"], &json!("x")), None);
    }
}
