//! Neutral before first start: what keeps a copy from acting in the world as if it were the original.
//!
//! [`install`] puts a must-use plugin of ours into the copy, which WordPress cannot be started without; [`disarm`] takes known
//! identities at other services out of its database. Both come before anything starts the copy. [`lift`] takes switches back.
//!
//! A site in PHP of no known kind has no place for a plugin: what its copy is kept from is written down beside what it catches, and
//! only a preview holds it to that.
//!
//! The plugin stops what goes through WordPress. A preview adds what goes around it (see [`crate::preview`]): PHP's own `mail()` and
//! requests made with curl alone.

mod identities;
mod plugin;
mod serialized;

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::defaults::{Tables, Target, joined, write_inside};
use crate::platforms::{Kind, Site, learn};
use crate::{Problem, Result};

pub use identities::disarm;

/// What a copy is kept from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    /// Mail is caught into a folder.
    pub mail: bool,
    /// Requests to other servers are refused and listed.
    pub egress: bool,
    /// Hosts that may be called all the same; `*.example.com` stands for every host below.
    pub allow: Vec<String>,
    /// Cron and Action Scheduler stand still.
    pub cron: bool,
    /// Search engines are told to stay away.
    pub crawlers: bool,
    /// A mark in the admin bar and at the login says that this is a copy.
    pub mark: bool,
    /// Object and page caches that the copy would share with the source are set aside.
    pub caches: bool,
    /// Where caught mail and the list of refused requests are kept; none for a folder of the copy.
    pub caught: Option<PathBuf>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            mail: true,
            egress: true,
            allow: Vec::new(),
            cron: true,
            crawlers: true,
            mark: true,
            caches: true,
            caught: None,
        }
    }
}

impl Switches {
    /// Everything off: what [`lift`] takes to lift it all.
    pub fn none() -> Self {
        Self {
            mail: false,
            egress: false,
            cron: false,
            crawlers: false,
            mark: false,
            caches: false,
            ..Self::default()
        }
    }
}

/// Something that was neutralised, for the receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neutralised {
    /// Which switch: `mail`, `egress`, `cron`, `crawlers`, `mark`, `caches`, `identity`.
    pub name: String,
    /// What was done.
    pub detail: String,
}

impl Neutralised {
    pub(crate) fn new(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), detail: detail.into() }
    }
}

/// What a file is called while it is set aside.
const ASIDE: &str = ".before-clonedeck";

/// Files of the content folder that hold or serve pages for many requests, and are shared with the source in a copy.
const CACHES: [&str; 2] = ["object-cache.php", "advanced-cache.php"];

/// What is put in the place of a `robots.txt`; by its first line it is known as ours.
const ROBOTS: &[u8] = b"# This is a copy of a site.\nUser-agent: *\nDisallow: /\n";

/// The file with the switches of a copy that has no plugin, in the folder of what was caught.
const NOTE: &str = "switches.json";

/// What the name of the folder of what was caught begins with.
const CAUGHT: &str = "clonedeck-caught-";

/// The paths, below the root of a copy, of all that this module may have put into it or moved in it. Some need not be there.
pub fn written(site: &Site, root: &Path) -> Vec<PathBuf> {
    let robots = site.web.join("robots.txt");
    let mut written = vec![with_suffix(&robots), robots, plugin::place(site)];
    written.extend(CACHES.map(|name| with_suffix(&site.content.join(name))));
    written.extend(caught_in(&joined(root, &site.content)).filter_map(|folder| {
        let name = folder.file_name()?.to_owned();
        Some(site.content.join(name))
    }));
    written
}

/// Whether this module may have changed or moved the file of a copy that is at this path below its root.
pub fn changes(site: &Site, path: &Path) -> bool {
    path == site.web.join("robots.txt")
        || CACHES.iter().any(|name| path == site.content.join(name))
        // The source may be a copy itself.
        || path == plugin::place(site)
}

