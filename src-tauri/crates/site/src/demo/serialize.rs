//! PHP's serialized form of plain data.

use serde_json::Value;

/// `value` as PHP's `serialize` writes it, with objects as arrays by name.
pub(super) fn serialize(value: &Value) -> String {
    match value {
        Value::Null => "N;".into(),
        Value::Bool(truth) => format!("b:{};", u8::from(*truth)),
        Value::Number(number) if number.is_i64() => format!("i:{number};"),
        Value::Number(number) => format!("d:{number};"),
        Value::String(text) => format!("s:{}:\"{text}\";", text.len()),
        Value::Array(items) => {
            let inside: String = items
                .iter()
                .enumerate()
                .map(|(index, item)| format!("i:{index};{}", serialize(item)))
                .collect::<Vec<_>>()
                .concat();
            format!("a:{}:{{{inside}}}", items.len())
        }
        Value::Object(items) => {
            let key = |name: &str| match name.parse::<i64>() {
                Ok(number) if number.to_string() == name => format!("i:{number};"),
                _ => format!("s:{}:\"{name}\";", name.len()),
            };
            let inside: String =
                items.iter().map(|(name, item)| key(name) + &serialize(item)).collect::<Vec<_>>().concat();
            format!("a:{}:{{{inside}}}", items.len())
        }
    }
}
