//! Limits that the kernel keeps: a scope of systemd around a program.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::identity::Identity;
use super::is_root;
use super::program::Limits;

/// Who keeps a program within its limits of memory and processors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keeper {
    /// Clonedeck itself: it measures the whole family four times a second and ends or holds it.
    #[default]
    Clonedeck,
    /// The kernel, through the user's systemd; Clonedeck measures beside it.
    UserScope(Dialect),
    /// The kernel, through the system's systemd; Clonedeck measures beside it.
    SystemScope(Dialect),
}

/// How a `systemd-run` has to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Whether it can replace `$NAME` in arguments (since 254), which has to be declined.
    expands: bool,
}

/// How long a manager may take to answer before it counts as none.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long an answer counts. A session can end while Clonedeck goes on.
const COUNTS: Duration = Duration::from_mins(1);
/// What the trial asks for.
const TRIAL: u64 = 64 << 20;
/// Writes the limit of memory that the trial's own group really has.
const TRIAL_SCRIPT: &str = "cat \"/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/memory.max\"";

impl Keeper {
    /// Who can keep limits on this machine now: a manager that has just kept one in a trial, else Clonedeck.
    pub async fn of_this_machine() -> Self {
        static LAST: Mutex<Option<(Instant, Keeper)>> = Mutex::new(None);
        let last = || LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, keeper)) = *last()
            && at.elapsed() < COUNTS
        {
            return keeper;
        }
        let keeper = if cfg!(target_os = "linux") {
            Self::found_by("systemd-run".as_ref(), is_root()).await
        } else {
            Self::Clonedeck
        };
        *last() = Some((Instant::now(), keeper));
        keeper
    }

    /// Asks the managers that a user may use. Another user's system manager would ask for a password.
    async fn found_by(program: &Path, is_root: bool) -> Self {
        let Some(version) = said(program, &["--version".into()]).await else { return Self::Clonedeck };
        let dialect = Dialect::of(&version);
        let candidates: &[Self] = if is_root {
            &[Self::SystemScope(dialect), Self::UserScope(dialect)]
        } else {
            &[Self::UserScope(dialect)]
        };
        let limits = Limits { memory: Some(TRIAL), cpu: Some(1.0), ..Limits::default() };
        for keeper in candidates {
            let trial = ["sh", "-c", TRIAL_SCRIPT].map(OsString::from);
            let words = keeper.words(&limits, &trial);
            if said(program, &words[1..]).await.is_some_and(|text| text.trim() == TRIAL.to_string()) {
                return *keeper;
            }
        }
        Self::Clonedeck
    }

    /// Whether the kernel keeps the limits.
    pub fn is_kernel(self) -> bool {
        self != Self::Clonedeck
    }

    /// What is run so that `words` are within `limits`: they themselves where Clonedeck keeps them or there are none for the kernel.
    /// `systemd-run --scope` becomes the program, with the same number, session and environment.
    pub(super) fn words(self, limits: &Limits, words: &[OsString]) -> Vec<OsString> {
        let (manager, dialect) = match self {
            Self::UserScope(dialect) => (Some("--user"), dialect),
            Self::SystemScope(dialect) => (None, dialect),
            Self::Clonedeck => return words.to_vec(),
        };
        let mut properties = Vec::new();
        if let Some(bytes) = limits.memory {
            // What is swapped out would be outside the limit.
            properties.extend([format!("MemoryMax={bytes}"), "MemorySwapMax=0".to_owned()]);
        }
        if let Some(processors) = limits.cpu {
            properties.push(format!("CPUQuota={}%", (processors * 100.0).ceil().max(1.0)));
        }
        if properties.is_empty() {
            return words.to_vec();
        }
        let options = ["--scope", "--quiet", "--collect", "--no-ask-password"];
        let expands = dialect.expands.then_some("--expand-environment=no");
        let options = manager.into_iter().chain(options).chain(expands).map(OsString::from);
        let properties = properties.into_iter().map(|property| format!("--property={property}").into());
        std::iter::once("systemd-run".into())
            .chain(options)
            .chain(properties)
            .chain(std::iter::once("--".into()))
            .chain(words.iter().cloned())
            .collect()
    }
}

impl Dialect {
    /// Reads `systemd 252 (252.38-1~deb12u1)`.
    fn of(version: &str) -> Self {
        let number = version
            .split_whitespace()
            .nth(1)
            .and_then(|number| number.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok());
        Self { expands: number.is_some_and(|number| number >= 254) }
    }
}

