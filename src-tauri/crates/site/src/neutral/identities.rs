//! Identities at other services, which a copy must not use.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::{Neutralised, serialized};
use crate::Result;
use crate::defaults::{Cell, Tables, Target};
use crate::platforms::Kind;

/// Option names and what to do with each, by plugin. The file is data: a plugin more is a line more.
static KNOWN: LazyLock<Vec<Plugin>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("identities.json")).expect("the file is checked by a test")
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plugin {
    plugin: String,
    #[serde(default)]
    options: Vec<Change>,
    #[serde(default)]
    tables: Vec<TableChange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// Name of the option; a star stands for anything.
    name: String,
    #[serde(default)]
    r#do: Option<Deed>,
    #[serde(default)]
    value: String,
    /// Scalars inside a serialized array, by their keys with dots between; `null` empties.
    #[serde(default)]
    keys: BTreeMap<String, Value>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Deed {
    Delete,
    Blank,
    Set,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableChange {
    name: String,
    set: BTreeMap<String, String>,
}

/// Where options are: one table for a site, one for a network.
struct Options {
    table: String,
    name: &'static str,
    value: &'static str,
}

/// Takes the known identities at other services out of the copy's database. Repeating it changes nothing more.
pub async fn disarm(target: &Target<'_>, tables: &mut dyn Tables) -> Result<Vec<Neutralised>> {
    if target.site.kind != Kind::WordPress {
        return Ok(Vec::new());
    }
    let names = tables.names().await?;
    let mut done = Vec::new();
    let prefixes = target.prefixes();
    let mut places: Vec<_> = prefixes
        .iter()
        .map(|prefix| Options {
            table: format!("{prefix}options"),
            name: "option_name",
            value: "option_value",
        })
        .collect();
    if let Some(prefix) = target.site.prefix().filter(|_| target.site.network.is_some()) {
        places.push(Options { table: format!("{prefix}sitemeta"), name: "meta_key", value: "meta_value" });
    }
    for known in KNOWN.iter() {
        for place in places.iter().filter(|place| names.contains(&place.table)) {
            for change in &known.options {
                for name in change.apply(place, tables).await? {
                    done.push(Neutralised::new(
                        "identity",
                        format!("{}: {name} in {}", known.plugin, place.table),
                    ));
                }
            }
        }
        for change in &known.tables {
            for table in prefixes.iter().map(|prefix| format!("{prefix}{}", change.name)) {
                if names.contains(&table) && change.apply(&table, tables).await? > 0 {
                    done.push(Neutralised::new("identity", format!("{}: {table}", known.plugin)));
                }
            }
        }
    }
    Ok(done)
}

impl Change {
    /// The names of the options that were changed.
    async fn apply(&self, place: &Options, tables: &mut dyn Tables) -> Result<Vec<String>> {
        let Options { table, name, value } = place;
        let pattern = self.name.replace('!', "!!").replace('%', "!%").replace('_', "!_").replace('*', "%");
        let sql = format!("SELECT {name}, {value} FROM `{table}` WHERE {name} LIKE ? ESCAPE '!'");
        let mut changed = Vec::new();
        for row in tables.query(&sql, &[pattern.into()]).await? {
            let (option, Cell::Bytes(before)) = (row[0].clone(), &row[1]) else { continue };
            let after = match self.r#do {
                Some(Deed::Delete) => {
                    tables
                        .execute(
                            &format!("DELETE FROM `{table}` WHERE {name} = ?"),
                            std::slice::from_ref(&option),
                        )
                        .await?;
                    changed.push(option.text());
                    continue;
                }
                Some(Deed::Blank) => Vec::new(),
                Some(Deed::Set) => self.value.clone().into_bytes(),
                None => self.keyed(before),
            };
            if after != *before {
                let sql = format!("UPDATE `{table}` SET {value} = ? WHERE {name} = ?");
                tables.execute(&sql, &[Cell::Bytes(after), option.clone()]).await?;
                changed.push(option.text());
            }
        }
        Ok(changed)
    }

    fn keyed(&self, before: &[u8]) -> Vec<u8> {
        let mut value = before.to_vec();
        for (path, by) in &self.keys {
            let path: Vec<_> = path.split('.').collect();
            if let Some(after) = serialized::replaced(&value, &path, by) {
                value = after;
            }
        }
        value
    }
}

impl TableChange {
    async fn apply(&self, table: &str, tables: &mut dyn Tables) -> Result<u64> {
        let mut changed = 0;
        for (column, value) in &self.set {
            let sql = format!("UPDATE `{table}` SET `{column}` = ? WHERE `{column}` <> ?");
            changed += tables.execute(&sql, &[value.as_str().into(), value.as_str().into()]).await?;
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_known_identities_can_be_read_and_each_line_says_what_to_do() {
        assert!(KNOWN.len() > 30);
        for known in KNOWN.iter() {
            assert!(!known.options.is_empty() || !known.tables.is_empty(), "{}", known.plugin);
            for change in &known.options {
                assert!(change.r#do.is_some() == change.keys.is_empty(), "{}", change.name);
            }
        }
    }
}
