use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Served;
use crate::process::{Family, Output, Program, Records, Running, clean};
use crate::{Problem, Result};

/// What stands for the port in the words, variables and address of a [`Service`].
pub const PORT: &str = "{port}";

/// A server that shows something: what to run, and how it is known that it answers. It is kept with the record of the running
/// server, so that whoever finds the record can start it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The job that it belongs to; also its name among previews.
    pub job: String,
    /// The kind of that job.
    pub kind: String,
    /// What is served, for people.
    pub title: String,
    /// Where it answers; [`PORT`] stands for its port.
    pub url: String,
    /// The port that it must have; any of a range when none.
    pub port: Option<u16>,
    /// The folder that is served.
    pub folder: PathBuf,
    /// The file that its output goes to.
    pub log: PathBuf,
    /// The program and its arguments; [`PORT`] stands for its port.
    pub words: Vec<OsString>,
    /// Its environment, beside the little that every program gets.
    pub variables: Vec<(String, OsString)>,
    /// The word by which it shows that it is the one that was started; when none, any answer will do.
    pub sign: Option<String>,
    /// How long it may take until it answers.
    pub patience: Duration,
    /// Whether it goes on when the program that started it ends.
    pub stays: bool,
}

/// Whether nobody listens on a port of this machine.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Why no server of ours can be on a port, unless it can.
pub fn refusal(port: u16) -> Option<Problem> {
    let error = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).err()?;
    let problem = if error.kind() == std::io::ErrorKind::PermissionDenied {
        Problem::needs_person(
            "port.forbidden",
            format!("Port {port} of this machine is kept for administrators; this user may not serve on it."),
        )
        .help("Give the copy an address with a port from 1024 on with --url, or let a web server show it.")
    } else {
        taken(port)
    };
    Some(problem.with("port", port))
}

/// Somebody else is on a port.
pub fn taken(port: u16) -> Problem {
    Problem::needs_person("port.taken", format!("Port {port} of this machine is in use."))
        .help("End the program that listens there, or give the copy another address with --url.")
        .with("port", port)
}

impl Service {
    /// Starts it on a port, on record from the first moment. It need not answer yet.
    ///
    /// # Errors
    /// When the program is not there, or the log cannot be written.
    pub fn start(&self, port: u16, records: &Records) -> Result<(Served, Running)> {
        let started_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let url = self.url.replace(PORT, &port.to_string());
        let mut words = self.words.iter().map(|word| with_port(word, port));
        let mut program = Program::new(words.next().unwrap_or_default(), &self.folder).args(words);
        for (name, value) in &self.variables {
            program = program.env(name, with_port(value, port));
        }
        if self.stays {
            program = program.keep();
        }
        let note = super::record::note(self, port, started_at);
        let running = program.note(note).start(Output::File(self.fresh_log()?), Some(records))?;
        let family = running.family().clone();
        let owner = crate::process::Identity::own();
        Ok((Served { service: self.clone(), port, url, started_at, family, owner }, running))
    }

    /// It appends, so that the file can be cut while it is written.
    fn fresh_log(&self) -> Result<File> {
        let open = || {
            fs::create_dir_all(self.log.parent().unwrap_or(Path::new("/")))?;
            let file = OpenOptions::new().create(true).append(true).open(&self.log)?;
            file.set_len(0)?;
            Ok(file)
        };
        open().map_err(|error: std::io::Error| {
            let log = self.log.display();
            Problem::transient("preview.log", format!("{log} cannot be written: {error}."))
                .help("Look whether that disk has room.")
                .with("path", log)
        })
    }
}

impl Served {
    /// Waits until it answers over HTTP; tells with which status.
    ///
    /// # Errors
    /// `preview.ended` when it ends before, `preview.silent` when it is silent for as long as its service allows; with its last
    /// lines.
    pub async fn ready(&self) -> Result<u16> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(10);
        loop {
            if let Some(status) = self.ask().await {
                return Ok(status);
            }
            let is_alive = self.family.is_alive();
            if is_alive && began.elapsed() < self.service.patience {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(100));
                continue;
            }
            let (code, message) = if is_alive {
                let patience = self.service.patience.as_secs();
                ("preview.silent", format!("The server at {} did not answer within {patience} s.", self.url))
            } else {
                ("preview.ended", format!("The server at {} ended before it answered.", self.url))
            };
            return Err(Problem::permanent(code, message)
                .help("Its last lines say why; the whole output is in its log.")
                .with("log", self.service.log.display())
                .with("output", last_lines(&self.service.log)));
        }
    }

    /// The status of an answer, if it is the right server that answers.
    async fn ask(&self) -> Option<u16> {
        let Self { port, service, .. } = self;
        let path = if service.sign.is_some() { "/.clonedeck-ready" } else { "/" };
        let answer = async {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).await.ok()?;
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await.ok()?;
            let mut head = Vec::new();
            // Enough for the head of any answer; what follows is of no interest.
            stream.take(8 << 10).read_to_end(&mut head).await.ok()?;
            let text = String::from_utf8_lossy(&head);
            let status = text.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
            let mut signs = text.lines().filter_map(|line| line.strip_prefix("X-Clonedeck-Ready: "));
            service.sign.as_ref().is_none_or(|sign| signs.any(|word| word.trim() == sign)).then_some(status)
        };
        tokio::time::timeout(Duration::from_secs(10), answer).await.ok().flatten()
    }

    /// What it takes of the machine.
    pub fn usage(&self) -> crate::process::Usage {
        Family::usage(&self.family)
    }
}

fn with_port(word: &OsStr, port: u16) -> OsString {
    word.to_str().map_or_else(|| word.to_owned(), |text| text.replace(PORT, &port.to_string()).into())
}

/// At most 50 lines from the end of a log, cleaned.
fn last_lines(log: &Path) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let length = file.metadata().map_or(0, |about| about.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(16 << 10)));
        let _ = file.take(16 << 10).read_to_end(&mut text);
    }
    let lines: Vec<String> = text.split(|byte| *byte == b'\n').map(clean).collect();
    lines[lines.len().saturating_sub(50)..].join("\n").trim().to_owned()
}
