//! A private MariaDB server for tests: on a socket in a temporary folder, reachable by nobody else, gone with the test.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to answer before the test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server. The user `root` needs no password. Dropping it ends the server and removes its data.
#[derive(Debug)]
pub struct MariaDb {
    folder: TempDir,
    options: Vec<String>,
    running: Mutex<Option<Running>>,
    names: AtomicU32,
}

/// A shell that holds the server: it kills the server when its input ends, which happens as well when the test process is killed.
#[derive(Debug)]
struct Running {
    shell: Child,
    input: Option<ChildStdin>,
}

impl MariaDb {
    /// Starts a server with the settings of a test: small memory, no wait for the disk at a commit.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with more options, as `--name=value`.
    pub fn start_with(options: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("mariadb-").tempdir().expect("a temporary folder");
        // A server that starts removes what others left in its folder for temporary tables, so each has one of its own.
        std::fs::create_dir(folder.path().join("tmp")).expect("a folder");
        let mut install = Command::new("mariadb-install-db");
        install
            .env("TMPDIR", folder.path().join("tmp"))
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", folder.path().join("data").display()));
        if is_root() {
            install.arg("--user=root");
        }
        let output = install.output().expect("mariadb-install-db (Debian package mariadb-server) starts");
        assert!(output.status.success(), "mariadb-install-db: {}", String::from_utf8_lossy(&output.stderr));
        let server = Self {
            folder,
            options: options.iter().map(ToString::to_string).collect(),
            running: Mutex::new(None),
            names: AtomicU32::new(0),
        };
        server.go();
        server
    }

    /// One server for all tests of a test program, started by the first that asks and ended with the last.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<MariaDb>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// The socket on which it listens.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("sock")
    }

    /// The process of the server, while it runs.
    pub fn pid(&self) -> u32 {
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).expect("the server runs");
        pid.trim().parse().expect("a number")
    }

    /// The folder of its data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The address of one of its databases, as the command line takes it.
    pub fn address(&self, database: &str) -> String {
        self.address_as("root", database)
    }

    /// The same for another user than root.
    pub fn address_as(&self, user: &str, database: &str) -> String {
        format!("mysql://{user}@/{database}?socket={}", self.socket().display())
    }

    /// A name for a database that no other test of this server uses.
    pub fn fresh_name(&self, stem: &str) -> String {
        format!("{stem}_{}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// Makes an empty database with a fresh name.
    pub fn fresh_database(&self, stem: &str) -> String {
        let name = self.fresh_name(stem);
        self.sql(&format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4"));
        name
    }

    /// Runs SQL text with the server's own client. The answer has a line a row and a tab between columns, no headings.
    ///
    /// # Panics
    /// When a statement fails.
    pub fn sql(&self, text: &str) -> String {
        self.sql_in("", text)
    }

    /// The same in a database.
    ///
    /// # Panics
    /// When a statement fails.
    pub fn sql_in(&self, database: &str, text: &str) -> String {
        self.try_sql_in(database, text).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, with the client's message when a statement fails.
    pub fn try_sql_in(&self, database: &str, text: &str) -> Result<String, String> {
        let mut client = self
            .client("mariadb")
            .args([
                "--batch",
                "--skip-column-names",
                "--default-character-set=utf8mb4",
                "--binary-mode",
                database,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("mariadb (Debian package mariadb-client) starts");
        let mut input = client.stdin.take().expect("piped");
        let text = text.as_bytes().to_vec();
        let feeder = std::thread::spawn(move || {
            let _ = input.write_all(&text);
        });
        let output = client.wait_with_output().expect("the client ends");
        feeder.join().expect("the feeder ends");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// `CHECKSUM TABLE` of every table of a database, by name.
    pub fn checksums(&self, database: &str) -> String {
        let tables = self.sql(&format!(
            "SELECT CONCAT('`', table_name, '`') FROM information_schema.tables \
             WHERE table_schema='{database}' AND table_type='BASE TABLE' ORDER BY table_name"
        ));
        self.sql_in(database, &format!("CHECKSUM TABLE {}", tables.lines().collect::<Vec<_>>().join(", ")))
    }

    /// A client program (`mariadb`, `mariadb-dump`, `mydumper`…) told how to reach this server as root.
    pub fn client(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        if command.get_program().to_string_lossy().starts_with("mariadb") {
            command.arg("--no-defaults");
        }
        command.arg("--user=root").arg(format!("--socket={}", self.socket().display()));
        command
    }

    /// Ends the server as a power cut would. [`MariaDb::go`] starts it again on the same data.
    pub fn kill(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            running.end();
        }
    }

    /// Starts the server after a [`MariaDb::kill`] and waits until it answers.
    pub fn go(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(running.is_none(), "the server runs already");
        *running = Some(Running::start(self.folder.path(), &self.options));
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Running {
    fn start(folder: &Path, options: &[String]) -> Self {
        let socket = folder.join("sock");
        let _ = std::fs::remove_file(&socket);
        let log = folder.join("log");
        let mut shell = Command::new("sh");
        shell
            .env("TMPDIR", folder.join("tmp"))
            .arg("-c")
            .arg(r#"log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & pid=$!; echo $pid; read -r _; kill -9 $pid; wait $pid"#)
            .arg("sh")
            .arg(&log)
            .args(["mariadbd", "--no-defaults"])
            .arg(format!("--datadir={}", folder.join("data").display()))
            .arg(format!("--socket={}", socket.display()))
            .arg(format!("--pid-file={}", folder.join("pid").display()))
            .args([
                "--skip-networking",
                "--innodb-flush-log-at-trx-commit=2",
                "--innodb-buffer-pool-size=64M",
                "--innodb-log-file-size=32M",
                "--max-allowed-packet=64M",
                "--performance-schema=OFF",
                "--skip-log-bin",
            ])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if is_root() {
            shell.arg("--user=root");
        }
        let mut shell = shell.spawn().expect("sh starts");
        let input = shell.stdin.take();
        let mut pid = String::new();
        BufReader::new(shell.stdout.take().expect("piped"))
            .read_line(&mut pid)
            .expect("the shell tells the process");
        let running = Self { shell, input };
        let since = Instant::now();
        while !answers(&socket) {
            let alive = Path::new("/proc").join(pid.trim()).exists();
            assert!(
                alive && since.elapsed() < PATIENCE,
                "the server does not start:\n{}",
                std::fs::read_to_string(&log).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }

    fn end(mut self) {
        drop(self.input.take());
        let _ = self.shell.wait();
    }
}

fn answers(socket: &Path) -> bool {
    use std::io::Read as _;
    // A greeting of the server, not only a socket that takes connections.
    std::os::unix::net::UnixStream::connect(socket).is_ok_and(|mut stream| {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let mut header = [0; 5];
        stream.read_exact(&mut header).is_ok() && header[4] == 10
    })
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_server_answers_keeps_its_data_over_a_power_cut_and_leaves_nothing_behind() {
        let server = MariaDb::start();
        let name = server.fresh_database("shop");
        server.sql_in(&name, "CREATE TABLE t (a INT) ENGINE=InnoDB; INSERT INTO t VALUES (42)");
        server.kill();
        assert!(server.try_sql_in("", "SELECT 1").is_err());
        server.go();
        assert_eq!(server.sql_in(&name, "SELECT a FROM t"), "42\n");
        let folder = server.folder.path().to_owned();
        drop(server);
        assert!(!folder.exists());
    }
}
