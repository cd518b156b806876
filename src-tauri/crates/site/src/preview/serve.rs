use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::record::folder;
use super::{Php, Record};
use crate::databases::DatabaseAddress;
use crate::defaults::{Target, joined, token};
use crate::neutral::{self, Switches};
use crate::platforms::{Address, Kind, NetworkKind, Site};
use crate::process::{Identity, MARK};
use crate::{Problem, Result};

const ROUTER: &str = include_str!("router.php");
const SENDMAIL: &str = include_str!("sendmail.php");

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// A port of 127.0.0.1 on which nothing listens.
pub fn free_port() -> Result<u16> {
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

/// A running preview. Dropping it ends the server, unless its plan says that it goes on.
#[derive(Debug)]
pub struct Preview {
    /// What other processes know of it.
    pub record: Record,
    child: Option<Child>,
    data: PathBuf,
    goes_on: bool,
}

impl Preview {
    /// Starts the server and waits until it answers. An earlier preview of the same job is ended first.
    ///
    /// # Errors
    /// `php.missing` and `php.extension-missing`, `port.taken`, `preview.failed` with the end of the server's log.
    pub async fn start(plan: Plan) -> Result<Self> {
        super::stop(&plan.data, &plan.job).await?;
        tokio::task::spawn_blocking(move || Self::start_here(&plan)).await.unwrap_or_else(|_| {
            Err(Problem::transient("preview.failed", "The preview was given up while it started."))
        })
    }

    fn start_here(plan: &Plan) -> Result<Self> {
        let php = Php::find()?;
        for extension in &plan.extensions {
            php.needs(extension)?;
        }
        let url = Address::parse(&plan.url)?;
        if url.scheme != "http" {
            return Err(Problem::permanent(
                "preview.https",
                format!("{} is an https address; a preview has none.", plan.url),
            )
            .help("Give the copy an http address on this machine, or let your web server serve it."));
        }
        let port = url.port_or_default();
        if let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return Err(Problem::needs_person(
                "port.taken",
                format!("Port {port} of this machine is in use: {error}."),
            )
            .help("End the program that listens there, or give the copy another address with --url.")
            .with("port", port));
        }
        let place = folder(&plan.data, &plan.job);
        let ready = token()?;
        let failed =
            |what: &str| Problem::transient("preview.failed", format!("The preview at {} {what}", plan.url));
        let files = || -> std::io::Result<fs::File> {
            fs::create_dir_all(&place)?;
            fs::write(place.join("router.php"), ROUTER)?;
            fs::write(place.join("sendmail.php"), SENDMAIL)?;
            fs::File::create(place.join("server.log"))
        };
        let log = files().map_err(|error| failed(&format!("cannot be prepared: {error}.")))?;
        let mut command = command(plan, &php, &url, &place, &ready);
        let also = log.try_clone().map_err(|error| failed(&format!("cannot be prepared: {error}.")))?;
        command.stdin(Stdio::null()).stdout(also).stderr(log);
        let child = command.spawn().map_err(|error| failed(&format!("cannot be started: {error}.")))?;
        let Some(process) = Identity::of(child.id()) else {
            return Err(failed(&format!("ended at once.{}", tail(&place.join("server.log")))));
        };
        let record = Record {
            job: plan.job.clone(),
            title: plan.title.clone(),
            url: plan.url.clone(),
            root: plan.web.clone(),
            process,
            mark: ready.clone(),
            owner: if plan.goes_on { None } else { Identity::own() },
            log: place.join("server.log"),
        };
        let mut preview = Self { record, child: Some(child), data: plan.data.clone(), goes_on: false };
        preview.record.keep(&plan.data)?;
        preview.wait(port, &ready)?;
        preview.goes_on = plan.goes_on;
        Ok(preview)
    }

    /// Lets the server run on when this value is dropped and when the program ends.
    pub fn go_on(mut self) -> Result<Record> {
        self.goes_on = true;
        self.record.owner = None;
        self.record.keep(&self.data)?;
        Ok(self.record.clone())
    }

    fn wait(&mut self, port: u16, ready: &str) -> Result<()> {
        let since = Instant::now();
        loop {
            let ended = self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)));
            if ended {
                let why = tail(&self.record.log);
                return Err(Problem::transient(
                    "preview.failed",
                    format!("The preview at {} ended.{why}", self.record.url),
                ));
            }
            if answers(port, ready) {
                return Ok(());
            }
            if since.elapsed() > PATIENCE {
                let why = tail(&self.record.log);
                return Err(Problem::transient(
                    "preview.failed",
                    format!("The preview at {} does not answer.{why}", self.record.url),
                ));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take().filter(|_| !self.goes_on) else { return };
        // As long as the child is not collected, its number and its group are its own.
        signal(&child, false);
        let since = Instant::now();
        while self.record.process.is_alive() && since.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(5));
        }
        signal(&child, true);
        let _ = child.wait();
        let _ = fs::remove_dir_all(folder(&self.data, &self.record.job));
    }
}

