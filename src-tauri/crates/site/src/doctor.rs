//! What this machine has and lacks, what each lack means, and what to do about it.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::keychain::{self, Absence};
use crate::preview::Php;
use crate::process::Keeper;
use crate::{Problem, words};

/// How a part of the machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// All is there.
    Ok,
    /// Something lacks that only some work needs.
    Warn,
    /// Something lacks without which nothing goes.
    Bad,
}

impl Status {
    /// The word for it in JSON: `ok`, `warn` or `bad`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable: `php`, `database-client`, `keychain`, `notifications`, `tray`, `disk`, `limits`.
    pub code: &'static str,
    /// What it is, for people.
    pub title: String,
    /// How it stands.
    pub status: Status,
    /// What is there or lacks, and what that means.
    pub message: String,
    /// What to do; empty where nothing has to be done.
    pub fix: String,
}

impl Finding {
    fn new(code: &'static str, title: &str, status: Status, message: impl Into<String>, fix: &str) -> Self {
        Self { code, title: title.to_owned(), status, message: message.into(), fix: fix.to_owned() }
    }
}

/// Where database servers of a machine usually listen.
const SOCKETS: [&str; 4] = [
    "/run/mysqld/mysqld.sock",
    "/var/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
];
const PORTS: [u16; 2] = [3306, 3307];

/// How long a part of the machine may take to answer before it counts as missing.
const PATIENCE: Duration = Duration::from_secs(2);

/// Less room than this is too little for most sites, in bytes.
const LITTLE: u64 = 5 << 30;
/// Less room than this is too little for anything.
const NOTHING: u64 = 200 << 20;

/// Looks at this machine. `data_dir` need not be there yet.
pub async fn look(data_dir: &Path) -> Vec<Finding> {
    let folder = data_dir.to_owned();
    let local = tokio::task::spawn_blocking(move || {
        vec![
            php(&Php::find()),
            server(&answering(&SOCKETS.map(PathBuf::from), &PORTS)),
            disk(&folder, room(&folder)),
            keychain(keychain::stands()),
        ]
    });
    let keeper = Keeper::of_this_machine().await;
    let mut findings = local.await.unwrap_or_default();
    findings.push(limits(keeper));
    findings.extend(desktop().await);
    findings
}

/// Who keeps commands and builds within their limits; one way is as good as the other for nearly everything, so neither is a warning.
fn limits(keeper: Keeper) -> Finding {
    let by_kernel = "The kernel keeps commands and builds within their limits of memory and processors, each in a scope of";
    let message = match keeper {
        Keeper::UserScope(_) => format!("{by_kernel} your systemd."),
        Keeper::SystemScope(_) => format!("{by_kernel} the system's systemd."),
        Keeper::Clonedeck => "No systemd answers here, so Clonedeck itself keeps commands and builds within their limits: it measures memory and \
             processors four times a second, ends what takes too much memory and holds back what is too busy. What grows within a quarter \
             of a second can pass the limit for that long."
            .to_owned(),
    };
    Finding::new("limits", "Limits of programs", Status::Ok, message, "")
}

fn php(found: &Result<Php, Problem>) -> Finding {
    let title = "PHP";
    let php = match found {
        Ok(php) => php,
        Err(problem) => {
            let message = "PHP is not installed: sites are cloned all the same, but copies cannot be shown or checked on this machine.";
            return Finding::new("php", title, Status::Warn, message, &problem.help);
        }
    };
    let wanted = ["mysqli", "pdo_sqlite", "gd", "mbstring", "xml", "curl", "zip"];
    let missing: Vec<_> = wanted.into_iter().filter(|name| php.needs(name).is_err()).collect();
    let here = format!("PHP {} in {}", php.version, php.path.display());
    if missing.is_empty() {
        return Finding::new(
            "php",
            title,
            Status::Ok,
            format!("{here}, with all extensions that sites usually need."),
            "",
        );
    }
    let packages: Vec<_> = missing
        .iter()
        .map(|name| match *name {
            "mysqli" => "php-mysql".to_owned(),
            "pdo_sqlite" => "php-sqlite3".to_owned(),
            name => format!("php-{name}"),
        })
        .collect();
    Finding::new(
        "php",
        title,
        Status::Warn,
        format!("{here}, without {}: sites that need them cannot be shown.", missing.join(", ")),
        &format!("On Debian and Ubuntu: apt install {}", packages.join(" ")),
    )
}

/// A database server that answered: where, and the version that it says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answering {
    place: String,
    version: String,
}

