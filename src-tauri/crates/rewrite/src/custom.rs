//! The bodies of the standard library's classes that serialize themselves (`C:`), as PHP wrote them before 7.4 and still
//! reads them: where the serialized values in them lie.

use std::ops::Range;

use crate::php::end_of;

/// The places of the whole values in a body, in order; `None` for a class that is not known or a body that is not its own.
pub(crate) fn parts(class: &[u8], body: &[u8]) -> Option<Vec<Range<usize>>> {
    let is = |names: &[&str]| names.iter().any(|name| class.eq_ignore_ascii_case(name.as_bytes()));
    let mut cursor = Cursor { body, at: 0, parts: Vec::new() };
    if is(&["ArrayObject", "ArrayIterator", "RecursiveArrayIterator"]) {
        cursor.array_object()?;
    } else if is(&["SplObjectStorage", "MultipleIterator"]) {
        cursor.object_storage()?;
    } else if is(&["SplDoublyLinkedList", "SplQueue", "SplStack"]) {
        cursor.linked_list()?;
    } else {
        return None;
    }
    (cursor.at == body.len()).then_some(cursor.parts)
}

struct Cursor<'a> {
    body: &'a [u8],
    at: usize,
    parts: Vec<Range<usize>>,
}

impl Cursor<'_> {
    fn expect(&mut self, wanted: &[u8]) -> Option<()> {
        self.body[self.at..].starts_with(wanted).then(|| self.at += wanted.len())
    }

    fn value(&mut self) -> Option<()> {
        let end = end_of(self.body, self.at).ok()?;
        self.parts.push(self.at..end);
        self.at = end;
        Some(())
    }

    /// `x:i:FLAGS;` `STORAGE;` `m:MEMBERS`; without storage when the object is its own.
    fn array_object(&mut self) -> Option<()> {
        self.expect(b"x:")?;
        self.value()?;
        if self.expect(b"m:").is_none() {
            self.value()?;
            self.expect(b";")?;
            self.expect(b"m:")?;
        }
        self.value()
    }

    /// `x:i:COUNT;` then `OBJECT,DATA;` for each, then `m:MEMBERS`.
    fn object_storage(&mut self) -> Option<()> {
        self.expect(b"x:")?;
        self.value()?;
        while self.expect(b"m:").is_none() {
            self.value()?;
            if self.expect(b",").is_some() {
                self.value()?;
            }
            self.expect(b";")?;
        }
        self.value()
    }

    /// `i:FLAGS;` then `:VALUE` for each.
    fn linked_list(&mut self) -> Option<()> {
        self.value()?;
        while self.at < self.body.len() {
            self.expect(b":")?;
            self.value()?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(class: &str, body: &str) -> Option<Vec<String>> {
        parts(class.as_bytes(), body.as_bytes())
            .map(|parts| parts.into_iter().map(|part| body[part].to_owned()).collect())
    }

    #[test]
    fn bodies_of_the_standard_library_are_understood() {
        assert_eq!(
            texts("ArrayObject", "x:i:0;a:1:{i:0;s:1:\"a\";};m:a:0:{}").unwrap(),
            ["i:0;", "a:1:{i:0;s:1:\"a\";}", "a:0:{}"]
        );
        assert_eq!(texts("ArrayIterator", "x:i:16777216;m:a:0:{}").unwrap(), ["i:16777216;", "a:0:{}"]);
        assert_eq!(
            texts("SplObjectStorage", "x:i:2;O:1:\"A\":0:{},i:1;;r:2;,N;;m:a:0:{}").unwrap(),
            ["i:2;", "O:1:\"A\":0:{}", "i:1;", "r:2;", "N;", "a:0:{}"]
        );
        assert_eq!(
            texts("SplDoublyLinkedList", "i:0;:s:1:\"a\";:i:2;").unwrap(),
            ["i:0;", "s:1:\"a\";", "i:2;"]
        );
    }

    #[test]
    fn other_classes_and_foreign_bodies_are_not() {
        assert_eq!(texts("MyClass", "x:i:0;a:0:{};m:a:0:{}"), None);
        assert_eq!(texts("ArrayObject", "x:i:0;a:0:{};m:a:0:{}x"), None);
        assert_eq!(texts("SplQueue", "i:0;s:1:\"a\";"), None);
    }
}
