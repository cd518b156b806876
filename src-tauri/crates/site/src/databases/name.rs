//! Names for the databases of copies.

/// The longest name of a database on MariaDB and MySQL.
pub(super) const LONGEST: usize = 64;

/// Room for the end of the name under which old content is set aside.
const ROOM: usize = 10;

/// A name for a copy of the database `source` that is not in `taken`, which is compared without case. It starts as the source's name
/// does, so that rights which are given on a pattern of names reach it, and holds nothing that has to be quoted anywhere.
pub(super) fn for_copy(source: &str, taken: &[String]) -> String {
    let plain: String = source
        .chars()
        .map(|sign| if sign.is_ascii_alphanumeric() || sign == '_' { sign.to_ascii_lowercase() } else { '_' })
        .collect();
    let plain =
        if plain.chars().any(|sign| sign.is_ascii_alphanumeric()) { plain } else { "site".to_owned() };
    let mut number = 1;
    loop {
        let end = if number == 1 { "_copy".to_owned() } else { format!("_copy{number}") };
        let stem: String = plain.chars().take(LONGEST - ROOM - end.len()).collect();
        let name = format!("{stem}{end}");
        if !taken.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            return name;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_named_after_its_source_and_like_no_other_database() {
        assert_eq!(for_copy("shop", &[]), "shop_copy");
        assert_eq!(for_copy("Shop", &["SHOP_copy".into(), "shop_copy2".into()]), "shop_copy3");
    }

    #[test]
    fn a_name_is_safe_and_short_enough_whatever_the_source_is_called() {
        assert_eq!(for_copy("my-shop; DROP `x`", &[]), "my_shop__drop__x__copy");
        assert_eq!(for_copy("\u{5e97}", &[]), "site_copy");
        let long = for_copy(&"x".repeat(64), &[]);
        assert!(long.len() <= 54 && long.ends_with("_copy"), "{long}");
    }
}
