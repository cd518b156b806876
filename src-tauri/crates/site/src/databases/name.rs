//! Names for the databases of copies.

use std::path::Path;

/// The longest name of a database on MariaDB and MySQL.
pub(super) const LONGEST: usize = 64;

/// Room for the end of the name under which old content is set aside.
const ROOM: usize = 10;

/// A name for the copy of the database `source` in the folder `place`, not in `taken`, which is compared without case. It starts as the
/// source's name does, so that rights which are given on a pattern of names reach it, and holds nothing that has to be quoted for a
/// shell. Copies in folders of one name on different disks get names of their own.
pub(super) fn for_copy(source: &str, place: &Path, taken: &[String]) -> String {
    let folder = place.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let both = format!("{}_{}", plain(source), plain(&folder).replace('-', "_").trim_matches('_'));
    let name = |number: u64| {
        let mut hash = blake3::Hasher::new();
        hash.update(place.as_os_str().as_encoded_bytes()).update(&number.to_le_bytes());
        let end = &hash.finalize().to_hex()[..6];
        let stem: String = both.chars().take(LONGEST - ROOM - end.len() - 1).collect();
        format!("{}_{end}", stem.trim_end_matches('_'))
    };
    let is_free = |name: &String| !taken.iter().any(|known| known.eq_ignore_ascii_case(name));
    (0..10_000).map(name).find(is_free).unwrap_or_default()
}

fn plain(text: &str) -> String {
    let sign = |sign: char| if sign.is_ascii_alphanumeric() || "_-".contains(sign) { sign } else { '_' };
    let plain: String = text.chars().map(sign).collect();
    if plain.contains(|sign: char| sign.is_ascii_alphanumeric()) { plain } else { "site".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_named_after_its_source_and_its_place_and_like_no_other_database() {
        let name = |place: &str, taken: &[String]| for_copy("Shop", Path::new(place), taken);
        let first = name("/srv/Shop copy", &[]);
        assert!(
            first.starts_with("Shop_shop_copy_") && first.len() == "Shop_shop_copy_".len() + 6,
            "{first}"
        );
        assert_eq!(name("/srv/Shop copy", &[]), first, "a place has one name");
        assert_ne!(name("/mnt/Shop copy", &[]), first);
        assert_ne!(name("/srv/Shop copy", &[first.to_ascii_uppercase()]), first);
    }

    #[test]
    fn a_name_is_safe_and_short_enough_whatever_the_source_is_called() {
        let name = |source: &str| for_copy(source, Path::new("/srv/kopie"), &[]);
        assert!(
            name("my-shop; DROP `x`").starts_with("my-shop__DROP__x__kopie_"),
            "{}",
            name("my-shop; DROP `x`")
        );
        assert!(name("\u{5e97}").starts_with("site_kopie_"));
        assert_eq!(name(&"x".repeat(64)).len(), 54);
    }
}
