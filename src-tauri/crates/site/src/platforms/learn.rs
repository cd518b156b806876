use std::path::Path;

use super::{Folder, Kind, Network, NetworkSite, Site};
use crate::defaults::{Cell, Tables};
use crate::{Part, Problem, Result};

impl Site {
    /// Asks the site's database for what only it knows: the prefix of its tables where the configuration does not say it, addresses,
    /// title, the sites of a network, a moved folder of uploads.
    ///
    /// # Errors
    /// `database.no-site` if the tables of the site are not there, `database.several-sites` if those of several are.
    pub async fn learn(&mut self, tables: &mut dyn Tables) -> Result<()> {
        if self.kind != Kind::WordPress {
            return Ok(());
        }
        let prefix = self.settle_prefix(tables).await?;
        let home = option(tables, &prefix, "home").await?;
        let siteurl = option(tables, &prefix, "siteurl").await?;
        let trimmed = |address: String| address.trim_end_matches('/').to_owned();
        self.title = option(tables, &prefix, "blogname").await?;
        self.home = self.home.take().or(home.map(trimmed));
        self.siteurl = self.siteurl.take().or(siteurl.map(trimmed));
        if let Some(path) = option(tables, &prefix, "upload_path").await? {
            self.uploads_moved_to(&path);
        }
        if let Some(network) = &mut self.network {
            learn_network(network, tables, &prefix).await?;
        }
        Ok(())
    }

    async fn settle_prefix(&mut self, tables: &mut dyn Tables) -> Result<String> {
        let names = tables.names().await?;
        let Some(database) = &mut self.database else {
            return Err(Problem::permanent("database.missing", "The site has no database."));
        };
        if let Some(prefix) = &database.prefix {
            if names.iter().any(|name| name.eq_ignore_ascii_case(&format!("{prefix}options"))) {
                return Ok(prefix.clone());
            }
            return Err(no_site(&database.address, &format!("whose names begin with '{prefix}'")));
        }
        let mut prefixes: Vec<_> = names
            .iter()
            .filter_map(|name| name.strip_suffix("options"))
            .filter(|prefix| {
                ["posts", "users"].iter().all(|table| names.contains(&format!("{prefix}{table}")))
            })
            .collect();
        match (prefixes.pop(), prefixes.is_empty()) {
            (Some(prefix), true) => {
                database.prefix = Some(prefix.to_owned());
                Ok(prefix.to_owned())
            }
            (None, _) => Err(no_site(&database.address, "of WordPress")),
            (Some(_), false) => Err(Problem::needs_person(
                "database.several-sites",
                format!("{} holds the tables of several sites.", database.address),
            )
            .help("Say what the names of this site's tables begin with, with --prefix.")),
        }
    }

    fn uploads_moved_to(&mut self, path: &str) {
        let path = path.trim_matches('/');
        let core = self.root.join(&self.core);
        if path.is_empty() || core.join(path) == self.root.join(&self.content).join("uploads") {
            return;
        }
        let absolute = Path::new("/").join(path);
        let inside = absolute.strip_prefix(&self.root).map_or_else(|_| self.core.join(path), Path::to_owned);
        if self.root.join(&inside).is_dir() {
            self.folders.push(Folder { path: inside, part: Part::Media });
        } else if absolute.is_dir() {
            self.unread.push(format!(
                "Uploads are in {}, outside the site's folder; they stay there.",
                absolute.display()
            ));
        }
    }
}

fn no_site(address: &crate::databases::DatabaseAddress, which: &str) -> Problem {
    Problem::permanent("database.no-site", format!("{address} has no tables {which}."))
        .help("Check the database and $table_prefix in wp-config.php.")
}

async fn option(tables: &mut dyn Tables, prefix: &str, name: &str) -> Result<Option<String>> {
    let sql = format!("SELECT option_value FROM `{prefix}options` WHERE option_name = ?");
    let rows = tables.query(&sql, &[name.into()]).await?;
    Ok(rows.first().map(|row| row[0].text()).filter(|text| !text.is_empty()))
}

async fn learn_network(network: &mut Network, tables: &mut dyn Tables, prefix: &str) -> Result<()> {
    let main =
        tables.query(&format!("SELECT domain, path FROM `{prefix}site` ORDER BY id LIMIT 1"), &[]).await?;
    if let Some(row) = main.first() {
        network.domain = row[0].text();
        network.path = row[1].text();
    }
    network.sites.clear();
    let sql = format!("SELECT blog_id, domain, path FROM `{prefix}blogs` ORDER BY blog_id");
    for row in tables.query(&sql, &[]).await? {
        let id = row[0].number().and_then(|id| u64::try_from(id).ok()).unwrap_or_default();
        let own = site_prefix(prefix, id);
        let home = option(tables, &own, "home").await?.unwrap_or_default();
        let siteurl = option(tables, &own, "siteurl").await?.unwrap_or_default();
        let (domain, path) = (row[1].text(), row[2].text());
        network.sites.push(NetworkSite { id, domain, path, home, siteurl });
    }
    Ok(())
}

/// The prefix of the tables of one site of a network: the first one has that of the network itself.
pub(crate) fn site_prefix(prefix: &str, id: u64) -> String {
    if id <= 1 { prefix.to_owned() } else { format!("{prefix}{id}_") }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or_else(|_| number.to_string().into(), Self::Int)
    }
}
