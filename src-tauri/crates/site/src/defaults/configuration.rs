use std::fs;
use std::path::{Path, PathBuf};

use super::{Setting, Target, bedrock, joined, salts, write_inside};
use crate::databases::{DatabaseAddress, Server};
use crate::php::{Edit, Environment, Outcome, Place, Reading, Value};
use crate::platforms::{Address, Configuration, Layout, NetworkKind, pairs};
use crate::{Problem, Result};

/// The database of a copy whose database was left out: there is none of this name, so that it never works on its source's.
pub(super) const NOT_COPIED: &str = "database_was_left_out";

/// Gives the copy's configuration its own values.
pub(super) fn configure(target: &Target<'_>) -> Result<Vec<Setting>> {
    let Some(configuration) = &target.site.configuration else { return Ok(Vec::new()) };
    match configuration.layout {
        Layout::Php => php(target, configuration),
        Layout::Env => bedrock::configure(target),
        Layout::Shared => own(target, configuration),
    }
}

fn php(target: &Target<'_>, configuration: &Configuration) -> Result<Vec<Setting>> {
    let main = target.root.join(&configuration.place);
    bring_in(target, configuration, &main)?;
    let abspath = format!("{}/", joined(&target.site.root, &target.site.core).display());
    let before = Reading::of(&configuration.file, &Environment::default(), &[("ABSPATH", &abspath)])
        .unwrap_or_default();
    let mut settings = Vec::new();
    // What the operator asks for first, then what follows from it: a constant made from WP_HOME needs no edit of its own.
    for pass in [direct, moved] {
        let core = joined(target.root, &target.site.core);
        let abspath = format!("{}/", core.display());
        let reading = Reading::of(&main, &Environment::default(), &[("ABSPATH", &abspath)])?;
        let wanted = pass(target, &reading, &before)?;
        let mut edit = Edit::new(&reading);
        for Wanted { name, value, secret, variable } in wanted {
            if variable {
                edit.variable(&name, &value);
            } else {
                edit.constant(&name, &value);
            }
            let known = if variable { before.variable(&name) } else { before.constant(&name) };
            let from = known.ok().flatten().map(spoken);
            let shown = if variable { format!("${name}") } else { name };
            if !secret {
                settings.push(Setting::new(shown, from.unwrap_or_default(), spoken(&value)));
            } else if from != Some(spoken(&value)) {
                settings.push(Setting::secret(shown));
            }
        }
        for (path, bytes) in edit.finish()? {
            write_inside(target.root, &path, &bytes)?;
        }
    }
    settings.retain(|setting| setting.from != setting.to);
    Ok(settings)
}

/// A value as the receipt says it.
pub(super) fn spoken(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => other.literal(),
    }
}

/// A name of the configuration, and what it has to be in the copy.
pub(super) struct Wanted {
    pub name: String,
    pub value: Value,
    pub secret: bool,
    pub variable: bool,
}

fn constant(name: &str, value: impl Into<Value>) -> Wanted {
    Wanted { name: name.to_owned(), value: value.into(), secret: false, variable: false }
}

fn secret(name: &str, value: impl Into<Value>) -> Wanted {
    Wanted { secret: true, ..constant(name, value) }
}

