//! Values that parse: serialized ones and JSON documents, which a change of length can break.

use std::hash::{DefaultHasher, Hash, Hasher};

use clonedeck_rewrite::{is_json, is_serialized};

/// How a value begins that may be serialized or JSON and that a change of length can break: a letter and a colon, or a bracket.
pub(crate) const LETTERS: [u8; 5] = *b"aOsCE";
/// The brackets.
pub(crate) const BRACKETS: [u8; 2] = *b"{[";

/// What a value parses as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    Serialized,
    Json,
}

impl Form {
    /// That of a value; none where it does not parse.
    pub(crate) fn of(value: &[u8]) -> Option<Self> {
        match value {
            [letter, b':', ..] if LETTERS.contains(letter) => {
                is_serialized(value).then_some(Self::Serialized)
            }
            [bracket, ..] if BRACKETS.contains(bracket) => is_json(value).then_some(Self::Json),
            _ => None,
        }
    }
}

/// Which cells of some rows parse, and as what: how many, and the sum of what names each. Two sides with one sum have the same ones, but
/// for one in sixteen million million million.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Parsing {
    pub values: u64,
    sum: u64,
}

impl Parsing {
    /// Takes a cell in, of the row with this key.
    pub(crate) fn cell<'a>(
        &mut self,
        key: impl Iterator<Item = Option<&'a [u8]>>,
        column: usize,
        value: &[u8],
    ) {
        let Some(form) = Form::of(value) else { return };
        let mut hasher = DefaultHasher::new();
        (column, form).hash(&mut hasher);
        key.for_each(|part| part.hash(&mut hasher));
        self.values += 1;
        self.sum = self.sum.wrapping_add(hasher.finish());
    }

    /// Takes in what other rows have.
    pub(crate) fn add(&mut self, other: Self) {
        self.values += other.values;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsing(cells: &[(&str, usize, &str)]) -> Parsing {
        let mut parsing = Parsing::default();
        for (key, column, value) in cells {
            parsing.cell([Some(key.as_bytes())].into_iter(), *column, value.as_bytes());
        }
        parsing
    }

    #[test]
    fn both_sides_look_alike_where_the_same_cells_parse_whatever_they_hold() {
        let source = parsing(&[("1", 0, "a:1:{i:0;s:3:\"old\";}"), ("2", 0, "plain"), ("3", 1, "[1]")]);
        let copy = parsing(&[("3", 1, "[22]"), ("1", 0, "a:1:{i:0;s:5:\"newer\";}"), ("2", 0, "")]);
        assert_eq!(source, copy);
        assert_eq!(source.values, 2);
    }

    #[test]
    fn a_cell_that_parses_on_one_side_alone_is_not_made_up_for_by_another() {
        let source = parsing(&[("1", 0, "s:3:\"old\";"), ("2", 0, "s:9:\"old\";")]);
        let copy = parsing(&[("1", 0, "s:3:\"newer\";"), ("2", 0, "s:3:\"old\";")]);
        assert_eq!(source.values, copy.values);
        assert_ne!(source, copy);
        assert_ne!(parsing(&[("1", 0, "[1]")]), parsing(&[("1", 1, "[1]")]));
        assert_ne!(parsing(&[("1", 0, "[1]")]), parsing(&[("1", 0, "s:1:\"1\";")]));
    }
}