/// Makes the copy neutral, as far as files go. Has to come before the copy is first started; repeating it changes nothing more.
pub fn install(target: &Target<'_>, switches: &Switches) -> Result<Vec<Neutralised>> {
    let mut done = Vec::new();
    let web = joined(target.root, &target.site.web);
    if switches.crawlers {
        let robots = web.join("robots.txt");
        if robots.symlink_metadata().is_ok() || target.site.kind != Kind::WordPress {
            set_aside(target.root, &robots)?;
            write_inside(target.root, &robots, ROBOTS)?;
            done.push(Neutralised::new("crawlers", "robots.txt refuses all of them"));
        }
    }
    match target.site.kind {
        Kind::WordPress => {}
        Kind::Php => {
            done.extend(install_note(target, switches)?);
            return Ok(done);
        }
        Kind::Static => return Ok(done),
    }
    let content = joined(target.root, &target.site.content);
    if switches.caches {
        for name in CACHES {
            if content.join(name).symlink_metadata().is_ok() {
                set_aside(target.root, &content.join(name))?;
            }
            if content.join(format!("{name}{ASIDE}")).exists() {
                done.push(Neutralised::new("caches", format!("{name} is set aside")));
            }
        }
    }
    let caught = match &switches.caught {
        Some(caught) => caught.clone(),
        None => own_folder(target.root, &content)?,
    };
    let path = plugin::path(target);
    write_inside(target.root, &path, plugin::text(switches, &caught).as_bytes())?;
    let caught = caught.display();
    for (on, name, detail) in [
        (switches.mail, "mail", format!("caught into {caught}")),
        (
            switches.egress,
            "egress",
            format!("refused and listed in {caught}/blocked-requests.jsonl{}", but(&switches.allow)),
        ),
        (switches.cron, "cron", "WordPress's cron and Action Scheduler stand still".into()),
        (switches.crawlers, "crawlers", "robots.txt, blog_public and X-Robots-Tag refuse all of them".into()),
        (switches.mark, "mark", "shown in the admin bar and at the login".into()),
    ] {
        if on {
            done.push(Neutralised { name: name.into(), detail });
        }
    }
    Ok(done)
}

/// What a preview keeps a copy in PHP of no known kind from.
fn install_note(target: &Target<'_>, switches: &Switches) -> Result<Vec<Neutralised>> {
    let content = joined(target.root, &target.site.content);
    let caught = match &switches.caught {
        Some(caught) => caught.clone(),
        None => own_folder(target.root, &content)?,
    };
    let held = Switches {
        mail: switches.mail,
        egress: switches.egress,
        allow: switches.allow.clone(),
        crawlers: switches.crawlers,
        caught: Some(caught.clone()),
        ..Switches::none()
    };
    write_note(target.root, &content, &held)?;
    let mut done = Vec::new();
    if held.mail {
        let detail = format!("what the preview sends with PHP is caught into {}", caught.display());
        done.push(Neutralised::new("mail", detail));
    }
    if held.egress {
        let detail = format!("requests that the preview makes with curl are refused{}", but(&held.allow));
        done.push(Neutralised::new("egress", detail));
    }
    Ok(done)
}

fn write_note(root: &Path, content: &Path, switches: &Switches) -> Result<()> {
    let text = serde_json::to_vec(switches).unwrap_or_default();
    write_inside(root, &own_folder(root, content)?.join(NOTE), &text)
}

fn read_note(content: &Path) -> Option<Switches> {
    caught_in(content).find_map(|folder| serde_json::from_slice(&fs::read(folder.join(NOTE)).ok()?).ok())
}

fn but(allow: &[String]) -> String {
    if allow.is_empty() { String::new() } else { format!(", except to {}", allow.join(", ")) }
}

/// Which switches are on in a copy; all off where nothing of ours is in it any more.
pub fn switches(target: &Target<'_>) -> Switches {
    let found = match target.site.kind {
        Kind::WordPress => plugin::read(&plugin::path(target)),
        Kind::Php => read_note(&joined(target.root, &target.site.content)),
        Kind::Static => Some(Switches { crawlers: is_ours(&robots(target)), ..Switches::none() }),
    };
    found.unwrap_or_else(Switches::none)
}

fn robots(target: &Target<'_>) -> PathBuf {
    joined(target.root, &target.site.web).join("robots.txt")
}

fn is_ours(robots: &Path) -> bool {
    fs::read(robots).is_ok_and(|text| text == ROBOTS)
}

/// Whether the plugin is in a copy: where it is, it has to run.
pub(crate) fn has_plugin(target: &Target<'_>) -> bool {
    target.site.kind == Kind::WordPress && plugin::read(&plugin::path(target)).is_some()
}

/// The folder in which a copy keeps caught mail and the list of refused requests.
pub fn caught(target: &Target<'_>) -> Option<PathBuf> {
    switches(target).caught
}