/// What a program writes, if it ends well in time.
async fn said(program: &Path, words: &[OsString]) -> Option<String> {
    let mut command = tokio::process::Command::new(program);
    command.args(words).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Tells whether the kernel has ended members of a scope for their memory.
#[derive(Debug)]
pub(super) struct Toll {
    leader: Option<Identity>,
    events: Option<PathBuf>,
}

impl Toll {
    /// That of the scope which the leader is about to enter.
    pub fn of(leader: Option<&Identity>) -> Self {
        Self { leader: leader.cloned(), events: None }
    }

    /// Whether any was ended. A look at a scope that is gone tells nothing.
    pub fn is_taken(&mut self) -> bool {
        if self.events.is_none() {
            self.events = self.leader.as_ref().and_then(|leader| {
                scope_in(&fs::read_to_string(format!("/proc/{}/cgroup", leader.pid)).ok()?)
            });
        }
        let text = self.events.as_ref().and_then(|file| fs::read_to_string(file).ok());
        text.is_some_and(|text| has_toll(&text))
    }
}

/// The file that counts in the group of a process; none while it is not in a scope of its own.
fn scope_in(groups: &str) -> Option<PathBuf> {
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let (name, kind) = group.rsplit('/').next()?.rsplit_once('.')?;
    let is_own = name.starts_with("run-") && kind == "scope";
    is_own.then(|| Path::new("/sys/fs/cgroup").join(group.trim_start_matches('/')).join("memory.events"))
}

fn has_toll(events: &str) -> bool {
    let count = |name: &str| events.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    count("oom_kill ").unwrap_or(0u64) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(keeper: Keeper, limits: &Limits) -> String {
        let words = keeper.words(limits, &["php".into(), "a b".into(), "--user".into()]);
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join("|")
    }

    const OLD: Dialect = Dialect { expands: false };
    const NEW: Dialect = Dialect { expands: true };

    #[test]
    fn a_scope_is_asked_for_with_exactly_the_limits_that_there_are() {
        let both = Limits { memory: Some(512 << 20), cpu: Some(0.255), ..Limits::default() };
        assert_eq!(
            words(Keeper::UserScope(OLD), &both),
            "systemd-run|--user|--scope|--quiet|--collect|--no-ask-password|--property=MemoryMax=536870912|--property=MemorySwapMax=0|--property=CPUQuota=26%|--|php|a b|--user"
        );
        let memory = Limits { memory: Some(1000), ..Limits::default() };
        assert_eq!(
            words(Keeper::SystemScope(NEW), &memory),
            "systemd-run|--scope|--quiet|--collect|--no-ask-password|--expand-environment=no|--property=MemoryMax=1000|--property=MemorySwapMax=0|--|php|a b|--user"
        );
        assert_eq!(words(Keeper::Clonedeck, &both), "php|a b|--user");
        let time = Limits { deadline: Some(Duration::from_secs(1)), ..Limits::default() };
        assert_eq!(words(Keeper::UserScope(OLD), &time), "php|a b|--user", "time is not the kernel's");
    }

    #[test]
    fn a_version_tells_the_dialect() {
        assert_eq!(Dialect::of("systemd 252 (252.38-1~deb12u1)\n+PAM"), OLD);
        assert_eq!(Dialect::of("systemd 257.9 (257.9-1)"), NEW);
        assert_eq!(Dialect::of("something else"), OLD);
    }

    #[test]
    fn only_a_scope_of_its_own_is_counted() {
        let own = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-r0a.scope\n";
        assert_eq!(
            scope_in(own).unwrap(),
            Path::new(
                "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/run-r0a.scope/memory.events"
            )
        );
        assert_eq!(scope_in("0::/user.slice/user-1000.slice/session-2.scope\n"), None);
        assert_eq!(scope_in("4:memory:/a\n"), None);
        assert!(has_toll("low 0\noom 3\noom_kill 1\noom_group_kill 0\n"));
        assert!(!has_toll("low 0\noom 3\noom_kill 0\n") && !has_toll(""));
    }

    /// A stand-in for `systemd-run`: says a version, notes its arguments, and runs what follows `--` as `body` says.
    #[cfg(unix)]
    fn stand_in(folder: &Path, body: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let file = folder.join("systemd-run");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && echo 'systemd 252 (x)' && exit\necho \"$@\" >> {0}/asked\n{body}\n",
            folder.display()
        );
        fs::write(&file, script).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_manager_counts_when_it_has_kept_a_limit_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let found = async |body: &str, is_root| {
            let _ = fs::remove_file(folder.path().join("asked"));
            let program = stand_in(folder.path(), body);
            let keeper = Keeper::found_by(&program, is_root).await;
            (keeper, fs::read_to_string(folder.path().join("asked")).unwrap_or_default())
        };
        let (keeper, asked) = found("echo 67108864", false).await;
        assert_eq!(keeper, Keeper::UserScope(OLD));
        assert!(asked.starts_with("--user --scope") && asked.lines().count() == 1, "{asked}");
        assert_eq!(found("echo 67108864", true).await.0, Keeper::SystemScope(OLD));
        // A scope is made, but nobody limits its memory.
        assert_eq!(found("echo max", false).await.0, Keeper::Clonedeck);
        // No manager answers.
        let (keeper, asked) = found("exit 1", true).await;
        assert_eq!(keeper, Keeper::Clonedeck);
        assert_eq!(asked.lines().count(), 2, "both were asked: {asked}");
        assert_eq!(Keeper::found_by(&folder.path().join("none"), true).await, Keeper::Clonedeck);
    }
}