pub(super) fn direct(target: &Target<'_>, reading: &Reading, _: &Reading) -> Result<Vec<Wanted>> {
    let url = Address::parse(target.url)?;
    let defined = |name: &str| reading.constants.contains_key(name);
    let truth = |name: &str| matches!(reading.constant(name), Ok(Some(value)) if value.truth());
    let mut wanted = Vec::new();
    match target.database {
        Some(DatabaseAddress::Mysql { server, user, name }) => {
            wanted.push(constant("DB_NAME", name.as_str()));
            wanted.push(constant("DB_USER", user.as_str()));
            wanted.push(secret("DB_PASSWORD", target.password.reveal()));
            wanted.push(constant("DB_HOST", host(server)));
        }
        Some(DatabaseAddress::Sqlite { path }) => sqlite(target, reading, path, &mut wanted),
        None => match target.site.database.as_ref().map(|database| &database.address) {
            Some(DatabaseAddress::Mysql { .. }) => wanted.push(constant("DB_NAME", NOT_COPIED)),
            Some(DatabaseAddress::Sqlite { path }) => {
                let usual = || joined(target.root, &target.site.content).join("database/.ht.sqlite");
                sqlite(target, reading, &target.mapped(path).unwrap_or_else(usual), &mut wanted);
            }
            None => {}
        },
    }
    if let (Some(prefix), Err(_)) = (target.site.prefix(), reading.variable("table_prefix")) {
        wanted.push(Wanted { variable: true, ..constant("table_prefix", prefix) });
    }
    for name in salts::NAMES {
        wanted.push(secret(name, salts::salt()?));
    }
    if target.site.network.is_none() {
        let siteurl = siteurl(target, &url);
        for (name, value) in [("WP_HOME", url.to_string()), ("WP_SITEURL", siteurl)] {
            if defined(name) {
                wanted.push(constant(name, value));
            }
        }
    }
    if target.site.network.is_some() {
        wanted.push(constant("DOMAIN_CURRENT_SITE", url.authority()));
        wanted.push(constant("PATH_CURRENT_SITE", format!("{}/", url.path)));
    }
    let by_host = target.site.network.as_ref().is_some_and(|network| network.kind == NetworkKind::Subdomain);
    // A network of host names makes the cookies' domain from its own, port and all, which no browser takes.
    let with_port = by_host && url.port.is_some();
    if with_port || matches!(reading.constant("COOKIE_DOMAIN"), Ok(Some(value)) if value.truth()) {
        wanted.push(constant("COOKIE_DOMAIN", ""));
    }
    if url.scheme == "http" {
        for name in ["FORCE_SSL_ADMIN", "FORCE_SSL_LOGIN"] {
            if truth(name) {
                wanted.push(constant(name, false));
            }
        }
    }
    // The page cache of the source would answer with the source's pages.
    if truth("WP_CACHE") {
        wanted.push(constant("WP_CACHE", false));
    }
    wanted.push(constant("WP_ENVIRONMENT_TYPE", environment_type(&url)));
    if let Some(debug) = target.debug {
        wanted.push(constant("WP_DEBUG", debug));
        if debug {
            wanted.push(constant("WP_DEBUG_LOG", true));
            wanted.push(constant("WP_DEBUG_DISPLAY", false));
        }
    }
    Ok(wanted)
}

pub(super) fn environment_type(url: &Address) -> &'static str {
    if url.is_loopback() { "local" } else { "staging" }
}

pub(super) fn siteurl(target: &Target<'_>, url: &Address) -> String {
    let home = target.site.home.as_deref().and_then(|home| Address::parse(home).ok());
    let own = target.site.siteurl.as_deref().and_then(|own| Address::parse(own).ok());
    let tail = match (home, own) {
        (Some(home), Some(own)) => own.path.strip_prefix(&home.path).unwrap_or(&own.path).to_owned(),
        _ => String::new(),
    };
    format!("{url}{tail}")
}

/// Constants that still hold a folder or an address of the source, and those that are made from the place of a file that the copy has
/// elsewhere.
pub(super) fn moved(target: &Target<'_>, reading: &Reading, before: &Reading) -> Result<Vec<Wanted>> {
    let addresses: Vec<_> = match target.site.home {
        Some(_) => pairs(target.site, target.url, target.root)?,
        None => Vec::new(),
    };
    let elsewhere = target
        .site
        .configuration
        .as_ref()
        .is_some_and(|configuration| target.mapped(&configuration.file).is_none());
    let names = reading.constants.iter().map(|(name, found)| (name, found, false));
    let variables = reading.variables.iter().map(|(name, found)| (name, found, true));
    let mut wanted = Vec::new();
    for (name, found, variable) in names.chain(variables) {
        let Outcome::Known(Value::Text(text)) = &found.outcome else { continue };
        if found.places.is_empty() || salts::NAMES.contains(&name.as_str()) || SQLITE.contains(&name.as_str())
        {
            continue;
        }
        let was = if variable { before.variable(name) } else { before.constant(name) };
        let by_place = match was {
            Ok(Some(Value::Text(was))) if elsewhere && Path::new(text).starts_with(target.root) => {
                mapped_text(target, &addresses, was)
            }
            _ => None,
        };
        let value = by_place.or_else(|| mapped_text(target, &addresses, text));
        let Some(value) = value.filter(|value| value != text) else { continue };
        wanted.push(Wanted { variable, ..constant(name, value) });
    }
    Ok(wanted)
}

