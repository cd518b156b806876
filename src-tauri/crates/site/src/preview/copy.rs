use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Php, Service, is_free};
use crate::databases::DatabaseAddress;
use crate::defaults::{Target, joined, token};
use crate::neutral::{self, Switches};
use crate::platforms::{Address, Kind, NetworkKind, Site};
use crate::{Problem, Result};

const ROUTER: &str = include_str!("router.php");
const SENDMAIL: &str = include_str!("sendmail.php");

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// The ports that copies get: below those that systems give to outgoing connections, any of which could take a port that is promised to
/// a copy before the copy is served.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A port of 127.0.0.1 on which nothing listens.
pub fn free_port() -> Result<u16> {
    // Not one after another: other programs look for ports as well.
    let chance = getrandom::u32().unwrap_or_default() as usize % PORTS.len();
    if let Some(port) = PORTS.skip(chance).chain(PORTS).find(|port| is_free(*port)) {
        return Ok(port);
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| {
            Problem::transient("port.none", format!("No port of this machine is free: {error}."))
        })
}

/// The address of a preview of a copy of `site` on `port`. A network whose sites have host names needs a name that has names below it.
pub fn address(site: &Site, port: u16) -> String {
    let names = site.network.as_ref().is_some_and(|network| {
        let elsewhere = network.sites.iter().any(|inner| inner.domain != network.domain);
        network.kind == NetworkKind::Subdomain || elsewhere
    });
    let host = if names { "localhost" } else { "127.0.0.1" };
    format!("http://{host}:{port}")
}

/// What is to be served, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The job that the preview belongs to.
    pub job: String,
    /// What is served, for people.
    pub title: String,
    /// The data directory, where the record is kept.
    pub data: PathBuf,
    /// The copy's address: its port is the one to listen on.
    pub url: String,
    /// The folder to serve.
    pub web: PathBuf,
    /// Whether it is a network of sub-directories.
    pub subdirectories: bool,
    /// PHP extensions that the site cannot do without.
    pub extensions: Vec<String>,
    /// Where PHP's own `mail()` leaves its messages; none to let it send.
    pub caught: Option<PathBuf>,
    /// The hosts that may be called, where all others may not.
    pub only_to: Option<Vec<String>>,
    /// Whether the server goes on when this program ends.
    pub goes_on: bool,
}

impl Plan {
    /// The preview of a copy: kept from the world as the copy itself is.
    pub fn of(target: &Target<'_>, data: &Path, job: &str) -> Self {
        let site = target.site;
        let switches = neutral::switches(target);
        let Switches { mail, egress, allow, caught, .. } = switches;
        let database = match target.database {
            Some(DatabaseAddress::Mysql { .. }) if site.kind == Kind::WordPress => Some("mysqli"),
            Some(DatabaseAddress::Sqlite { .. }) => Some("pdo_sqlite"),
            _ => None,
        };
        Self {
            job: job.to_owned(),
            title: site.title.clone().unwrap_or_else(|| target.root.display().to_string()),
            data: data.to_owned(),
            url: target.url.to_owned(),
            web: joined(target.root, &site.web),
            subdirectories: site
                .network
                .as_ref()
                .is_some_and(|network| network.kind == NetworkKind::Subdirectory),
            extensions: database.into_iter().map(str::to_owned).collect(),
            caught: caught.filter(|_| mail),
            only_to: egress.then_some(allow),
            goes_on: false,
        }
    }
}

impl Plan {
    /// The server that shows the copy. Its few files are written into the data directory.
    ///
    /// # Errors
    /// `php.missing` and `php.extension-missing`, `preview.https`, `preview.files`.
    pub fn service(&self) -> Result<Service> {
        let php = Php::find()?;
        for extension in &self.extensions {
            php.needs(extension)?;
        }
        let url = Address::parse(&self.url)?;
        if url.scheme != "http" {
            return Err(Problem::permanent(
                "preview.https",
                format!("{} is an https address; a preview has none.", self.url),
            )
            .help("Give the copy an http address on this machine, or let your web server serve it."));
        }
        let place = self.data.join("previews").join(&self.job);
        let write = || {
            fs::create_dir_all(&place)?;
            fs::write(place.join("router.php"), ROUTER)?;
            fs::write(place.join("sendmail.php"), SENDMAIL)
        };
        write().map_err(|error: std::io::Error| {
            Problem::transient("preview.files", format!("The preview cannot be prepared: {error}."))
                .with("path", place.display())
        })?;
        let sign = token()?;
        Ok(Service {
            job: self.job.clone(),
            kind: "clone".into(),
            title: self.title.clone(),
            url: self.url.clone(),
            port: Some(url.port_or_default()),
            folder: self.web.clone(),
            log: place.join("server.log"),
            words: self.words(&php, &url, &place),
            variables: self.variables(&url, &sign),
            sign: Some(sign),
            patience: PATIENCE,
            stays: self.goes_on,
        })
    }

    fn words(&self, php: &Php, url: &Address, place: &Path) -> Vec<OsString> {
        let mut words = vec![php.path.clone().into_os_string()];
        let mut set = |name: &str, value: OsString| {
            let mut setting = OsString::from(format!("{name}="));
            setting.push(value);
            words.extend(["-d".into(), setting]);
        };
        set("display_errors", "0".into());
        set("log_errors", "1".into());
        set("memory_limit", "512M".into());
        set("upload_max_filesize", "256M".into());
        set("post_max_size", "256M".into());
        if let Some(caught) = &self.caught {
            // PHP gives this line to a shell.
            let words = [
                php.path.as_os_str(),
                "-n".as_ref(),
                place.join("sendmail.php").as_os_str(),
                caught.as_os_str(),
            ]
            .map(quoted);
            set("sendmail_path", format!("\"{}\"", words.join(" ").replace('"', "\\\"")).into());
        }
        words.extend(["-S".into(), format!("127.0.0.1:{}", url.port_or_default()).into()]);
        words.extend([
            "-t".into(),
            self.web.clone().into_os_string(),
            place.join("router.php").into_os_string(),
        ]);
        words
    }

    fn variables(&self, url: &Address, sign: &str) -> Vec<(String, OsString)> {
        let mut variables: Vec<(String, OsString)> = vec![
            ("CLONEDECK_ROOT".into(), self.web.clone().into_os_string()),
            ("CLONEDECK_BASE".into(), url.path.clone().into()),
            ("CLONEDECK_NETWORK".into(), if self.subdirectories { "1" } else { "" }.into()),
            ("CLONEDECK_READY".into(), sign.into()),
            // A page that asks its own server for something would wait for itself.
            ("PHP_CLI_SERVER_WORKERS".into(), "4".into()),
        ];
        if let Some(allow) = &self.only_to {
            // Requests that go around WordPress meet a proxy that is not there.
            let nowhere = "http://127.0.0.1:9";
            let allowed = allow.iter().map(|host| host.trim_start_matches('*'));
            let direct: Vec<_> = ["localhost", "127.0.0.1", "::1", ".localhost", &url.host]
                .into_iter()
                .chain(allowed)
                .collect();
            for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
                variables.push((name.into(), nowhere.into()));
            }
            for name in ["no_proxy", "NO_PROXY"] {
                variables.push((name.into(), direct.join(",").into()));
            }
        }
        variables
    }
}

/// A word for a shell.
fn quoted(word: &std::ffi::OsStr) -> String {
    format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))
}
