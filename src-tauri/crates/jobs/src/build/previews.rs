use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clonedeck_site::process::{Family, Identity, Limits, Output, Records, Running, Silent, Usage};
use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::detect::{Framework, Project};
use super::ports::Ports;
use super::tool;

/// A server that shows a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The job that started it.
    pub job: String,
    /// Where it answers.
    pub url: String,
    /// Its port.
    pub port: u16,
    /// The project's folder.
    pub folder: PathBuf,
    /// Its output.
    pub log: PathBuf,
    /// Seconds since 1970.
    pub started_at: u64,
    /// Whether it stays when Clonedeck ends.
    pub stays: bool,
    words: Vec<String>,
    mark: String,
    leader: Option<Identity>,
}

/// The servers that show builds, on record in the data directory: any process can list and stop them.
#[derive(Debug, Clone)]
pub struct Previews {
    data_dir: PathBuf,
    ports: Ports,
}

/// A log larger than this is begun anew.
const LONGEST_LOG: u64 = 10 << 20;
const GRACE: Duration = Duration::from_secs(10);

impl Previews {
    pub(super) fn new(data_dir: &Path, ports: Ports) -> Self {
        Self { data_dir: data_dir.to_owned(), ports }
    }

    /// The ports they are on.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The same servers; new ones get their ports from this range.
    pub(super) fn within(&self, range: Option<(u16, u16)>) -> Self {
        match range {
            Some((from, to)) => Self { ports: self.ports.within(from..=to), ..self.clone() },
            None => self.clone(),
        }
    }

    /// Shows a project for a job whose server has ended, unless it runs.
    pub fn serve(&self, job: &str, folder: &Path, stays: bool) -> Result<Preview> {
        self.ensure(job, &Project::detect(folder)?, stays)
    }

    /// The servers that run, the oldest first.
    pub fn list(&self) -> Result<Vec<Preview>> {
        let mut all: Vec<Preview> =
            self.written()?.into_iter().filter(|preview| preview.family().is_alive()).collect();
        all.sort_by_key(|preview| (preview.started_at, preview.port));
        Ok(all)
    }

    /// The server of a job, if one is on record.
    pub fn of(&self, job: &str) -> Option<Preview> {
        serde_json::from_slice(&fs::read(self.file(job)).ok()?).ok()
    }

    /// The file with what the server of a job writes; it stays when the server ends.
    pub fn log(&self, job: &str) -> PathBuf {
        self.data_dir.join("previews").join(format!("{job}.log"))
    }

    /// Ends the server of a job and gives its port back. Answers whether one ran.
    pub async fn stop(&self, job: &str) -> Result<bool> {
        let Some(preview) = self.of(job) else { return Ok(false) };
        let ran = preview.family().is_alive();
        if !preview.family().end(GRACE).await {
            return Err(Problem::transient(
                "preview.stuck",
                format!("The server on port {} does not end.", preview.port),
            ));
        }
        self.forget(&preview);
        Ok(ran)
    }

    /// Ends the server of a job and starts it again, on the same port if that is free.
    pub async fn restart(&self, job: &str) -> Result<Preview> {
        let preview = self.of(job).ok_or_else(|| {
            Problem::permanent("preview.unknown", format!("No preview of the job {job} is known."))
                .help("`clonedeck previews` lists them.")
        })?;
        // Its new parent may be a program that ends soon; one that did not belong to it before must not end with it.
        let stays = preview.stays || self.owner(job) != Identity::own();
        self.stop(job).await?;
        let project = Project::detect(&preview.folder)?;
        self.start(job, &project, stays)
    }

    /// Ends every server that is not to stay. For the end of the program.
    pub async fn close(&self) -> Result<()> {
        let mine = Identity::own();
        for preview in self.written()?.into_iter().filter(|preview| !preview.stays) {
            // Another process may have previews of its own.
            if self.owner(&preview.job) == mine {
                self.stop(&preview.job).await?;
            }
        }
        Ok(())
    }

    /// The server of a job that runs, or a new one.
    pub(super) fn ensure(&self, job: &str, project: &Project, stays: bool) -> Result<Preview> {
        match self.of(job).filter(|preview| preview.family().is_alive()) {
            Some(preview) => Ok(preview),
            None => self.start(job, project, stays),
        }
    }

    fn start(&self, job: &str, project: &Project, stays: bool) -> Result<Preview> {
        let port = self.ports.lease(job)?;
        let started = self.start_on(port, job, project, stays);
        if started.is_err() {
            self.ports.give_back(port);
        }
        started
    }

    fn start_on(&self, port: u16, job: &str, project: &Project, stays: bool) -> Result<Preview> {
        let folder = self.data_dir.join("previews");
        let log = self.log(job);
        let file = fs::create_dir_all(&folder)
            .and_then(|()| OpenOptions::new().create(true).append(true).open(&log))
            .map_err(|error| unusable(&log, &error))?;
        let words = server(project, port);
        let mut program = tool::program(&words, &project.folder)
            .env("PORT", port.to_string())
            .env("HOST", Ipv4Addr::LOCALHOST.to_string())
            .limits(Limits::default())
            .note(job);
        if stays {
            program = program.keep();
        }
        let records = Records::open(self.data_dir.join("processes").join("builds"))?;
        let running = program.start(Output::File(file), Some(&records))?;
        let preview = Preview {
            job: job.to_owned(),
            url: format!("http://127.0.0.1:{port}/"),
            port,
            folder: project.folder.clone(),
            log,
            started_at: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            stays,
            words,
            mark: running.family().mark().to_owned(),
            leader: running.family().leader().cloned(),
        };
        self.write(&preview)?;
        tokio::spawn(self.clone().tend(preview.clone(), running));
        Ok(preview)
    }