pub(super) fn mapped_text(target: &Target<'_>, addresses: &[(String, String)], text: &str) -> Option<String> {
    if text.starts_with('/') {
        // A copy inside a folder that the source's name begins with must not be moved twice.
        if Path::new(text).starts_with(target.root) {
            return None;
        }
        let mapped = target.mapped(Path::new(text))?.display().to_string();
        let slash = if text.ends_with('/') && !mapped.ends_with('/') { "/" } else { "" };
        return Some(mapped + slash);
    }
    let fits = |from: &str, tail: &str| {
        from.contains("://") && (tail.is_empty() || tail.starts_with(['/', '?', '#']))
    };
    let new = target.url.trim_end_matches('/');
    if text.strip_prefix(new).is_some_and(|tail| tail.is_empty() || tail.starts_with('/')) {
        return None;
    }
    addresses
        .iter()
        .filter_map(|(from, to)| {
            text.strip_prefix(from.as_str()).filter(|tail| fits(from, tail)).map(|tail| (from, to, tail))
        })
        .max_by_key(|(from, ..)| from.len())
        .map(|(_, to, tail)| format!("{to}{tail}"))
}

/// What says where the file of SQLite is; set by what the copy's database is, not by what the source's was.
const SQLITE: [&str; 4] = ["FQDB", "FQDBDIR", "DB_DIR", "DB_FILE"];

fn sqlite(target: &Target<'_>, reading: &Reading, path: &Path, wanted: &mut Vec<Wanted>) {
    let defined = |name: &str| reading.constants.contains_key(name);
    let folder = path.parent().unwrap_or(Path::new("/"));
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if defined("FQDB") {
        wanted.push(constant("FQDB", path.display().to_string()));
    }
    let usual = joined(target.root, &target.site.content).join("database");
    for name in ["FQDBDIR", "DB_DIR"] {
        if defined(name) || (name == "DB_DIR" && folder != usual) {
            wanted.push(constant(name, format!("{}/", folder.display())));
        }
    }
    if defined("DB_FILE") || file != ".ht.sqlite" {
        wanted.push(constant("DB_FILE", file));
    }
}

/// What stands in `DB_HOST` for a server.
pub(super) fn host(server: &Server) -> String {
    match server {
        Server::Socket { path } => format!("localhost:{}", path.display()),
        Server::Tcp { host, port } | Server::Tls { host, port, .. } => {
            // PHP takes the name `localhost` for a socket.
            let host = if host == "localhost" { "127.0.0.1" } else { host };
            let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
            if *port == 3306 { host } else { format!("{host}:{port}") }
        }
    }
}

/// Puts the files of the configuration that lie outside the site's folder into the copy.
fn bring_in(target: &Target<'_>, configuration: &Configuration, main: &Path) -> Result<()> {
    let abspath = format!("{}/", target.site.root.join(&target.site.core).display());
    let source = Reading::of(&configuration.file, &Environment::default(), &[("ABSPATH", &abspath)])?;
    let moved = target.mapped(&configuration.file).is_none();
    if moved && !main.exists() {
        let edited = redirected(target, &source, configuration)?;
        write_inside(target.root, main, &edited)?;
        if let Ok(metadata) = fs::metadata(&configuration.file) {
            let _ = fs::set_permissions(main, metadata.permissions());
        }
        return Ok(());
    }
    let outside = |place: &&(Place, PathBuf)| {
        place.0.file == configuration.file
            && (target.mapped(&place.1).is_none() || !reached_from_copy(target, main, place))
    };
    if !moved && source.includes.iter().any(|place| outside(&place)) {
        // Spans of the source fit the copy only while the copy is as it was copied.
        let same = fs::read(main).ok() == fs::read(&configuration.file).ok();
        if same {
            let edited = redirected(target, &source, configuration)?;
            write_inside(target.root, main, &edited)?;
        }
    }
    Ok(())
}

