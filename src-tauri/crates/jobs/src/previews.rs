//! What is served on this machine while it is looked at: copies of sites, and builds.

use std::fs::{self, OpenOptions};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use clonedeck_queue::{Lease, Leases, Queue};
use clonedeck_site::platforms::Address;
use clonedeck_site::preview::{self, Php, Plan, Served, Service, free_port, is_free};
use clonedeck_site::process::{Family, Records, Running, Silent};
use clonedeck_site::{Problem, Result};
use tokio::sync::{Mutex, OnceCell};

use crate::clone::Made;

/// The ports that previews get, unless the settings say others.
const PORTS: RangeInclusive<u16> = 4300..=4499;
/// How often a port is looked for that no copy has.
const TRIES: usize = 50;
/// What the holder of a copy's port begins with; that of a port on which something is served is the job's id alone.
const COPY: &str = "copy:";
/// A log larger than this is begun anew.
const LONGEST_LOG: u64 = 10 << 20;

/// The previews of a data directory, on record: any process lists, stops and restarts them. Each has its port leased in the
/// database. Those that are not to stay end with the program that started them. Clones are the same.
#[derive(Debug, Clone)]
pub struct Previews {
    data_dir: PathBuf,
    go_on: bool,
    ports: Arc<RwLock<RangeInclusive<u16>>>,
    leases: Arc<OnceLock<Leases>>,
    /// One start at a time, so that a job has one server.
    starting: Arc<Mutex<()>>,
    swept: Arc<OnceCell<()>>,
}

