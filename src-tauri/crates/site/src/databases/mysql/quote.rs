//! Names and values inside SQL text.

/// A name between backticks.
pub(super) fn name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A table of a database.
pub(super) fn table(database: &str, table: &str) -> String {
    format!("{}.{}", name(database), name(table))
}

/// A text between quotes.
pub(super) fn text(text: &str) -> String {
    let mut sql = Vec::with_capacity(text.len() + 2);
    sql.push(b'\'');
    escape(&mut sql, text.as_bytes());
    sql.push(b'\'');
    String::from_utf8(sql).expect("escaping adds ASCII alone")
}

/// Appends bytes so that they can stand between quotes.
fn escape(sql: &mut Vec<u8>, bytes: &[u8]) {
    let mut clean = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let mark = match byte {
            0 => b'0',
            b'\n' => b'n',
            b'\r' => b'r',
            0x1a => b'Z',
            b'\\' => b'\\',
            b'\'' => b'\'',
            _ => continue,
        };
        sql.extend_from_slice(&bytes[clean..at]);
        sql.extend_from_slice(&[b'\\', mark]);
        clean = at + 1;
    }
    sql.extend_from_slice(&bytes[clean..]);
}