/// Whether the copy's own file includes what it should, not the source's.
fn reached_from_copy(target: &Target<'_>, main: &Path, (place, path): &(Place, PathBuf)) -> bool {
    let Some(wanted) = target.mapped(path) else { return false };
    Reading::of(main, &Environment::default(), &[]).is_ok_and(|reading| {
        reading.includes.iter().any(|(found, file)| found.span == place.span && *file == wanted)
    })
}

/// The configuration's file with its includes leading into the copy; files from outside are put beside it.
fn redirected(target: &Target<'_>, source: &Reading, configuration: &Configuration) -> Result<Vec<u8>> {
    let from = configuration.file.as_path();
    let mut edit = Edit::new(source);
    let mut number = 0;
    for (place, included) in &source.includes {
        if place.file != from {
            continue;
        }
        let file = if let Some(mapped) = target.mapped(included) {
            mapped
        } else if defines(source, included) {
            number += 1;
            let beside = target.root.join(configuration.brought(number));
            let bytes = fs::read(included).map_err(|error| unreadable(included, &error))?;
            write_inside(target.root, &beside, &bytes)?;
            beside
        } else {
            // A program of the machine: it stays where the rest of it is.
            included.clone()
        };
        edit.replace(from, place.span.clone(), Value::Text(file.display().to_string()).literal());
    }
    let changed = edit.finish()?.into_iter().find(|(path, _)| path == from).map(|(_, bytes)| bytes);
    changed.map_or_else(|| fs::read(from).map_err(|error| unreadable(from, &error)), Ok)
}

/// Whether `file` gives a constant or variable its value.
fn defines(reading: &Reading, file: &Path) -> bool {
    let all = reading.constants.values().chain(reading.variables.values());
    all.flat_map(|found| &found.places).any(|place| place.file == file)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::needs_person("config.unreadable", format!("{} cannot be read: {error}.", path.display()))
        .help("Give yourself the right to read it, or run as the user that owns the site.")
        .with("path", path.display())
}

/// A `wp-config.php` of the copy's own, in place of a configuration that it cannot share.
fn own(target: &Target<'_>, configuration: &Configuration) -> Result<Vec<Setting>> {
    let url = Address::parse(target.url)?;
    let prefix = target.site.prefix().unwrap_or("wp_");
    let mut wanted = direct(target, &Reading::default(), &Reading::default())?;
    let content = joined(target.root, &target.site.content);
    if content != joined(target.root, &target.site.core).join("wp-content") {
        wanted.push(constant("WP_CONTENT_DIR", content.display().to_string()));
        wanted.push(constant("WP_CONTENT_URL", format!("{url}/{}", target.site.content.display())));
    }
    if let Some(network) = &target.site.network {
        wanted.push(constant("MULTISITE", true));
        wanted.push(constant("SUBDOMAIN_INSTALL", network.kind == NetworkKind::Subdomain));
        wanted.push(constant("SITE_ID_CURRENT_SITE", Value::Int(1)));
        wanted.push(constant("BLOG_ID_CURRENT_SITE", Value::Int(1)));
    }
    wanted.push(constant("DB_CHARSET", "utf8mb4"));
    let mut text = String::from(
        "<?php\n// Configuration of a copy, in place of the one that the original shares with other sites.\n",
    );
    let mut settings = Vec::new();
    for Wanted { name, value, secret, .. } in wanted {
        text.push_str(&format!("define( '{name}', {} );\n", value.literal()));
        settings.push(if secret { Setting::secret(name) } else { Setting::new(name, "", spoken(&value)) });
    }
    text.push_str(&format!("$table_prefix = {};\n", Value::from(prefix).literal()));
    text.push_str("if ( ! defined( 'ABSPATH' ) ) {\n\tdefine( 'ABSPATH', __DIR__ . '/' );\n}\nrequire_once ABSPATH . 'wp-settings.php';\n");
    write_inside(target.root, &target.root.join(&configuration.place), text.as_bytes())?;
    Ok(settings)
}