fn answering(sockets: &[PathBuf], ports: &[u16]) -> Vec<Answering> {
    let mut found: Vec<Answering> = Vec::new();
    #[cfg(unix)]
    for socket in sockets {
        // The same folder under two names is one server.
        let place = std::fs::canonicalize(socket).unwrap_or_else(|_| socket.clone()).display().to_string();
        if found.iter().any(|known| known.place == place) {
            continue;
        }
        let stream = std::os::unix::net::UnixStream::connect(socket);
        let version = stream.ok().and_then(|stream| {
            stream.set_read_timeout(Some(PATIENCE)).ok()?;
            greeting(stream)
        });
        found.extend(version.map(|version| Answering { place, version }));
    }
    #[cfg(not(unix))]
    let _ = sockets;
    for port in ports {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
        let version = TcpStream::connect_timeout(&address, PATIENCE).ok().and_then(|stream| {
            stream.set_read_timeout(Some(PATIENCE)).ok()?;
            greeting(stream)
        });
        found.extend(version.map(|version| Answering { place: address.to_string(), version }));
    }
    found
}

/// The version in the packet by which a MariaDB or MySQL server greets.
fn greeting(mut stream: impl Read) -> Option<String> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).ok()?;
    let length = usize::from(header[0]) | usize::from(header[1]) << 8;
    let mut packet = vec![0; length.min(1024)];
    stream.read_exact(&mut packet).ok()?;
    let (protocol, rest) = packet.split_first()?;
    // An error packet is a greeting too: the server is there and refuses this machine.
    if *protocol == 0xff {
        return Some("a server that refuses this machine".into());
    }
    let version = rest.split(|byte| *byte == 0).next().filter(|_| *protocol == 10)?;
    let version = String::from_utf8_lossy(version);
    Some(version.strip_prefix("5.5.5-").unwrap_or(&version).to_owned())
}

fn server(found: &[Answering]) -> Finding {
    let title = "MariaDB and MySQL";
    if found.is_empty() {
        return Finding::new(
            "database-client",
            title,
            Status::Warn,
            "No server answers at the usual places of this machine. Clonedeck needs no client program: sites on SQLite and servers \
             elsewhere work all the same.",
            "For sites that keep their data on this machine, start the server (Debian and Ubuntu: systemctl start mariadb).",
        );
    }
    let each: Vec<_> = found.iter().map(|server| format!("{} at {}", server.version, server.place)).collect();
    Finding::new("database-client", title, Status::Ok, format!("Answers: {}.", each.join("; ")), "")
}

/// Free room on the disk of the nearest folder that is there, in bytes.
fn room(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|folder| folder.exists())?;
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(there).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = there;
        None
    }
}

fn disk(folder: &Path, room: Option<u64>) -> Finding {
    let title = "Disk";
    let Some(room) = room else {
        return Finding::new(
            "disk",
            title,
            Status::Warn,
            format!("How much room {} has is not known.", folder.display()),
            "",
        );
    };
    let free = format!("{} free for {}", words::bytes(room), folder.display());
    if room < NOTHING {
        return Finding::new(
            "disk",
            title,
            Status::Bad,
            format!("Only {free}: jobs will wait."),
            "Make room on this disk.",
        );
    }
    if room < LITTLE {
        return Finding::new(
            "disk",
            title,
            Status::Warn,
            format!("Only {free}: a big site will not fit."),
            "Make room, or clone to another disk.",
        );
    }
    Finding::new("disk", title, Status::Ok, format!("{free}."), "")
}

fn keychain(stands: Result<(), Absence>) -> Finding {
    let title = "Keychain";
    let Err(absence) = stands else {
        let message = "A keychain is open: passwords of jobs are kept in it.";
        return Finding::new("keychain", title, Status::Ok, message, "");
    };
    let fix = match absence {
        Absence::Locked => "Unlock it; what is kept from then on is kept in it.",
        Absence::NoCollection => {
            "Make a default one with the program that manages passwords on this desktop."
        }
        Absence::NoService => "Install one, gnome-keyring or KWallet, if files are not enough.",
        Absence::Silent => "See whether a window of it waits for an answer.",
        Absence::NoSession | Absence::Off | Absence::Unknown => "",
    };
    // Whoever has no desktop here, or wants none of it, lacks nothing.
    let status = if fix.is_empty() { Status::Ok } else { Status::Warn };
    let message = format!(
        "Passwords of jobs are kept in files of the data directory that only this user can read, because {absence}."
    );
    Finding::new("keychain", title, status, message, fix)
}

/// What the desktop offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Desktop {
    bus: bool,
    notifications: bool,
    tray: bool,
}

async fn desktop() -> Vec<Finding> {
    let found = tokio::time::timeout(PATIENCE, session()).await.ok().flatten().unwrap_or_default();
    desktop_findings(found)
}

fn desktop_findings(found: Desktop) -> Vec<Finding> {
    let without_bus = if found.bus { "" } else { "There is no desktop session here. " };
    let finding = |code, title: &str, there: bool, yes: &str, no: &str, fix: &str| {
        if there {
            Finding::new(code, title, Status::Ok, yes, "")
        } else {
            Finding::new(code, title, Status::Warn, format!("{without_bus}{no}"), fix)
        }
    };
    vec![
        finding(
            "notifications",
            "Notifications",
            found.notifications,
            "A notification server answers: ends of jobs are announced.",
            "No notification server answers: ends of jobs are seen in the window and with `clonedeck watch` only.",
            "Start the one of your desktop, or install dunst.",
        ),
        finding(
            "tray",
            "Tray",
            found.tray,
            "A tray is there: it shows the queue while the window is closed.",
            "No tray is there: once the window is closed, nothing on the screen shows that the queue runs.",
            "On GNOME, install the extension AppIndicator; or run `clonedeck work` in a terminal.",
        ),
    ]
}

