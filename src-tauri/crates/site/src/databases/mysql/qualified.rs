//! Definitions that name the database they are in.

use super::dialect;
use super::quote;

/// A definition in which the database `from`, wherever it qualifies a name, is `to`; none where it does nowhere. Texts in quotes stay.
pub(super) fn moved(definition: &str, from: &str, to: &str) -> Option<String> {
    let mut out = String::with_capacity(definition.len());
    let mut rest = definition;
    let mut found = false;
    while let Some(sign) = rest.chars().next() {
        let length = match sign {
            '\'' | '"' | '`' => dialect::quoted_length(rest),
            sign if sign.is_alphanumeric() || sign == '_' || sign == '$' => rest
                .find(|sign: char| !(sign.is_alphanumeric() || sign == '_' || sign == '$'))
                .unwrap_or(rest.len()),
            sign => sign.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        // Double quotes hold names in some SQL modes. A text in them qualifies nothing.
        let name = match sign {
            '`' => word.trim_matches('`').replace("``", "`"),
            '"' => word.trim_matches('"').replace("\"\"", "\""),
            _ => word.to_owned(),
        };
        let qualifies = sign != '\''
            && name == from
            && after.trim_start().starts_with('.')
            && !out.trim_end().ends_with('.');
        if qualifies {
            out.push_str(&quote::name(to));
            found = true;
        } else {
            out.push_str(word);
        }
        rest = after;
    }
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_that_names_its_own_database_names_the_copy() {
        let text = "CREATE TRIGGER t AFTER INSERT ON `shop`.`a` FOR EACH ROW INSERT INTO shop . log VALUES ('shop.x', a.shop.b, shopper.c)";
        let new = "CREATE TRIGGER t AFTER INSERT ON `copy`.`a` FOR EACH ROW INSERT INTO `copy` . log VALUES ('shop.x', a.shop.b, shopper.c)";
        assert_eq!(moved(text, "shop", "copy").as_deref(), Some(new));
        assert_eq!(moved("SELECT 'it''s shop.a' FROM b", "shop", "copy"), None);
        assert_eq!(
            moved("SELECT \"shop\" FROM \"shop\".\"a\"", "shop", "copy").as_deref(),
            Some("SELECT \"shop\" FROM `copy`.\"a\"")
        );
    }
}
