//! A project folder with a queue that builds it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clonedeck_jobs::build::{BuildJob, BuildOrder, Builds};
use clonedeck_jobs::{Previews, Programs};
use clonedeck_queue::{AddOptions, JobId, JobView, Queue, Registry, StepView};

use super::{left_in, queue, some_ports};

pub struct Bench {
    pub data: tempfile::TempDir,
    pub folder: PathBuf,
    pub queue: Queue,
    pub previews: Previews,
}

pub fn bench(ports: u16) -> Bench {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().canonicalize().unwrap().join("project");
    std::fs::create_dir(&folder).unwrap();
    let (queue, previews) = open(data.path(), some_ports(ports), 4);
    Bench { data, folder, queue, previews }
}

pub fn open(data: &Path, ports: std::ops::RangeInclusive<u16>, slots: usize) -> (Queue, Previews) {
    let (programs, previews) = (Programs::of(data), Previews::of(data, false));
    previews.set_ports(ports);
    let builds = Builds::new(&programs, &previews);
    let queue = queue(data, Registry::new().with(BuildJob { builds }), slots);
    previews.lease_from(&queue);
    (queue, previews)
}

/// Who has which port.
pub async fn leased(queue: &Queue) -> Vec<(u16, String)> {
    let leases = queue.leases("port").all().await.unwrap();
    leases.into_iter().map(|lease| (lease.number, lease.holder)).collect()
}

impl Bench {
    pub async fn build(&self, change: impl FnOnce(&mut BuildOrder)) -> JobId {
        let mut order = BuildOrder::new(self.folder.clone()).unwrap();
        change(&mut order);
        self.queue.add::<BuildJob>(&order, AddOptions::default()).await.unwrap()
    }

    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.join(file), text).unwrap();
    }

    pub async fn leaves_nothing(&self) {
        self.previews.end().await;
        let records = || {
            let of = |kind: &str| {
                self.data.path().join("processes").join(kind).read_dir().map_or(0, Iterator::count)
            };
            of("jobs") + of("previews")
        };
        let until = Instant::now() + Duration::from_secs(15);
        // A record goes when the server's end was noticed.
        while !left_in(&self.folder).is_empty() || !leased(&self.queue).await.is_empty() || records() > 0 {
            let ports = leased(&self.queue).await;
            assert!(Instant::now() < until, "{:?}, {ports:?}, {} records", left_in(&self.folder), records());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(self.previews.list().unwrap().is_empty());
    }
}

pub fn step<'a>(job: &'a JobView, name: &str) -> &'a StepView {
    job.steps.iter().find(|step| step.name == name).unwrap()
}

pub async fn page(port: u64) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream =
        tokio::net::TcpStream::connect(("127.0.0.1", port as u16)).await.expect("the preview answers");
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.unwrap();
    String::from_utf8_lossy(&text).into_owned()
}