    /// Sees a server through: keeps its log small, and clears up when it has ended.
    async fn tend(self, preview: Preview, mut running: Running) {
        while !running.has_ended() {
            tokio::time::sleep(Duration::from_millis(500)).await;
            if fs::metadata(&preview.log).is_ok_and(|about| about.len() > LONGEST_LOG) {
                // It appends, so it goes on at the new end.
                let _ = OpenOptions::new().write(true).open(&preview.log).and_then(|file| file.set_len(0));
            }
        }
        running.end(&Silent).await;
        if self.of(&preview.job).is_some_and(|now| now.mark == preview.mark) {
            self.forget(&preview);
        }
    }

    /// Waits until the server answers over HTTP.
    ///
    /// # Errors
    /// `preview.ended` when it ends before, `preview.silent` when it does not answer within `limit`; with its last lines.
    pub(super) async fn ready(&self, preview: &Preview, limit: Duration) -> Result<u16> {
        let began = Instant::now();
        loop {
            if let Some(status) = ask(preview.port).await {
                return Ok(status);
            }
            let is_alive = preview.family().is_alive();
            if is_alive && began.elapsed() < limit {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            let lines = last_lines(&preview.log);
            let (code, message) = if is_alive {
                ("preview.silent", format!("The preview server did not answer within {} s.", limit.as_secs()))
            } else {
                ("preview.ended", "The preview server ended before it answered.".to_owned())
            };
            return Err(Problem::permanent(code, message)
                .help("Its last lines say why; the whole output is in its log.")
                .with("log", preview.log.display())
                .with("output", lines));
        }
    }

    /// Forgets servers that are gone, and frees ports that nobody holds.
    pub(super) fn sweep(&self) -> Result<()> {
        let mut alive = BTreeSet::new();
        for preview in self.written()? {
            if preview.family().is_alive() {
                alive.insert(preview.port);
            } else {
                self.forget(&preview);
            }
        }
        self.ports.sweep(&alive)
    }

    fn forget(&self, preview: &Preview) {
        let _ = fs::remove_file(self.file(&preview.job));
        self.ports.give_back(preview.port);
    }

    fn owner(&self, job: &str) -> Option<Identity> {
        let text = fs::read(self.file(job)).ok()?;
        serde_json::from_value(serde_json::from_slice::<serde_json::Value>(&text).ok()?.get("owner")?.clone())
            .ok()
    }

    fn written(&self) -> Result<Vec<Preview>> {
        let folder = self.data_dir.join("previews");
        match fs::read_dir(&folder) {
            Ok(entries) => Ok(entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
                .filter_map(|file| serde_json::from_slice(&fs::read(file).ok()?).ok())
                .collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(unusable(&folder, &error)),
        }
    }

    fn write(&self, preview: &Preview) -> Result<()> {
        let file = self.file(&preview.job);
        let new = file.with_extension("new");
        let mut value = serde_json::to_value(preview).unwrap_or_default();
        value["owner"] = serde_json::to_value(Identity::own()).unwrap_or_default();
        fs::write(&new, value.to_string())
            .and_then(|()| fs::rename(&new, &file))
            .map_err(|error| unusable(&file, &error))
    }

    fn file(&self, job: &str) -> PathBuf {
        self.data_dir.join("previews").join(format!("{job}.json"))
    }
}

impl Preview {
    /// The server and everything it started.
    pub fn family(&self) -> Family {
        Family::known(self.leader.clone(), self.mark.clone())
    }

    /// What it takes of the machine.
    pub fn usage(&self) -> Usage {
        self.family().usage()
    }
}

/// What shows a project, on a port of this machine alone.
fn server(project: &Project, port: u16) -> Vec<String> {
    let port = port.to_string();
    let tool =
        |name: &str| project.folder.join("node_modules/.bin").join(name).to_string_lossy().into_owned();
    let words: Vec<String> = match project.framework {
        Framework::Vite | Framework::SvelteKit => {
            [&tool("vite"), "--host", "127.0.0.1", "--port", &port, "--strictPort"].map(str::to_owned).into()
        }
        Framework::Next => [&tool("next"), "dev", "-H", "127.0.0.1", "-p", &port].map(str::to_owned).into(),
        Framework::Astro => {
            [&tool("astro"), "dev", "--host", "127.0.0.1", "--port", &port].map(str::to_owned).into()
        }
        Framework::Static => ["php", "-S", &format!("127.0.0.1:{port}"), "-t", "."].map(str::to_owned).into(),
        Framework::Script => {
            let manager = project.manager.map_or("npm", super::detect::Manager::program);
            [manager, "run", "dev"].map(str::to_owned).into()
        }
    };
    words
}

/// The status of the front page, if something answers.
async fn ask(port: u16) -> Option<u16> {
    let answer = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
        let request = format!(
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).await.ok()?;
        let text = std::str::from_utf8(&begin).ok()?;
        text.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()
    };
    tokio::time::timeout(Duration::from_secs(10), answer).await.ok().flatten()
}

fn last_lines(log: &Path) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let length = file.metadata().map_or(0, |about| about.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(16 << 10)));
        let _ = file.take(16 << 10).read_to_end(&mut text);
    }
    let lines: Vec<String> = text.split(|byte| *byte == b'\n').map(clonedeck_site::process::clean).collect();
    lines[lines.len().saturating_sub(50)..].join("\n").trim().to_owned()
}

fn unusable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::transient("preview.record", format!("{} cannot be used: {error}.", path.display()))
        .with("path", path.display())
}
