//! What the machine has to give.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// How loaded the machine is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Busy part of all processors, 0 to 100.
    pub cpu: f32,
    /// Bytes of memory in the machine; 0 when unknown.
    pub memory_total: u64,
    /// Bytes of it in use.
    pub memory_used: u64,
}

/// A file system with its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Tells file systems apart.
    pub id: u64,
    /// Bytes that this user can still write.
    pub free: u64,
}

/// Measures the machine. Tests bring their own.
pub trait Meter: Send + Sync + 'static {
    /// The load now. Called about once a second while jobs run or wait.
    fn load(&self) -> Load;
    /// The file system that holds `path`, or its nearest folder that exists; `None` when the system does not say.
    fn disk(&self, path: &Path) -> Option<Disk>;
}

/// Measures with `sysinfo`, and with `statvfs` on Unix.
pub struct SystemMeter {
    system: Mutex<Option<sysinfo::System>>,
}

impl SystemMeter {
    /// A meter; the first measurement of the processors reads 0.
    pub const fn new() -> Self {
        Self { system: Mutex::new(None) }
    }
}

impl Default for SystemMeter {
    fn default() -> Self {
        Self::new()
    }
}

impl Meter for SystemMeter {
    fn load(&self) -> Load {
        let mut place = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        let first = place.is_none();
        if first {
            *place = sysinfo::System::new().ok();
        }
        let Some(system) = place.as_mut() else { return Load::default() };
        system.refresh_cpu_usage();
        system.refresh_memory();
        let total = system.total_memory();
        Load {
            // With nothing to compare with, it is the average since the machine was started.
            cpu: if first { 0.0 } else { system.global_cpu_usage() },
            memory_total: total,
            memory_used: total.saturating_sub(system.available_memory()),
        }
    }

    #[cfg(unix)]
    fn disk(&self, path: &Path) -> Option<Disk> {
        let there = path.ancestors().find(|folder| folder.exists())?;
        let id = std::os::unix::fs::MetadataExt::dev(&std::fs::metadata(there).ok()?);
        let room = rustix::fs::statvfs(there).ok()?;
        Some(Disk { id, free: room.f_bavail.saturating_mul(room.f_frsize) })
    }

    #[cfg(not(unix))]
    fn disk(&self, path: &Path) -> Option<Disk> {
        let there = std::fs::canonicalize(path.ancestors().find(|folder| folder.exists())?).ok()?;
        let disks = sysinfo::Disks::new_with_refreshed_list().ok()?;
        disks
            .list()
            .iter()
            .enumerate()
            .filter(|(_, disk)| there.starts_with(disk.mount_point()))
            .max_by_key(|(_, disk)| disk.mount_point().as_os_str().len())
            .map(|(id, disk)| Disk { id: id as u64, free: disk.available_space() })
    }
}
