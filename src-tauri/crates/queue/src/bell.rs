//! Waking who waits for news: the runner and the watchers of this process, and the runner of another one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{Notify, watch};

const SOCKET: &str = "runner.sock";

/// News has come: something was committed.
pub(crate) struct Bell {
    runner: Notify,
    watchers: watch::Sender<u64>,
    runs_here: AtomicBool,
    rings: AtomicU64,
    socket: PathBuf,
}

impl Bell {
    pub fn new(data_dir: &Path) -> Self {
        Self {
            runner: Notify::new(),
            watchers: watch::Sender::new(0),
            runs_here: AtomicBool::new(false),
            rings: AtomicU64::new(0),
            socket: data_dir.join(SOCKET),
        }
    }

    /// After a commit that the runner and the watchers should look at.
    pub fn ring(&self) {
        self.rings.fetch_add(1, Ordering::AcqRel);
        if self.runs_here.load(Ordering::Acquire) {
            self.runner.notify_one();
        } else {
            self.call_other_process();
        }
        self.ring_watchers();
    }

    /// How often it was rung in this process.
    pub fn rings(&self) -> u64 {
        self.rings.load(Ordering::Acquire)
    }

    /// After a commit of the runner itself.
    pub fn ring_watchers(&self) {
        self.watchers.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub async fn runner_rung(&self) {
        self.runner.notified().await;
    }

    pub fn watch(&self) -> watch::Receiver<u64> {
        self.watchers.subscribe()
    }

    pub fn set_runs_here(&self, yes: bool) {
        self.runs_here.store(yes, Ordering::Release);
    }

    pub fn runs_here(&self) -> bool {
        self.runs_here.load(Ordering::Acquire)
    }

    /// A datagram to the runner's socket. It only saves the runner from waiting for its next look at the database, so
    /// it may get lost.
    #[cfg(unix)]
    fn call_other_process(&self) {
        if let Ok(socket) = std::os::unix::net::UnixDatagram::unbound() {
            let _ = socket.set_nonblocking(true);
            let _ = socket.send_to(b"!", &self.socket);
        }
    }

    #[cfg(not(unix))]
    fn call_other_process(&self) {
        let _ = &self.socket;
    }

    /// Where the runner hears other processes; `None` when the system has no such sockets or the path is too long.
    #[cfg(unix)]
    pub fn listen(&self) -> Option<tokio::net::UnixDatagram> {
        let _ = std::fs::remove_file(&self.socket);
        tokio::net::UnixDatagram::bind(&self.socket).ok()
    }

    /// Takes the socket away, while the runner lock is still held.
    pub fn close(&self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}
