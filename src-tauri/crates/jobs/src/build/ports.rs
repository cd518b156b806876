use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use clonedeck_site::process::Identity;
use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};

/// Ports of a range, leased one by one. A lease is a file of the port's number that only one can make, so it holds between
/// processes and over a crash.
#[derive(Debug, Clone)]
pub struct Ports {
    folder: PathBuf,
    range: Arc<RwLock<RangeInclusive<u16>>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Lease {
    holder: String,
    owner: Option<Identity>,
}

impl Ports {
    /// The leases in `folder` for the ports of `range`.
    pub fn new(folder: PathBuf, range: RangeInclusive<u16>) -> Self {
        Self { folder, range: Arc::new(RwLock::new(range)) }
    }

    /// The ports that are leased from now on, by every clone of this value.
    pub fn set_range(&self, range: RangeInclusive<u16>) {
        *self.range.write().unwrap_or_else(PoisonError::into_inner) = range;
    }

    /// The same leases, for the ports of another range.
    pub(super) fn within(&self, range: RangeInclusive<u16>) -> Self {
        Self::new(self.folder.clone(), range)
    }

    fn range(&self) -> RangeInclusive<u16> {
        self.range.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leases a port on which nobody listens; the one that `holder` already has, if it has one.
    ///
    /// # Errors
    /// `port.none` when all are taken.
    pub fn lease(&self, holder: &str) -> Result<u16> {
        fs::create_dir_all(&self.folder).map_err(|error| self.unusable(&error))?;
        if let Some(port) = self.leased()?.into_iter().find(|(_, by)| by == holder).map(|(port, _)| port) {
            if is_free(port) {
                return Ok(port);
            }
            self.give_back(port);
        }
        let range = self.range();
        for port in range.clone() {
            let place = self.folder.join(port.to_string());
            let mut file = match OpenOptions::new().write(true).create_new(true).open(&place) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(self.unusable(&error)),
            };
            if !is_free(port) {
                // Somebody who knows nothing of leases listens there.
                let _ = fs::remove_file(&place);
                continue;
            }
            let lease = Lease { holder: holder.to_owned(), owner: Identity::own() };
            let written = file.write_all(&serde_json::to_vec(&lease).unwrap_or_default());
            written.map_err(|error| self.unusable(&error))?;
            return Ok(port);
        }
        Err(Problem::transient(
            "port.none",
            format!("All ports from {} to {} are taken.", range.start(), range.end()),
        )
        .help("Stop a preview that is not needed, or set a larger range in the settings."))
    }

    /// Gives a port back. One that is not leased stays so.
    pub fn give_back(&self, port: u16) {
        let _ = fs::remove_file(self.folder.join(port.to_string()));
    }

    /// Every lease: the port and who holds it.
    pub fn leased(&self) -> Result<Vec<(u16, String)>> {
        Ok(self.all()?.into_iter().map(|(port, lease)| (port, lease.holder)).collect())
    }

    /// Ends the leases of holders that are gone: whose program has ended, and that are not in `alive`.
    pub(super) fn sweep(&self, alive: &BTreeSet<u16>) -> Result<()> {
        for (port, lease) in self.all()? {
            if !alive.contains(&port) && !lease.owner.as_ref().is_some_and(Identity::is_alive) {
                self.give_back(port);
            }
        }
        Ok(())
    }

    fn all(&self) -> Result<Vec<(u16, Lease)>> {
        let folder = match fs::read_dir(&self.folder) {
            Ok(folder) => folder,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.unusable(&error)),
        };
        let mut all: Vec<(u16, Lease)> = folder
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let port = entry.file_name().to_str()?.parse().ok()?;
                // One that is being written right now is nobody's yet.
                let lease = fs::read(entry.path()).ok().and_then(|text| serde_json::from_slice(&text).ok());
                Some((port, lease.unwrap_or(Lease { holder: String::new(), owner: None })))
            })
            .collect();
        all.sort_by_key(|(port, _)| *port);
        Ok(all)
    }

    fn unusable(&self, error: &std::io::Error) -> Problem {
        Problem::transient(
            "port.leases",
            format!("The leases of ports in {} cannot be used: {error}.", self.folder.display()),
        )
        .with("path", self.folder.display())
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_leased_once_and_never_one_that_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let busy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let first = busy.local_addr().unwrap().port();
        let ports = Ports::new(folder.path().join("ports"), first..=first);
        assert_eq!(ports.lease("a").unwrap_err().code, "port.none");
        assert!(ports.leased().unwrap().is_empty(), "the try leaves nothing");
        drop(busy);
        assert_eq!(ports.lease("a").unwrap(), first);
        assert_eq!(ports.lease("a").unwrap(), first, "its own");
        assert!(ports.lease("b").is_err());
        ports.sweep(&BTreeSet::new()).unwrap();
        assert_eq!(ports.leased().unwrap(), [(first, "a".into())], "its program lives");
        let gone = r#"{"holder":"a","owner":{"pid":1,"start":1,"boot":"another"}}"#;
        fs::write(folder.path().join("ports").join(first.to_string()), gone).unwrap();
        ports.sweep(&BTreeSet::from([first])).unwrap();
        assert_eq!(ports.leased().unwrap().len(), 1, "its server lives");
        ports.sweep(&BTreeSet::new()).unwrap();
        assert_eq!(ports.lease("b").unwrap(), first);
    }
}
