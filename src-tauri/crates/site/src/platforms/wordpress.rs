use std::path::{Component, Path, PathBuf};

use super::{
    Configuration, Database, EnvFile, Folder, Hints, Kind, Layout, Network, NetworkKind, Platform,
    Recognised, Site, Tree,
};
use crate::databases::{DatabaseAddress, Server};
use crate::php::{Document, Environment, Reading, Value};
use crate::{Part, Problem, Result, Secret};

/// WordPress, in its own layout, in a folder of its own below the site's, in Bedrock's and in Debian's.
pub(super) struct WordPress;

/// Where files are, before the configuration is read.
struct Place {
    root: PathBuf,
    web: PathBuf,
    core: PathBuf,
}

impl Platform for WordPress {
    fn recognise(&self, folder: &Path, hints: &Hints) -> Result<Option<Recognised>> {
        if let Some(place) = bedrock(folder) {
            let mut environment = EnvFile::of_bedrock(&place.root)?.environment();
            environment.values.extend(hints.environment.values.clone());
            expand_database_url(&mut environment);
            let main = place.root.join("config/application.php");
            let reading = read(&main, &environment, &place)?;
            let mut configuration = Configuration {
                layout: Layout::Env,
                file: place.root.join(".env"),
                place: ".env".into(),
                parts: Vec::new(),
            };
            let others = EnvFile::places(&place.root).into_iter().skip(1).map(PathBuf::from);
            configuration.parts.extend(others);
            return site(place, &reading, Some(configuration), hints).map(Some);
        }
        let Some(place) = plain(folder) else { return Ok(None) };
        let Some(file) = hints.config.clone().or_else(|| configuration_file(&place)) else {
            if hints.database.is_some() {
                let own = Configuration {
                    layout: Layout::Shared,
                    file: place.core.join("wp-config.php"),
                    place: inside(&place.root, &place.core).unwrap_or_default().join("wp-config.php"),
                    parts: Vec::new(),
                };
                return site(place, &Reading::default(), Some(own), hints).map(Some);
            }
            return Err(Problem::permanent(
                "config.missing",
                format!("WordPress in {} has no wp-config.php.", place.core.display()),
            )
            .help("Finish its installation, name its configuration with --source-config, or its database with --source-db.")
            .with("path", place.core.display()));
        };
        let document = Document::read(&file)?;
        let shared = String::from_utf8_lossy(document.bytes()).contains("/etc/wordpress/config-");
        let (layout, reading) = if shared {
            let reading = match debian_file(hints) {
                Ok(own) => read(&own, &hints.environment, &place)?,
                // The operator's word is enough.
                Err(_) if hints.database.is_some() => Reading::default(),
                Err(problem) => return Err(problem),
            };
            (Layout::Shared, reading)
        } else {
            (Layout::Php, read(&file, &hints.environment, &place)?)
        };
        // One that lies outside the site's folder comes to where WordPress looks first.
        let own = inside(&place.root, &file)
            .unwrap_or_else(|| inside(&place.root, &place.core).unwrap_or_default().join("wp-config.php"));
        let configuration = Configuration { layout, file, place: own, parts: Vec::new() };
        site(place, &reading, Some(configuration), hints).map(Some)
    }
}

/// Whether a folder holds a WordPress, as far as its files go.
pub(super) fn is_in(folder: &Path) -> bool {
    bedrock(folder).or_else(|| plain(folder)).is_some()
}

fn is_core(folder: &Path) -> bool {
    folder.join("wp-settings.php").is_file() && folder.join("wp-includes").is_dir()
}

fn bedrock(folder: &Path) -> Option<Place> {
    let is_project =
        |folder: &Path| folder.join("config/application.php").is_file() && folder.join(".env").is_file();
    let root = [Some(folder), folder.parent()].into_iter().flatten().find(|folder| is_project(folder))?;
    let web = ["web", "public"].into_iter().find(|web| is_core(&root.join(web).join("wp")))?;
    Some(Place { root: root.to_owned(), web: web.into(), core: root.join(web).join("wp") })
}

