//! What kinds of site there are, how each is recognised, and what its copy needs.
//!
//! [`recognise`] asks each [`Platform`] in turn whether a folder holds a site of its kind. The answer, a [`Site`], is plain data that
//! can be stored with a job; it holds no password. What only the site's database knows (its addresses, its title, the sites of a
//! network) is added by [`Site::learn`].

mod address;
mod env_file;
mod generic;
pub(crate) mod learn;
mod site;
mod wordpress;

use std::path::{Path, PathBuf};

use crate::databases::DatabaseAddress;
use crate::php::Environment;
use crate::{Problem, Result, Secret};

pub(crate) use address::network_address;
pub use address::{Address, pairs};
pub use env_file::EnvFile;
pub use site::{
    Configuration, Database, Folder, Kind, Layout, Network, NetworkKind, NetworkSite, Site, Tree,
};

/// What the operator says about a site beyond its folder. Each goes before what the site itself says.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// Where the source's database is.
    pub database: Option<DatabaseAddress>,
    /// The password for it.
    pub password: Option<Secret>,
    /// What the names of the tables begin with.
    pub prefix: Option<String>,
    /// The address of the site.
    pub url: Option<String>,
    /// The configuration file, where it is in no usual place.
    pub config: Option<PathBuf>,
    /// The environment variables that the web server gives the site.
    pub environment: Environment,
}

/// A site that was recognised, and the password of its database apart from it.
#[derive(Debug, Clone)]
pub struct Recognised {
    /// The site.
    pub site: Site,
    /// The password of the database's user; empty where there is none.
    pub password: Secret,
}

/// A kind of site.
pub trait Platform: Sync {
    /// The site in `folder` if it is one of this kind.
    fn recognise(&self, folder: &Path, hints: &Hints) -> Result<Option<Recognised>>;
}

const PLATFORMS: [&dyn Platform; 3] = [&wordpress::WordPress, &generic::PhpSite, &generic::StaticSite];

/// The site in `folder`.
///
/// # Errors
/// `site.missing` and `site.unreadable` for the folder, `site.not-found` if there is no site in it, `config.computed` if its
/// configuration says something needed only at run time and `hints` do not say it.
pub fn recognise(folder: &Path, hints: &Hints) -> Result<Recognised> {
    let folder = std::fs::canonicalize(folder).map_err(|error| missing(folder, &error))?;
    if !folder.is_dir() {
        return Err(Problem::permanent(
            "site.missing",
            format!("{} is a file, not a folder.", folder.display()),
        )
        .help("Name the folder that the site is in.")
        .with("path", folder.display()));
    }
    std::fs::read_dir(&folder).map_err(|error| missing(&folder, &error))?;
    for platform in PLATFORMS {
        if let Some(found) = platform.recognise(&folder, hints)? {
            return Ok(found);
        }
    }
    Err(not_found(&folder))
}

fn missing(folder: &Path, error: &std::io::Error) -> Problem {
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        Problem::needs_person("site.unreadable", format!("{} cannot be read.", folder.display()))
            .help("Run as the user that owns the site, or give yourself the right to read it.")
    } else {
        Problem::permanent("site.missing", format!("There is no folder {}.", folder.display()))
            .help("Check the spelling; a path from the root is the safest.")
    }
    .with("path", folder.display())
}

fn not_found(folder: &Path) -> Problem {
    let below = ["public_html", "htdocs", "html", "web", "public", "www", "httpdocs", "wordpress"]
        .iter()
        .map(|name| folder.join(name))
        .find(|inner| {
            wordpress::is_in(inner)
                || PLATFORMS
                    .iter()
                    .any(|kind| matches!(kind.recognise(inner, &Hints::default()), Ok(Some(_))))
        });
    let help = match below {
        Some(inner) => format!("There is one in {}: name that folder.", inner.display()),
        None => "A site has a wp-config.php, an index.php or an index.html in its folder.".into(),
    };
    Problem::permanent("site.not-found", format!("No site was found in {}.", folder.display()))
        .help(help)
        .with("path", folder.display())
}
