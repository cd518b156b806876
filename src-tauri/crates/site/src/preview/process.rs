use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// A process that cannot be mistaken for another one: not for a later one with the same id, nor for one after a restart of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id; also that of its process group.
    pub pid: u32,
    /// When it started, in the machine's own count.
    pub start_time: u64,
    /// Which start of the machine it belongs to.
    pub boot_id: String,
}

impl Process {
    /// The process with this id, if it runs.
    pub fn running(pid: u32) -> Option<Self> {
        Some(Self { pid, start_time: start_time(pid)?, boot_id: boot_id()? })
    }

    /// This process.
    pub fn own() -> Option<Self> {
        Self::running(std::process::id())
    }

    /// Whether it still runs.
    pub fn is_running(&self) -> bool {
        Self::running(self.pid).as_ref() == Some(self)
    }

    /// Asks the process and its group to end, and ends them by force after `grace`. Does nothing to a process that is another one by
    /// now. Answers whether it is gone.
    pub fn end(&self, grace: Duration) -> bool {
        if !self.is_running() {
            return true;
        }
        signal(self.pid, false);
        if !self.gone_within(grace) && self.is_running() {
            signal(self.pid, true);
        }
        self.gone_within(Duration::from_secs(2))
    }

    fn gone_within(&self, limit: Duration) -> bool {
        let since = Instant::now();
        while self.is_running() {
            if since.elapsed() > limit {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }
}

#[cfg(target_os = "linux")]
fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, parentheses too.
    let fields: Vec<_> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let dead = matches!(*fields.first()?, "Z" | "X");
    if dead { None } else { fields.get(19)?.parse().ok() }
}

#[cfg(target_os = "linux")]
fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

#[cfg(not(target_os = "linux"))]
fn start_time(pid: u32) -> Option<u64> {
    use sysinfo::{Pid, ProcessStatus, ProcessesToUpdate, System};
    let pid = Pid::from_u32(pid);
    let mut system = System::new();
    system.refresh_processes(ProcessesToUpdate::Some(&[pid]), true);
    system
        .process(pid)
        .filter(|process| process.status() != ProcessStatus::Zombie)
        .map(|process| process.start_time())
}

#[cfg(not(target_os = "linux"))]
fn boot_id() -> Option<String> {
    Some(sysinfo::System::boot_time().to_string())
}

#[cfg(unix)]
fn signal(pid: u32, force: bool) {
    use rustix::process::{Pid, Signal, kill_process, kill_process_group};
    let signal = if force { Signal::KILL } else { Signal::TERM };
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw)
        && kill_process_group(pid, signal).is_err()
    {
        let _ = kill_process(pid, signal);
    }
}

#[cfg(not(unix))]
fn signal(pid: u32, _force: bool) {
    use sysinfo::{Pid, ProcessesToUpdate, System};
    let pid = Pid::from_u32(pid);
    let mut system = System::new();
    system.refresh_processes(ProcessesToUpdate::Some(&[pid]), true);
    if let Some(process) = system.process(pid) {
        process.kill();
    }
}
