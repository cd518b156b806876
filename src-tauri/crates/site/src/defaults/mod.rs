//! What a copy is given of its own: configuration, settings in the database, a login.
//!
//! [`configure`] edits the copy's configuration files in place; [`settle`] changes its database through the small trait [`Tables`].
//! Both may be repeated, and answer what they changed as [`Setting`]s without secrets. Neither ever writes outside the copy's folder,
//! also where a link in the copy leads out of it.

mod bedrock;
mod configuration;
mod database;
mod login;
mod noted;
mod salts;
mod server_files;
mod tables;
mod write;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::databases::DatabaseAddress;
use crate::platforms::{self, Configuration, Hints, Site};
use crate::{Problem, Result, Secret};

pub use database::settle;
pub use login::Login;
pub use noted::Noted;
pub(crate) use salts::{NAMES as SALTS, salt, token};
pub use tables::{Cell, Tables};
pub(crate) use write::write_inside;

/// A copy that is being given its own settings.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The source, as it was recognised and learned.
    pub site: &'a Site,
    /// The copy's folder.
    pub root: &'a Path,
    /// The copy's address.
    pub url: &'a str,
    /// The copy's database.
    pub database: Option<&'a DatabaseAddress>,
    /// The password for it.
    pub password: &'a Secret,
    /// Whether to switch the platform's debugging on or off; none leaves it as it was.
    pub debug: Option<bool>,
}

impl Target<'_> {
    /// Where the copy has what is at `path` in the source, if it is part of what was copied.
    pub fn mapped(&self, path: &Path) -> Option<PathBuf> {
        let tree = self.site.trees.iter().filter(|tree| path.starts_with(&tree.from));
        let tree = tree.max_by_key(|tree| tree.from.components().count())?;
        let rest = path.strip_prefix(&tree.from).ok()?;
        Some(joined(&joined(self.root, &tree.place), rest))
    }
}

/// `path` joined to `root`, without the slash at the end that an empty `path` leaves.
pub(crate) fn joined(root: &Path, path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { root.to_owned() } else { root.join(path) }
}

/// One thing that was changed, for the receipt. Secrets are named, never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// What: a constant, an option, a file.
    pub name: String,
    /// What it was; empty where it was not set or is a secret.
    pub from: String,
    /// What it is now; `new` for a secret.
    pub to: String,
}

impl std::fmt::Display for Setting {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.from.as_str() {
            "" => write!(out, "{}: {}", self.name, self.to),
            from => write!(out, "{}: {from} → {}", self.name, self.to),
        }
    }
}

impl Setting {
    pub(crate) fn new(name: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { name: name.into(), from: from.into(), to: to.into() }
    }

    pub(crate) fn secret(name: impl Into<String>) -> Self {
        Self::new(name, "", "new")
    }
}

/// The paths, below the root of a copy, of files that this module may have put into it.
pub fn written(site: &Site) -> Vec<PathBuf> {
    site.configuration.iter().flat_map(Configuration::files).map(Path::to_owned).collect()
}

/// Whether this module may have changed the file of a copy that is at this path below its root.
pub fn changes(site: &Site, path: &Path) -> bool {
    site.configuration.iter().flat_map(Configuration::files).any(|file| file == path)
        || server_files::all(site).any(|file| file == path)
}

/// Gives the copy's configuration files its own database, addresses, paths and salts.
///
/// # Errors
/// `config.outside` if a file to be changed is shared with somewhere outside the copy, `config.elsewhere` if the copy would use another
/// database than its own all the same, else what reading and writing meet.
pub fn configure(target: &Target<'_>) -> Result<Vec<Setting>> {
    let mut settings = configuration::configure(target)?;
    settings.extend(server_files::adapt(target)?);
    must_use_its_own(target)?;
    Ok(settings)
}

/// Reads the copy's configuration as a stranger would. What cannot be read before run time was replaced wherever it stood.
fn must_use_its_own(target: &Target<'_>) -> Result<()> {
    if target.site.configuration.is_none() {
        return Ok(());
    }
    let Ok(copy) = platforms::recognise(target.root, &Hints::default()) else { return Ok(()) };
    let Some(found) = copy.site.database.map(|database| database.address) else { return Ok(()) };
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let is_its_own = match (&found, target.database) {
        (DatabaseAddress::Mysql { name, .. }, Some(DatabaseAddress::Mysql { name: due, .. })) => name == due,
        (DatabaseAddress::Sqlite { path }, Some(DatabaseAddress::Sqlite { path: due })) => {
            real(path) == real(due)
        }
        // It was left out: any but the source's.
        (_, None) => true,
        _ => false,
    };
    let is_the_sources = target.site.database.as_ref().is_some_and(|source| source.address == found);
    if is_its_own && !is_the_sources {
        return Ok(());
    }
    Err(Problem::permanent(
        "config.elsewhere",
        format!("The configuration of the copy leads to the database {found}, which is not its own."),
    )
    .help("Something in it that Clonedeck does not know sets the database once more. Nothing of the copy was started. Name the file with --source-config, or take that setting out of the site, then clone again.")
    .with("found", &found))
}
