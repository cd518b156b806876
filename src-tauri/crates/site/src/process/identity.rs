use serde::{Deserialize, Serialize};

/// Which process this is, for good: process numbers are used again, this triple is not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The process number.
    pub pid: u32,
    /// When it started, in the system's own ticks since boot.
    pub start: u64,
    /// Which boot of the machine that was.
    pub boot: String,
}

impl Identity {
    /// The identity of the process that has this number now, if there is one and the system tells.
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, start: super::census::Entry::read(pid)?.start, boot: boot()? })
    }

    /// The identity of this program.
    pub fn own() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// Whether the very process still runs. One that has ended and waits to be collected does not count.
    pub fn is_alive(&self) -> bool {
        self.is_this_boot()
            && super::census::Entry::read(self.pid)
                .is_some_and(|entry| entry.start == self.start && !entry.ended)
    }

    pub(super) fn is_this_boot(&self) -> bool {
        boot().is_some_and(|boot| boot == self.boot)
    }
}

/// The id of this boot of the machine.
#[cfg(target_os = "linux")]
pub(super) fn boot() -> Option<String> {
    static BOOT: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    BOOT.get_or_init(|| {
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
    })
    .clone()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn boot() -> Option<String> {
    None
}
