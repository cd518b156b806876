//! Which copies are not started by themselves. Nobody knows where a site in PHP of no known kind says which database it uses, so nothing
//! is changed there, and its copy is not started as long as it names the source's. Nor is a WordPress that was not copied whole.

use std::path::{Path, PathBuf};

use clonedeck_site::Part;
use clonedeck_site::databases::DatabaseAddress;
use clonedeck_site::files::{Index, Kind as Entry};
use clonedeck_site::platforms::{Kind, Site};

use super::Planned;

/// A file larger than this is no configuration.
const LARGEST: u64 = 256 << 10;
/// Files that are read, at most.
const MOST: usize = 5000;

/// What in the PHP of a site speaks to a database.
const SPEAKS: [&str; 8] = [
    "mysqli",
    "new PDO",
    "new \\PDO",
    "mysql_connect",
    "pg_connect",
    "DB_HOST",
    "DB_DATABASE",
    "DATABASE_URL",
];

/// Why the copy of a site is not started by itself, with what to do; `root` is the site or its copy, `index` its files.
pub(super) fn sentence(site: &Site, planned: &Planned, index: &Index, root: &Path) -> Option<String> {
    if site.kind == Kind::WordPress {
        return lacking(site, planned).or_else(|| names_another(site, planned, root));
    }
    if site.kind != Kind::Php {
        return None;
    }
    let (from, to) = match (&site.database, &planned.database) {
        (Some(from), Some(to)) => (&from.address, to),
        _ => {
            let file = texts(index, root).find(|(_, text)| SPEAKS.iter().any(|word| text.contains(word)))?.0;
            return Some(format!(
                "{} speaks to a database, and none was copied: the copy would work on the one of the source. Clone again with --source-db, or let the copy name a database of its own.",
                file.display()
            ));
        }
    };
    let file = texts(index, root).find(|(_, text)| names(text, from, to))?.0;
    Some(named(&file, to))
}

fn named(file: &Path, to: &DatabaseAddress) -> String {
    let name = match to {
        DatabaseAddress::Mysql { name, .. } => name.clone(),
        DatabaseAddress::Sqlite { path } => path.display().to_string(),
    };
    format!(
        "{} names the database of the source: the copy would work on that one. Let it name {name} before the copy is started.",
        file.display()
    )
}

/// The file in which drop-ins for several databases (HyperDB, LudicrousDB) have theirs, if it does not go by the configuration.
fn names_another(site: &Site, planned: &Planned, root: &Path) -> Option<String> {
    let (from, to) = (&site.database.as_ref()?.address, planned.database.as_ref()?);
    let files = [&site.web, &site.core, &site.content].map(|folder| folder.join("db-config.php"));
    let text = |file: &PathBuf| std::fs::read_to_string(root.join(file)).unwrap_or_default();
    let file = files.into_iter().find(|file| names(&text(file), from, to))?;
    Some(named(&file, to))
}

/// What a WordPress that was not copied whole cannot be started without.
fn lacking(site: &Site, planned: &Planned) -> Option<String> {
    let left_out = |part: Part| planned.left_out.iter().any(|out| out.pattern == part.name());
    if !planned.parts.contains_key(&Part::Core) && left_out(Part::Core) {
        return Some("Its core was left out, so there is nothing that could be started.".to_owned());
    }
    (site.database.is_some() && planned.database.is_none()).then(|| {
        "Its database was left out, and it must not work on the one of the source. Let its configuration name a database of its own."
            .to_owned()
    })
}

/// The texts of a site that may be a configuration, by their path below `root`.
fn texts<'a>(index: &'a Index, root: &'a Path) -> impl Iterator<Item = (PathBuf, String)> + 'a {
    index
        .entries()
        .filter(|entry| {
            matches!(entry.kind, Entry::File { .. }) && entry.size <= LARGEST && may_configure(entry.path)
        })
        .take(MOST)
        .filter_map(|entry| {
            let bytes = std::fs::read(root.join(entry.path)).ok()?;
            Some((entry.path.to_owned(), String::from_utf8_lossy(&bytes).into_owned()))
        })
}

fn may_configure(path: &Path) -> bool {
    let foreign = path.iter().any(|folder| folder == "vendor" || folder == "node_modules");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    !foreign
        && (name.starts_with(".env")
            || matches!(
                kind,
                "php" | "inc" | "ini" | "yml" | "yaml" | "json" | "xml" | "toml" | "neon" | "conf"
            ))
}

/// Whether a configuration names the source's database, and the user or server with it: the name alone may be any word.
fn names(text: &str, from: &DatabaseAddress, to: &DatabaseAddress) -> bool {
    match (from, to) {
        (DatabaseAddress::Mysql { user, name, .. }, DatabaseAddress::Mysql { name: new, .. }) => {
            name != new && is_value(text, name) && (user.is_empty() || is_value(text, user))
        }
        (DatabaseAddress::Sqlite { path }, _) => text.contains(&*path.to_string_lossy()),
        (DatabaseAddress::Mysql { .. }, DatabaseAddress::Sqlite { .. }) => false,
    }
}

/// Whether `word` stands in a text as a value: quoted, after an equals sign, or as a part of an address.
fn is_value(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().unwrap_or('\n');
        let after = text[at + word.len()..].chars().next().unwrap_or('\n');
        "'\"=/ ".contains(before) && ("'\";?&:@,".contains(after) || after.is_whitespace())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_names_the_database_and_its_user_is_told_from_a_text_with_these_words() {
        let from: DatabaseAddress = "mysql://keeper@/shop?socket=/s".parse().unwrap();
        let to: DatabaseAddress = "mysql://keeper@/shop_copy?socket=/s".parse().unwrap();
        for text in [
            "<?php return ['db' => 'shop', 'user' => 'keeper'];",
            "DB_DATABASE=shop\nDB_USERNAME=keeper\n",
            "new PDO('mysql:dbname=shop;host=x', 'keeper', '')",
            "DATABASE_URL=mysql://keeper:secret@localhost/shop?charset=utf8",
        ] {
            assert!(names(text, &from, &to), "{text}");
        }
        for text in [
            "<?php return ['db' => 'shop_copy', 'user' => 'keeper'];",
            "<?php // the shop and whoever keeps it\necho 'shop';",
            "DB_DATABASE=workshop\nDB_USERNAME=keeper\n",
        ] {
            assert!(!names(text, &from, &to), "{text}");
        }
    }
}
