//! Who runs the queue in a data directory.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::StoreError;

const LOCK: &str = "runner.lock";
const HOLDER: &str = "runner.json";
/// How often, and how long apart, the lock is tried before it counts as held.
const LOOKS: u32 = 20;
const LOOK: Duration = Duration::from_millis(3);

/// The process that runs the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// What the program calls itself, for people.
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// When it took the lock, RFC 3339.
    pub since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {}, since {})", self.name, self.pid, self.since)
    }
}

/// The right to run jobs in a data directory. The system lets go of it when the process ends, however it ends; it is
/// held as long as the process lives, even while that is stopped or asleep.
#[derive(Debug)]
pub struct RunnerLock {
    _file: File,
}

impl RunnerLock {
    /// Takes the lock, or says who has it ([`StoreError::Held`]).
    pub fn acquire(data_dir: &Path, name: &str) -> Result<Self, StoreError> {
        let path = data_dir.join(LOCK);
        let unusable = |error: std::io::Error| StoreError::unusable(&path, &error);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .read(true)
            .open(&path)
            .map_err(unusable)?;
        let mut looks = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // Somebody who only looks holds the lock for some microseconds; who runs jobs keeps it.
                Err(TryLockError::WouldBlock) if looks < LOOKS => {
                    looks += 1;
                    std::thread::sleep(LOOK);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Held { holder: Self::holder(data_dir) });
                }
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
        let holder =
            Holder { name: name.into(), pid: std::process::id(), since: jiff::Timestamp::now().to_string() };
        // Only for the message: a holder that cannot be written must not keep the queue from running.
        if let Ok(text) = serde_json::to_string(&holder) {
            let partial = data_dir.join(format!("{HOLDER}.{}", std::process::id()));
            let signed = fs::write(&partial, text).and_then(|()| fs::rename(&partial, data_dir.join(HOLDER)));
            if signed.is_err() {
                let _ = fs::remove_file(partial);
                let _ = fs::remove_file(data_dir.join(HOLDER));
            }
        }
        Ok(Self { _file: file })
    }

    /// Who holds the lock now, or `None` when nobody does.
    pub fn current(data_dir: &Path) -> Option<Holder> {
        let file = File::open(data_dir.join(LOCK)).ok()?;
        match file.try_lock_shared() {
            Ok(()) => None,
            Err(_) => Some(Self::holder(data_dir)),
        }
    }

    /// Who signed the lock; somebody, where that could not be written.
    fn holder(data_dir: &Path) -> Holder {
        fs::read(data_dir.join(HOLDER))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_else(|| Holder { name: "another program".into(), pid: 0, since: "?".into() })
    }
}