/// Leaves on only what is on in `keep`. Identities that were blanked stay blank: a copy never held them for sure. `tables` is needed
/// to let search engines in again.
pub async fn lift(
    target: &Target<'_>,
    keep: &Switches,
    tables: Option<&mut dyn Tables>,
) -> Result<Vec<String>> {
    let now = switches(target);
    let content = joined(target.root, &target.site.content);
    let mut lifted = Vec::new();
    let left = Switches {
        mail: now.mail && keep.mail,
        egress: now.egress && keep.egress,
        allow: now.allow.iter().chain(&keep.allow).cloned().collect(),
        cron: now.cron && keep.cron,
        crawlers: now.crawlers && keep.crawlers,
        mark: now.mark && keep.mark,
        caches: now.caches && keep.caches,
        caught: now.caught.clone(),
    };
    for (before, after, name) in [
        (now.mail, left.mail, "mail"),
        (now.egress, left.egress, "egress"),
        (now.cron, left.cron, "cron"),
        (now.crawlers, left.crawlers, "crawlers"),
        (now.mark, left.mark, "mark"),
        (now.caches, left.caches, "caches"),
    ] {
        if before && !after {
            lifted.push(name.to_owned());
        }
    }
    if !left.caches {
        for name in CACHES {
            put_back(&content.join(name))?;
        }
    }
    if !left.crawlers {
        let robots = robots(target);
        if is_ours(&robots) && !put_back(&robots)? {
            let _ = fs::remove_file(&robots);
        }
        if let Some(tables) = tables
            && target.site.kind == Kind::WordPress
        {
            for prefix in target.prefixes() {
                let sql = format!(
                    "UPDATE `{prefix}options` SET option_value = '1' WHERE option_name = 'blog_public'"
                );
                tables.execute(&sql, &[]).await?;
            }
        }
    }
    if target.site.kind == Kind::WordPress {
        let path = plugin::path(target);
        if left.mail || left.egress || left.cron || left.crawlers || left.mark {
            let caught = left.caught.clone().unwrap_or_else(|| content.join("clonedeck"));
            write_inside(target.root, &path, plugin::text(&left, &caught).as_bytes())?;
        } else {
            let _ = fs::remove_file(&path);
        }
    } else if target.site.kind == Kind::Php && !lifted.is_empty() {
        write_note(target.root, &content, &left)?;
    }
    Ok(lifted)
}

/// A folder of the copy that nobody can guess, and that a web server which reads `.htaccess` serves to nobody.
fn own_folder(root: &Path, content: &Path) -> Result<PathBuf> {
    if let Some(known) = caught_in(content).find(|path| path.is_dir()) {
        return Ok(known);
    }
    let token = crate::defaults::token()?;
    let folder = content.join(format!("{CAUGHT}{token}"));
    write_inside(root, &folder.join(".htaccess"), b"Require all denied\n")?;
    write_inside(root, &folder.join("index.php"), b"<?php\n")?;
    Ok(folder)
}

/// What was caught, in a content folder.
fn caught_in(content: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(content)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(CAUGHT)))
}

fn set_aside(root: &Path, path: &Path) -> Result<()> {
    let aside = with_suffix(path);
    if path.symlink_metadata().is_err() || aside.symlink_metadata().is_ok() {
        return Ok(());
    }
    let parent = path.parent().and_then(|parent| fs::canonicalize(parent).ok());
    if !parent.zip(fs::canonicalize(root).ok()).is_some_and(|(parent, root)| parent.starts_with(root)) {
        return Err(Problem::permanent(
            "config.outside",
            format!("{} lies outside of the copy.", path.display()),
        )
        .help("A link in the site leads there. Put a folder in its place in the copy, then retry.")
        .with("path", path.display()));
    }
    fs::rename(path, &aside).map_err(|error| moving(path, &error))
}

fn put_back(path: &Path) -> Result<bool> {
    let aside = with_suffix(path);
    if aside.symlink_metadata().is_err() {
        return Ok(false);
    }
    fs::rename(&aside, path).map_err(|error| moving(path, &error))?;
    Ok(true)
}

fn with_suffix(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ASIDE);
    path.with_file_name(name)
}

fn moving(path: &Path, error: &std::io::Error) -> Problem {
    Problem::permanent("target.unwritable", format!("{} cannot be renamed: {error}.", path.display()))
        .with("path", path.display())
}

impl Target<'_> {
    /// The prefixes of the tables of every site of the network, or of the one site.
    pub(crate) fn prefixes(&self) -> Vec<String> {
        let prefix = self.site.prefix().unwrap_or("wp_");
        match &self.site.network {
            Some(network) if !network.sites.is_empty() => {
                network.sites.iter().map(|site| learn::site_prefix(prefix, site.id)).collect()
            }
            _ => vec![prefix.to_owned()],
        }
    }
}