impl Previews {
    /// The previews of `data_dir`. With `go_on` those of copies outlive this program: a command that ends leaves its copy reachable.
    pub fn of(data_dir: &Path, go_on: bool) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            go_on,
            ports: Arc::new(RwLock::new(PORTS)),
            leases: Arc::default(),
            starting: Arc::default(),
            swept: Arc::default(),
        }
    }

    /// Says in which database ports are leased. Until then nothing can be served.
    pub fn lease_from(&self, queue: &Queue) {
        let _ = self.leases.set(queue.leases("port"));
    }

    /// Sets the ports that previews get from now on.
    pub fn set_ports(&self, range: RangeInclusive<u16>) {
        *self.ports.write().unwrap_or_else(PoisonError::into_inner) = range;
    }

    /// The folder with what the server of a job needs and writes.
    pub fn folder(&self, job: &str) -> PathBuf {
        self.data_dir.join("previews").join(job)
    }

    /// The file with what the server of a job writes; it stays when the server has ended.
    pub fn log(&self, job: &str) -> PathBuf {
        self.folder(job).join("server.log")
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Everything that is served, the oldest first.
    pub fn list(&self) -> Result<Vec<Served>> {
        preview::list(&self.records()?)
    }

    /// The server of a job that runs, whoever started it.
    pub fn running(&self, job: &str) -> Result<Option<Served>> {
        Ok(self.list()?.into_iter().find(|served| served.service.job == job))
    }

    /// Whether the preview of this job runs, whoever started it.
    pub fn is_running(&self, job: &str) -> bool {
        self.running(job).is_ok_and(|served| served.is_some())
    }

    /// The port of a copy's address: the one that it has, else one that no other copy has, whether it is served or not. It is the copy's
    /// until it is [let go](Self::let_port_go).
    pub async fn reserve(&self, job: &str) -> Result<u16> {
        if let Some(port) = self.reserved(job).await? {
            return Ok(port);
        }
        for _ in 0..TRIES {
            let port = free_port()?;
            let taken = self.leases()?.take(&copy(job), port..=port, |_| true).await;
            if let Some(port) = taken.map_err(|error| no_leases(&error))? {
                return Ok(port);
            }
        }
        Err(Problem::transient("port.none", "Every port of this machine that is free belongs to a copy.")
            .help("Delete copies that are not needed any more: clonedeck delete JOB"))
    }

    /// Makes the port of an address that was asked for the copy's own, where it is to be served from here. Refused with `port.taken`
    /// where another copy has it. A web server that is on the port already may be the one that will show the copy.
    pub async fn claim(&self, job: &str, address: &Address) -> Result<()> {
        if address.scheme != "http" || !address.is_loopback() {
            return Ok(());
        }
        let port = address.port_or_default();
        let all = self.leases()?.all().await.map_err(|error| no_leases(&error))?;
        if let Some(other) = all.iter().find(|lease| lease.number == port && lease.holder != copy(job)) {
            let id = other.holder.trim_start_matches(COPY);
            if self.stands(id) {
                return Err(Problem::needs_person(
                    "port.taken",
                    format!("Port {port} of this machine is promised to another job: {id}."),
                )
                .help(format!(
                    "Clone again with another address (--url), or delete that copy and retry: clonedeck delete {id}"
                ))
                .with("port", port));
            }
            self.give_back(&other.holder).await;
        }
        if is_free(port) {
            let taken = self.leases()?.take(&copy(job), port..=port, |_| true).await;
            taken.map_err(|error| no_leases(&error))?.ok_or_else(|| preview::taken(port))?;
        }
        Ok(())
    }

    /// Whether a job may still need its port: not once its copy was taken away by hand, or another stands in its place.
    fn stands(&self, job: &str) -> bool {
        let made = Made::standing(&self.data_dir.join("jobs").join(job));
        let is_there = made.is_ok_and(|made| made.is_none_or(|made| made.planned.target.is_dir()));
        is_there || self.is_running(job)
    }

    async fn reserved(&self, job: &str) -> Result<Option<u16>> {
        let (holder, leases) = (copy(job), self.leases()?.all().await.map_err(|error| no_leases(&error))?);
        Ok(leases.into_iter().find(|lease| lease.holder == holder).map(|lease| lease.number))
    }

    /// Gives back the port of a copy that is gone. Not to be called from an async thread.
    pub fn let_port_go(&self, job: &str) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.block_on(self.give_back(&copy(job)));
        }
    }

    /// Has PHP read from the disk for a copy that is to be shown later. From a cold disk that takes seconds, which nobody has to wait
    /// for while files and rows are copied. Whether there is a PHP is told when the copy is shown.
    pub fn warm_up(&self, url: &str) {
        if Address::parse(url).is_ok_and(|address| address.scheme == "http" && address.is_loopback()) {
            tokio::task::spawn_blocking(|| Php::find().is_ok());
        }
    }

    /// Shows a copy, unless it is shown already; when this returns, it answers.
    pub async fn serve(&self, mut plan: Plan) -> Result<()> {
        if self.is_running(&plan.job) {
            return Ok(());
        }
        plan.goes_on = self.go_on;
        let service = tokio::task::spawn_blocking(move || plan.service()).await;
        let served = self.start(service.map_err(crate::lost_thread)??, None).await?;
        self.ready(&served).await.map(drop)
    }

    /// Starts a server, unless the job has one. Its port is of `ports`, or of the settings' range when none. It need not answer yet.
    ///
    /// # Errors
    /// `port.none` when all ports are taken, `port.taken` when the one that it must have is.
    pub async fn start(&self, service: Service, ports: Option<RangeInclusive<u16>>) -> Result<Served> {
        self.sweep().await?;
        let _one = self.starting.lock().await;
        if let Some(served) = self.running(&service.job)? {
            return Ok(served);
        }
        let port = self.lease(&service, ports).await?;
        match service.start(port, &self.records()?) {
            Ok((served, running)) => {
                tokio::spawn(self.clone().tend(served.clone(), running));
                Ok(served)
            }
            Err(problem) => {
                self.give_back(&service.job).await;
                Err(problem)
            }
        }
    }

    /// Waits until a server answers; one that does not is ended: it helps nobody, and its port is wanted.
    pub async fn ready(&self, served: &Served) -> Result<u16> {
        let answer = served.ready().await;
        if answer.is_err() {
            self.stop(&served.service.job).await?;
        }
        answer
    }

    /// Ends the server of a job and gives its port back. Answers whether one ran.
    pub async fn stop(&self, job: &str) -> Result<bool> {
        let ran = preview::stop(&self.records()?, job).await?;
        self.give_back(job).await;
        Ok(ran)
    }

    /// Ends what other jobs show of a place that is `job`'s from now on: what is served below `folder`, and the copies of `earlier`
    /// jobs. Two servers never show one folder, and none shows what stands in the place of its own copy. Answers what ended, a
    /// title and an address each.
    pub async fn clear(&self, job: &str, folder: &Path, earlier: &[String]) -> Result<Vec<String>> {
        let mut ended = Vec::new();
        for Served { service, url, .. } in self.list()? {
            let is_in_the_way = service.folder.starts_with(folder) || earlier.contains(&service.job);
            if service.job != job && is_in_the_way && self.stop(&service.job).await? {
                ended.push(format!("{} at {url}", service.title));
            }
        }
        Ok(ended)
    }

    /// Ends the server of a job and starts it again, on the same port if that is free. When this returns, it answers.
    pub async fn restart(&self, job: &str) -> Result<Served> {
        let Some(Served { mut service, port, owner, .. }) = self.running(job)? else {
            return Err(Problem::permanent("preview.unknown", format!("No preview of the job {job} runs."))
                .help("`clonedeck previews` lists those that do."));
        };
        // Its new parent may be a program that ends soon; one that did not belong to it before must not end with it.
        service.stays |= owner != clonedeck_site::process::Identity::own();
        self.stop(job).await?;
        let served = match self.start(service.clone(), Some(port..=port)).await {
            Err(problem) if problem.code == "port.none" => self.start(service, None).await?,
            started => started?,
        };
        self.ready(&served).await?;
        Ok(served)
    }

    /// Ends those that this program started, unless they are to stay. For the end of the program.
    pub async fn end(&self) {
        let all = self.list().unwrap_or_default();
        for served in all.iter().filter(|served| served.is_ours() && !served.service.stays) {
            if let Err(problem) = self.stop(&served.service.job).await {
                tracing::warn!(job = served.service.job, %problem, "a preview was not ended");
            }
        }
    }

    /// Ends what a program that is gone has left running and did not mean to, takes over what is to stay, and gives the ports of
    /// the others back; once in the life of this value.
    pub async fn sweep(&self) -> Result<()> {
        let sweep = async || {
            let (ended, kept) = preview::sweep(&self.records()?).await?;
            if ended > 0 {
                tracing::info!(ended, "ended previews that an earlier start left behind");
            }
            for (served, record) in kept {
                let previews = self.clone();
                tokio::spawn(async move {
                    previews.watch(&served).await;
                    record.remove();
                    previews.ended(&served.service.job).await;
                });
            }
            self.sweep_ports().await
        };
        self.swept.get_or_try_init(sweep).await.copied()
    }

    async fn sweep_ports(&self) -> Result<()> {
        let alive: Vec<String> = self.list()?.into_iter().map(|served| served.service.job).collect();
        // A copy has its port also while it is not served.
        let is_gone = move |lease: &Lease| !lease.holder.starts_with(COPY) && !alive.contains(&lease.holder);
        let swept = self.leases()?.sweep(is_gone).await;
        swept.map(drop).map_err(|error| no_leases(&error))
    }

    async fn lease(&self, service: &Service, ports: Option<RangeInclusive<u16>>) -> Result<u16> {
        let usual = || self.ports.read().unwrap_or_else(PoisonError::into_inner).clone();
        let range = service.port.map_or_else(|| ports.unwrap_or_else(usual), |port| port..=port);
        let (first, last) = (*range.start(), *range.end());
        let leases = self.leases()?;
        // One that the job had before may be somebody else's by now.
        leases.give_back(&service.job).await.map_err(|error| no_leases(&error))?;
        let own = self.reserved(&service.job).await?;
        if let Some(port) = own.filter(|own| service.port == Some(*own) && is_free(*own)) {
            return Ok(port);
        }
        let port = leases.take(&service.job, range, is_free).await.map_err(|error| no_leases(&error))?;
        port.ok_or_else(|| match service.port {
            Some(port) => preview::refusal(port).unwrap_or_else(|| preview::taken(port)),
            None => Problem::transient("port.none", format!("All ports from {first} to {last} are taken."))
                .help("Stop a preview that is not needed, or set a larger range in the settings."),
        })
    }

    async fn give_back(&self, job: &str) {
        if let Ok(leases) = self.leases()
            && let Err(error) = leases.give_back(job).await
        {
            tracing::warn!(job, %error, "a port was not given back; the next start does it");
        }
    }

    fn leases(&self) -> Result<&Leases> {
        self.leases.get().ok_or_else(|| {
            Problem::permanent("preview.leases", "Nothing says where the ports of previews are leased.")
                .help("This is a fault of Clonedeck; please report it.")
        })
    }

    /// Sees a server of ours through: it is collected when it has ended, and what it leaves running is ended.
    async fn tend(self, served: Served, mut running: Running) {
        while !running.has_ended() {
            tokio::time::sleep(Duration::from_millis(500)).await;
            cut(&served.service.log);
        }
        running.end(&Silent).await;
        self.ended(&served.service.job).await;
    }

    /// Waits until a server that an earlier start began has ended.
    async fn watch(&self, served: &Served) {
        while Family::is_alive(&served.family) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            cut(&served.service.log);
        }
    }

    /// The server of a job has ended by itself.
    async fn ended(&self, job: &str) {
        let _one = self.starting.lock().await;
        if !self.is_running(job) {
            self.give_back(job).await;
        }
    }

    fn records(&self) -> Result<Records> {
        Records::open(self.data_dir.join("processes").join("previews"))
    }
}

