use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How much the programs of a job may take. What is not said is as usual: no limit of memory and processors, the deadline and the
/// alarm of the command, or of builds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export, optional_fields)]
pub struct JobLimits {
    /// Bytes of memory, all processes of a program together; over it, it is ended.
    pub memory: Option<u64>,
    /// Percent of one processor: 150 is one and a half; over it, it is slowed down.
    pub cpu_percent: Option<u32>,
    /// Active seconds until a program is ended; what it is held does not count.
    pub deadline_seconds: Option<u64>,
    /// Seconds without output after which an alarm is given.
    pub stall_seconds: Option<u64>,
}