#[cfg(unix)]
fn signal(child: &Child, force: bool) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = if force { Signal::KILL } else { Signal::TERM };
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}

#[cfg(not(unix))]
fn signal(_: &Child, _: bool) {}

fn command(plan: &Plan, php: &Php, url: &Address, place: &Path, ready: &str) -> Command {
    let mut command = Command::new(&php.path);
    let mut set = |name: &str, value: OsString| {
        let mut setting = OsString::from(format!("{name}="));
        setting.push(value);
        command.arg("-d").arg(setting);
    };
    set("display_errors", "0".into());
    set("log_errors", "1".into());
    set("memory_limit", "512M".into());
    set("upload_max_filesize", "256M".into());
    set("post_max_size", "256M".into());
    if let Some(caught) = &plan.caught {
        // PHP gives this line to a shell.
        let words =
            [php.path.as_os_str(), "-n".as_ref(), place.join("sendmail.php").as_os_str(), caught.as_os_str()]
                .map(quoted);
        set("sendmail_path", format!("\"{}\"", words.join(" ").replace('"', "\\\"")).into());
    }
    command.arg("-S").arg(format!("127.0.0.1:{}", url.port_or_default()));
    command.arg("-t").arg(&plan.web).arg(place.join("router.php"));
    command
        .current_dir(&plan.web)
        .env("CLONEDECK_ROOT", &plan.web)
        .env("CLONEDECK_BASE", &url.path)
        .env("CLONEDECK_NETWORK", if plan.subdirectories { "1" } else { "" })
        .env("CLONEDECK_READY", ready)
        .env(MARK, ready)
        // A page that asks its own server for something would wait for itself.
        .env("PHP_CLI_SERVER_WORKERS", "4")
        .env_remove("CLONEDECK_DB_PASSWORD");
    if let Some(allow) = &plan.only_to {
        // Requests that go around WordPress meet a proxy that is not there.
        let nowhere = "http://127.0.0.1:9";
        let allowed = allow.iter().map(|host| host.trim_start_matches('*'));
        let direct: Vec<_> =
            ["localhost", "127.0.0.1", "::1", ".localhost", &url.host].into_iter().chain(allowed).collect();
        for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
            command.env(name, nowhere);
        }
        command.env("no_proxy", direct.join(",")).env("NO_PROXY", direct.join(","));
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// A word for a shell.
fn quoted(word: &std::ffi::OsStr) -> String {
    format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))
}

/// Whether the server that answers on `port` is the one that was started, and not another that was there first.
fn answers(port: u16, ready: &str) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let request = b"GET /.clonedeck-ready HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
    let mut answer = String::new();
    stream.write_all(request).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer
            .lines()
            .any(|line| line.strip_prefix("X-Clonedeck-Ready: ").is_some_and(|word| word.trim() == ready))
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().rev().take(3).collect();
    if lines.is_empty() {
        String::new()
    } else {
        format!(" It wrote: {}", lines.into_iter().rev().collect::<Vec<_>>().join(" / "))
    }
}