/// Keeps a log small. The server appends, so it goes on at the new end.
fn cut(log: &Path) {
    if fs::metadata(log).is_ok_and(|about| about.len() > LONGEST_LOG) {
        let _ = OpenOptions::new().write(true).open(log).and_then(|file| file.set_len(0));
    }
}

fn copy(job: &str) -> String {
    format!("{COPY}{job}")
}

fn no_leases(error: &clonedeck_queue::Error) -> Problem {
    Problem::transient("port.leases", format!("The leases of ports cannot be used: {error}."))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use clonedeck_queue::{Options, Registry};

    use super::*;

    fn previews(data: &Path) -> Previews {
        let previews = Previews::of(data, false);
        previews.lease_from(&Queue::open(data, Registry::new(), Options::default()).unwrap());
        previews
    }

    #[tokio::test]
    async fn two_planned_copies_never_get_one_port_and_each_keeps_its_own() {
        let data = tempfile::tempdir().unwrap();
        let (one, other) = (previews(data.path()), previews(data.path()));
        let (port, second) = (one.reserve("a").await.unwrap(), other.reserve("b").await.unwrap());
        assert_ne!(port, second, "also when nothing listens on either");
        assert_eq!(other.reserve("a").await.unwrap(), port, "the same for every process and every try");
        // What is served without a port of its own gets none that is promised.
        one.set_ports(port..=port);
        let service = Service {
            job: "build".into(),
            kind: "build".into(),
            title: String::new(),
            url: String::new(),
            port: None,
            folder: data.path().into(),
            log: data.path().join("log"),
            words: Vec::new(),
            variables: Vec::new(),
            sign: None,
            patience: Duration::ZERO,
            stays: false,
        };
        assert_eq!(one.start(service, None).await.unwrap_err().code, "port.none");
        one.sweep_ports().await.unwrap();
        assert_eq!(one.reserve("a").await.unwrap(), port, "a sweep leaves it");
        let gone = one.clone();
        tokio::task::spawn_blocking(move || gone.let_port_go("a")).await.unwrap();
        let leases = one.leases().unwrap().all().await.unwrap();
        assert!(leases.iter().all(|lease| lease.number != port), "{leases:?}");
    }

    #[tokio::test]
    async fn an_address_that_was_asked_for_is_promised_to_one_copy() {
        let data = tempfile::tempdir().unwrap();
        let previews = previews(data.path());
        let port = free_port().unwrap();
        let at = |scheme: &str, host: &str| Address::parse(&format!("{scheme}://{host}:{port}")).unwrap();
        previews.claim("a", &at("http", "127.0.0.1")).await.unwrap();
        previews.claim("a", &at("http", "127.0.0.1")).await.unwrap();
        let refused = previews.claim("b", &at("http", "localhost")).await.unwrap_err();
        assert_eq!(refused.code, "port.taken");
        assert!(refused.help.contains("clonedeck delete a"), "{}", refused.help);
        previews.claim("b", &at("https", "localhost")).await.unwrap();
        previews.claim("b", &at("http", "shop.example.com")).await.unwrap();
        // Who is there already may be the web server that will show the copies.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let busy = format!("http://127.0.0.1:{}/shop", listener.local_addr().unwrap().port());
        for job in ["c", "d"] {
            previews.claim(job, &Address::parse(&busy).unwrap()).await.unwrap();
        }
    }
}