fn plain(folder: &Path) -> Option<Place> {
    let at = |core: PathBuf| Place { root: folder.to_owned(), web: PathBuf::new(), core };
    if is_core(folder) {
        return Some(at(folder.to_owned()));
    }
    let index = std::fs::read_to_string(folder.join("index.php")).unwrap_or_default();
    if !index.contains("wp-blog-header.php") {
        return None;
    }
    let mut below: Vec<_> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    below.sort();
    below.into_iter().find(|inner| is_core(inner)).map(at)
}

/// Where WordPress itself looks: beside its code, then one level up unless another WordPress is there.
fn configuration_file(place: &Place) -> Option<PathBuf> {
    let own = place.core.join("wp-config.php");
    if own.is_file() {
        return Some(own);
    }
    let parent = place.core.parent()?;
    let above = parent.join("wp-config.php");
    (above.is_file() && !parent.join("wp-settings.php").exists()).then_some(above)
}

fn debian_file(hints: &Hints) -> Result<PathBuf> {
    let folder = Path::new("/etc/wordpress");
    let host =
        hints.url.as_deref().and_then(|url| super::Address::parse(url).ok()).map(|address| address.host);
    if let Some(host) = host {
        let named = folder.join(format!("config-{host}.php"));
        if named.is_file() {
            return Ok(named);
        }
    }
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with("config-") && path.extension().is_some_and(|extension| extension == "php")
        })
        .collect();
    match (files.pop(), files.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(Problem::needs_person(
            "config.computed",
            "This WordPress takes its configuration from /etc/wordpress by the name of the host that is asked for.",
        )
        .help("Give the address of the site with --source-url.")),
    }
}

fn read(file: &Path, environment: &Environment, place: &Place) -> Result<Reading> {
    Reading::of(file, environment, &[("ABSPATH", &format!("{}/", place.core.display()))])
}

/// Bedrock takes `DATABASE_URL` in place of single names.
fn expand_database_url(environment: &mut Environment) {
    let Some(url) = environment.values.get("DATABASE_URL").cloned() else { return };
    let Some((_, rest)) = url.split_once("://") else { return };
    let Some((authority, name)) = rest.split_once('/') else { return };
    let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let name = name.split('?').next().unwrap_or_default();
    for (key, value) in [("DB_NAME", name), ("DB_USER", user), ("DB_PASSWORD", password), ("DB_HOST", host)] {
        environment.values.insert(key.to_owned(), value.to_owned());
    }
    environment.values.remove("DATABASE_URL");
}