#[cfg(target_os = "linux")]
async fn session() -> Option<Desktop> {
    let bus = zbus::Connection::session().await.ok()?;
    let names = zbus::fdo::DBusProxy::new(&bus).await.ok()?;
    let running = names.list_names().await.unwrap_or_default();
    let startable = names.list_activatable_names().await.unwrap_or_default();
    let has = |name: &str| running.iter().chain(&startable).any(|known| known.as_str() == name);
    let watcher = "org.kde.StatusNotifierWatcher";
    let host = if running.iter().any(|known| known.as_str() == watcher) {
        match zbus::Proxy::new(&bus, watcher, "/StatusNotifierWatcher", watcher).await {
            Ok(proxy) => proxy.get_property::<bool>("IsStatusNotifierHostRegistered").await.unwrap_or(false),
            Err(_) => false,
        }
    } else {
        false
    };
    Some(Desktop { bus: true, notifications: has("org.freedesktop.Notifications"), tray: host })
}

/// macOS and Windows bring both with them.
#[cfg(not(target_os = "linux"))]
async fn session() -> Option<Desktop> {
    Some(Desktop { bus: true, notifications: true, tray: true })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_server_is_known_by_its_greeting_and_nothing_else_is_taken_for_one() {
        let serve = |bytes: Vec<u8>| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            let served = std::thread::spawn(move || listener.accept().unwrap().0.write_all(&bytes).unwrap());
            let found = answering(&[], &[port]);
            served.join().unwrap();
            found
        };
        let mut packet = vec![0; 4];
        packet.push(10);
        packet.extend_from_slice(b"5.5.5-10.11.6-MariaDB\0rest");
        packet[0] = (packet.len() - 4) as u8;
        let found = serve(packet);
        assert_eq!(found[0].version, "10.11.6-MariaDB");
        assert_eq!(server(&found).status, Status::Ok);
        assert!(serve(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()).is_empty());
        assert_eq!(server(&[]).status, Status::Warn);
    }

    #[test]
    fn who_keeps_limits_is_told_and_is_no_warning() {
        let finding = limits(Keeper::Clonedeck);
        assert_eq!((finding.code, finding.status), ("limits", Status::Ok));
        assert!(finding.message.contains("four times a second"));
    }

    #[test]
    fn missing_parts_of_php_are_named_with_their_packages() {
        let php_with = |extensions: &[&str]| {
            php(&Ok(Php {
                path: "/usr/bin/php".into(),
                version: "8.2.1".into(),
                extensions: extensions.iter().map(|name| (*name).to_owned()).collect(),
            }))
        };
        let all = ["mysqli", "pdo_sqlite", "gd", "mbstring", "xml", "curl", "zip"];
        assert_eq!(php_with(&all).status, Status::Ok);
        let some = php_with(&all[2..]);
        assert_eq!(some.status, Status::Warn);
        assert!(
            some.message.contains("mysqli, pdo_sqlite") && some.fix.contains("php-mysql php-sqlite3"),
            "{some:?}"
        );
    }

    #[test]
    fn little_room_is_a_warning_and_none_is_bad() {
        let status = |room| disk(Path::new("/data"), room).status;
        assert_eq!(status(Some(100 << 30)), Status::Ok);
        assert_eq!(status(Some(1 << 30)), Status::Warn);
        assert_eq!(status(Some(1 << 20)), Status::Bad);
        assert!(room(Path::new("/no/such/folder")).is_some(), "the nearest folder that is there counts");
    }

    #[test]
    fn a_machine_without_a_desktop_is_told_what_that_means() {
        let findings = desktop_findings(Desktop::default());
        assert!(findings.iter().all(|finding| finding.status == Status::Warn && !finding.fix.is_empty()));
        assert!(
            findings.iter().all(|finding| finding.message.starts_with("There is no desktop session here."))
        );
        let all = desktop_findings(Desktop { bus: true, notifications: true, tray: true });
        assert!(all.iter().all(|finding| finding.status == Status::Ok));
    }

    #[test]
    fn it_is_said_where_passwords_are_kept_and_why() {
        let open = keychain(Ok(()));
        assert!(open.status == Status::Ok && open.message.contains("kept in it"), "{open:?}");
        let locked = keychain(Err(Absence::Locked));
        assert!(locked.status == Status::Warn && !locked.fix.is_empty(), "{locked:?}");
        let none = keychain(Err(Absence::NoSession));
        assert!(none.status == Status::Ok && none.message.contains("only this user can read"), "{none:?}");
    }

    #[tokio::test]
    async fn every_part_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let codes: Vec<_> = look(folder.path()).await.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["php", "database-client", "disk", "keychain", "limits", "notifications", "tray"]);
    }
}
