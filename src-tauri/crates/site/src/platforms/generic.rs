use std::path::{Path, PathBuf};

use super::{Database, Hints, Kind, Platform, Recognised, Site, Tree, wordpress};
use crate::Result;

/// A site in PHP of no known kind; its database is the one that the operator names.
pub(super) struct PhpSite;

/// What is said of a site in PHP whose database was not named.
const NO_DATABASE: &str =
    "If this site has a database, name it with --source-db: without that its copy works on the same one.";

/// A site of files only.
pub(super) struct StaticSite;

impl Platform for PhpSite {
    fn recognise(&self, folder: &Path, hints: &Hints) -> Result<Option<Recognised>> {
        let web = [Path::new(""), Path::new("public"), Path::new("web")]
            .into_iter()
            .find(|web| folder.join(web).join("index.php").is_file());
        if let Some(web) = web.filter(|web| !web.as_os_str().is_empty()) {
            let inner = folder.join(web);
            if wordpress::is_in(&inner) {
                return Err(super::not_found(folder));
            }
        }
        Ok(web.map(|web| site(Kind::Php, folder, web, hints)))
    }
}

impl Platform for StaticSite {
    fn recognise(&self, folder: &Path, hints: &Hints) -> Result<Option<Recognised>> {
        let page = ["index.html", "index.htm"].iter().any(|name| folder.join(name).is_file());
        Ok(page.then(|| site(Kind::Static, folder, Path::new(""), hints)))
    }
}

fn site(kind: Kind, folder: &Path, web: &Path, hints: &Hints) -> Recognised {
    let database = (kind == Kind::Php)
        .then(|| hints.database.clone().map(|address| Database { address, prefix: hints.prefix.clone() }))
        .flatten();
    let unread = match (kind, &database) {
        (Kind::Php, None) => vec![NO_DATABASE.to_owned()],
        _ => Vec::new(),
    };
    let site = Site {
        kind,
        version: None,
        root: folder.to_owned(),
        web: web.to_owned(),
        core: PathBuf::new(),
        content: PathBuf::new(),
        trees: vec![Tree { from: folder.to_owned(), place: PathBuf::new() }],
        folders: Vec::new(),
        configuration: None,
        database,
        home: hints.url.as_deref().map(|url| url.trim_end_matches('/').to_owned()),
        siteurl: None,
        addresses_fixed: false,
        network: None,
        title: None,
        unread,
    };
    Recognised { site, password: hints.password.clone().unwrap_or_default() }
}