fn site(
    place: Place,
    reading: &Reading,
    mut configuration: Option<Configuration>,
    hints: &Hints,
) -> Result<Recognised> {
    if let Some(configuration) = configuration.as_mut().filter(|own| own.layout != Layout::Shared) {
        let parts = parts(&place, reading, configuration);
        configuration.parts.extend(parts);
    }
    let mut unread = Vec::new();
    let mut soft = |name: &str| match reading.constant(name) {
        Ok(value) => value.cloned(),
        Err(why) => {
            unread.push(format!("{name} is known only at run time: {why}."));
            None
        }
    };
    let fixed_home = soft("WP_HOME").map(|value| value.text());
    let fixed_siteurl = soft("WP_SITEURL").map(|value| value.text());
    let content_dir = soft("WP_CONTENT_DIR").map(|value| PathBuf::from(value.text()));
    let plugin_dir = soft("WP_PLUGIN_DIR").map(|value| PathBuf::from(value.text()));
    let mu_dir = soft("WPMU_PLUGIN_DIR").map(|value| PathBuf::from(value.text()));
    let uploads = soft("UPLOADS").map(|value| place.core.join(value.text().trim_matches('/')));
    let network = soft("MULTISITE").is_some_and(|value| value.truth()).then(|| Network {
        kind: if soft("SUBDOMAIN_INSTALL").is_some_and(|value| value.truth()) {
            NetworkKind::Subdomain
        } else {
            NetworkKind::Subdirectory
        },
        domain: soft("DOMAIN_CURRENT_SITE").map(|value| value.text()).unwrap_or_default(),
        path: soft("PATH_CURRENT_SITE").map_or_else(|| "/".into(), |value| value.text()),
        sites: Vec::new(),
    });

    let mut trees = vec![Tree { from: place.root.clone(), place: PathBuf::new() }];
    let mut placed = |path: PathBuf, name: &str| -> PathBuf {
        if let Some(path) = inside(&place.root, &path) {
            return path;
        }
        let taken = |name: &str| place.root.join(name).exists();
        let own = if taken(name) { format!("{name}-moved") } else { name.to_owned() };
        trees.push(Tree { from: path, place: own.clone().into() });
        own.into()
    };
    let content = content_dir.unwrap_or_else(|| place.core.join("wp-content"));
    let content_source = content.clone();
    let content = placed(content, "wp-content");
    let mut folders = Vec::new();
    let mut folder = |path: PathBuf, part| folders.push(Folder { path, part });
    for (moved, usual, part) in [
        (plugin_dir, "plugins", Part::Modules),
        (mu_dir, "mu-plugins", Part::Modules),
        (None, "themes", Part::Themes),
        (uploads, "uploads", Part::Media),
        (None, "blogs.dir", Part::Media),
    ] {
        match moved {
            Some(path) if path != content_source.join(usual) => folder(placed(path, usual), part),
            _ => folder(content.join(usual), part),
        }
    }

    let (database, password) = database(reading, hints, &content_source)?;
    let version = Reading::of(&place.core.join("wp-includes/version.php"), &Environment::default(), &[])
        .ok()
        .and_then(|version| version.variable("wp_version").ok().flatten().map(Value::text));
    let trimmed = |address: String| address.trim_end_matches('/').to_owned();
    let site = Site {
        kind: Kind::WordPress,
        version,
        web: place.web,
        core: inside(&place.root, &place.core).unwrap_or_default(),
        root: place.root,
        content,
        trees,
        folders,
        configuration,
        database: Some(database),
        addresses_fixed: fixed_home.is_some() || fixed_siteurl.is_some(),
        home: hints.url.clone().or(fixed_home).map(trimmed),
        siteurl: fixed_siteurl.map(trimmed),
        network,
        title: None,
        unread,
    };
    Ok(Recognised { site, password })
}

/// Where the copy has the files that a configuration includes: those from outside of the site's folder are put beside it.
fn parts(place: &Place, reading: &Reading, configuration: &Configuration) -> Vec<PathBuf> {
    let mut brought = 0;
    let others = reading.files.iter().filter(|file| **file != configuration.file);
    let place_of = |file: &PathBuf| {
        inside(&place.root, file).unwrap_or_else(|| {
            brought += 1;
            configuration.brought(brought)
        })
    };
    others.map(place_of).collect()
}

fn database(reading: &Reading, hints: &Hints, content: &Path) -> Result<(Database, Secret)> {
    let prefix = match (&hints.prefix, reading.variable("table_prefix")) {
        (Some(prefix), _) => Some(prefix.clone()),
        (None, Ok(value)) => value.map(Value::text),
        // The database is asked which prefix it has.
        (None, Err(_)) => None,
    };
    let given = hints.password.clone();
    if let Some(address) = hints.database.clone() {
        let own = || reading.constant("DB_PASSWORD").ok().flatten().map(|value| Secret::new(value.text()));
        return Ok((Database { address, prefix }, given.or_else(own).unwrap_or_default()));
    }
    if let Some(path) = sqlite_file(reading, content)? {
        return Ok((Database { address: DatabaseAddress::Sqlite { path }, prefix }, Secret::default()));
    }
    let name = needed(reading, "DB_NAME")?;
    let user = needed(reading, "DB_USER")?;
    let password = match given {
        Some(given) => given,
        None => Secret::new(needed(reading, "DB_PASSWORD")?),
    };
    let server = server(&needed(reading, "DB_HOST")?);
    Ok((Database { address: DatabaseAddress::Mysql { server, user, name }, prefix }, password))
}

