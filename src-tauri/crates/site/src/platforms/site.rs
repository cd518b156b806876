use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Part;
use crate::databases::DatabaseAddress;

/// The kinds of site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// WordPress.
    WordPress,
    /// A site in PHP of no known kind.
    Php,
    /// Files only.
    Static,
}

impl Kind {
    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WordPress => "WordPress",
            Self::Php => "PHP",
            Self::Static => "Static site",
        }
    }
}

/// How a site's configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// PHP files whose expressions are edited in place.
    Php,
    /// Bedrock: an `.env` file holds what differs between places.
    Env,
    /// A configuration that serves many sites of the machine; a copy is given one of its own.
    Shared,
}

/// Where the configuration is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// How it is written.
    pub layout: Layout,
    /// The file that is edited: `wp-config.php` or `.env`. May lie outside the site's folder.
    pub file: PathBuf,
    /// Where the copy has it, relative to the copy's folder.
    pub place: PathBuf,
    /// Where the copy has the other files that the configuration is read from, in the same way.
    #[serde(default)]
    pub parts: Vec<PathBuf>,
}

impl Configuration {
    /// Where the copy has every file of it, relative to the copy's folder.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.place).chain(&self.parts).map(PathBuf::as_path)
    }

    /// Where the copy has the `number`th file that comes from outside of the site's folder, relative to the copy's folder.
    pub(crate) fn brought(&self, number: usize) -> PathBuf {
        self.place.with_file_name(format!("wp-config-{number}.php"))
    }
}

/// The database that a site uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Where it is.
    pub address: DatabaseAddress,
    /// What the names of the site's tables begin with; none if only the database can tell, until [`Site::learn`].
    pub prefix: Option<String>,
}

/// A folder that belongs to a part of the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Relative to the copy's folder.
    pub path: PathBuf,
    /// The part.
    pub part: Part,
}

/// A tree of files that is copied whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// Where it is in the source.
    pub from: PathBuf,
    /// Where the copy has it, relative to the copy's folder; empty for the folder itself.
    pub place: PathBuf,
}

/// How the sites of a network are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkKind {
    /// By the first folder of the path.
    Subdirectory,
    /// By host name.
    Subdomain,
}

/// One site of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSite {
    /// WordPress's `blog_id`.
    pub id: u64,
    /// Host name, with a port where it is not the usual one.
    pub domain: String,
    /// Path, with slashes at both ends.
    pub path: String,
    /// Its `home` option.
    pub home: String,
    /// Its `siteurl` option.
    pub siteurl: String,
}

/// A WordPress network (multisite).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// How its sites are told apart.
    pub kind: NetworkKind,
    /// Host name of the main site.
    pub domain: String,
    /// Path of the main site, with slashes at both ends.
    pub path: String,
    /// Its sites; empty until [`Site::learn`].
    pub sites: Vec<NetworkSite>,
}

/// A site: plain data, without any password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its kind.
    pub kind: Kind,
    /// The platform's version, where it says one.
    pub version: Option<String>,
    /// The folder that holds it.
    pub root: PathBuf,
    /// The folder that is served, relative to `root`; empty for `root` itself.
    pub web: PathBuf,
    /// The folder of the platform's own code, relative to `root`: where `wp-load.php` is.
    pub core: PathBuf,
    /// The folder of content (`wp-content`), relative to the copy's folder.
    pub content: PathBuf,
    /// Every tree that the copy needs, the site's folder first.
    pub trees: Vec<Tree>,
    /// The folders that are in another part than [`Part::Core`].
    pub folders: Vec<Folder>,
    /// Its configuration, if it has one that is understood.
    pub configuration: Option<Configuration>,
    /// Its database, if it has one.
    pub database: Option<Database>,
    /// The address of its front page; none until it is known.
    pub home: Option<String>,
    /// The address of the platform's own files, where it differs from `home` (WordPress's `siteurl`).
    pub siteurl: Option<String>,
    /// Whether the configuration fixes these addresses by constants.
    pub addresses_fixed: bool,
    /// The network, if it is one.
    pub network: Option<Network>,
    /// Its title, once the database was asked.
    pub title: Option<String>,
    /// What could not be read, a sentence each.
    pub unread: Vec<String>,
}

impl Site {
    /// The part to which a file belongs, by its path relative to the copy's folder.
    pub fn part_of(&self, path: &Path) -> Part {
        self.folders
            .iter()
            .filter(|folder| path.starts_with(&folder.path))
            .max_by_key(|folder| folder.path.components().count())
            .map_or(Part::Core, |folder| folder.part)
    }

    /// The prefix of the site's tables, once it is known.
    pub fn prefix(&self) -> Option<&str> {
        self.database.as_ref().and_then(|database| database.prefix.as_deref())
    }
}