/// The text of a constant that a clone cannot do without.
fn needed(reading: &Reading, name: &str) -> Result<String> {
    let file = reading.files.first().map(|file| file.display().to_string()).unwrap_or_default();
    match reading.constant(name) {
        Ok(Some(value)) => Ok(value.text()),
        Ok(None) => Err(Problem::permanent("config.incomplete", format!("{file} does not define {name}."))
            .help("Name the database with --source-db.")
            .with("name", name)
            .with("path", file)),
        Err(why) => Err(Problem::needs_person(
            "config.computed",
            format!("{name} in {file} is known only when the site runs: {why}."),
        )
        .help("Name the database with --source-db mysql://user@host/name and give its password as CLONEDECK_SOURCE_DB_PASSWORD, or name with --source-env the environment variables that the configuration reads.")
        .with("name", name)
        .with("path", file)),
    }
}

/// The file of WordPress's SQLite integration, if the site uses it.
fn sqlite_file(reading: &Reading, content: &Path) -> Result<Option<PathBuf>> {
    let dropin = std::fs::read_to_string(content.join("db.php")).unwrap_or_default().to_ascii_lowercase();
    let engine = ["DB_ENGINE", "DATABASE_ENGINE", "DATABASE_TYPE"].iter().find_map(|name| {
        reading.constant(name).ok().flatten().map(|value| value.text().to_ascii_lowercase())
    });
    if !dropin.contains("sqlite") || engine.is_some_and(|engine| engine != "sqlite") {
        return Ok(None);
    }
    let optional = |name: &str| match reading.constant(name) {
        Ok(None) => Ok(None),
        _ => needed(reading, name).map(Some),
    };
    if let Some(whole) = optional("FQDB")? {
        return Ok(Some(whole.into()));
    }
    let folder =
        optional("FQDBDIR")?.or(optional("DB_DIR")?).map_or_else(|| content.join("database"), PathBuf::from);
    Ok(Some(folder.join(optional("DB_FILE")?.unwrap_or_else(|| ".ht.sqlite".into()))))
}

/// What WordPress makes of `DB_HOST`: a host, with a port or a socket after a colon. PHP takes `localhost` for the default socket.
fn server(text: &str) -> Server {
    let text = text.strip_prefix("p:").unwrap_or(text);
    if let Some(at) = text.find(":/") {
        return Server::Socket { path: text[at + 1..].into() };
    }
    if text.starts_with('/') {
        return Server::Socket { path: text.into() };
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().unwrap_or(3306))
        }
        _ => (text, 3306),
    };
    let host = host.trim_matches(['[', ']']);
    if host.is_empty() || host == "localhost" {
        let usual = [
            "/run/mysqld/mysqld.sock",
            "/var/run/mysqld/mysqld.sock",
            "/var/lib/mysql/mysql.sock",
            "/tmp/mysql.sock",
        ];
        if let Some(socket) = usual.iter().find(|socket| Path::new(socket).exists()) {
            return Server::Socket { path: socket.into() };
        }
        return Server::Tcp { host: "127.0.0.1".into(), port };
    }
    Server::Tcp { host: host.to_owned(), port }
}

/// `path` relative to `root`, if it is inside.
fn inside(root: &Path, path: &Path) -> Option<PathBuf> {
    let resolved = std::fs::canonicalize(path).unwrap_or_else(|_| plain_path(path));
    [plain_path(path), resolved].iter().find_map(|path| path.strip_prefix(root).ok().map(Path::to_owned))
}

/// `path` without `.`, `..` and doubled slashes.
fn plain_path(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_as_php_reads_it() {
        let tcp = |host: &str, port| Server::Tcp { host: host.into(), port };
        assert_eq!(server("db.example.com"), tcp("db.example.com", 3306));
        assert_eq!(server("db.example.com:3307"), tcp("db.example.com", 3307));
        assert_eq!(server("[::1]:3307"), tcp("::1", 3307));
        assert_eq!(server("p:10.0.0.5"), tcp("10.0.0.5", 3306));
        assert_eq!(server("localhost:/tmp/x.sock"), Server::Socket { path: "/tmp/x.sock".into() });
    }
}
