use std::time::{Duration, Instant};

use super::census::{self, Entry};
use super::identity::Identity;

/// What a family takes of the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Memory in use, bytes.
    pub memory: u64,
    /// Processor time since the start.
    pub cpu: Duration,
    /// How many processes it is.
    pub processes: usize,
}

/// A program and everything it started: its session, and whoever carries its mark.
#[derive(Debug, Clone)]
pub struct Family {
    leader: Option<Identity>,
    mark: String,
    leader_is: Leader,
}

/// What the leader's number proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leader {
    /// Our own child, not collected yet: the number cannot belong to anyone else.
    Child,
    /// Our own child, just collected, or one that was seen alive when its end began: the system does not give its number away while
    /// anyone is in its session.
    Followed,
    /// Read from a record: the number counts only while the very process runs.
    Recorded,
}

/// What can be sent to a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Hold,
    GoOn,
    Term,
    Kill,
}

impl Family {
    /// The family of a program that another start of Clonedeck began. `leader` is what was written down of it.
    pub fn known(leader: Option<Identity>, mark: impl Into<String>) -> Self {
        Self { leader, mark: mark.into(), leader_is: Leader::Recorded }
    }

    pub(super) fn of_child(leader: Option<Identity>, mark: String) -> Self {
        Self { leader, mark, leader_is: Leader::Child }
    }

    /// The leader was collected: from now on its number proves less.
    pub(super) fn leader_collected(&mut self) {
        self.leader_is = Leader::Followed;
    }

    /// The mark in the environment of its members.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// The program itself.
    pub fn leader(&self) -> Option<&Identity> {
        self.leader.as_ref()
    }

    /// Whether any member runs.
    pub fn is_alive(&self) -> bool {
        // The leader alone costs one look instead of one at every process of the machine.
        self.leader.as_ref().is_some_and(Identity::is_alive) || !self.members(Duration::ZERO).is_empty()
    }

    fn members(&self, age: Duration) -> Vec<Entry> {
        let session = self.leader.as_ref().filter(|leader| self.has_session(leader)).map(|leader| leader.pid);
        let this_boot = self.leader.as_ref().is_none_or(Identity::is_this_boot);
        if !this_boot || self.mark.is_empty() {
            return Vec::new();
        }
        census::take(age)
            .iter()
            .filter(|entry| !entry.ended)
            .filter(|entry| Some(entry.session) == session || entry.mark.as_deref() == Some(&self.mark))
            .cloned()
            .collect()
    }

    /// Whether the session with the leader's number is the family's.
    fn has_session(&self, leader: &Identity) -> bool {
        match self.leader_is {
            Leader::Child => true,
            Leader::Followed => Entry::read(leader.pid).is_none_or(|now| now.start == leader.start),
            Leader::Recorded => leader.is_alive(),
        }
    }

    /// What it takes of the machine now; a look may be half a second old.
    pub fn usage(&self) -> Usage {
        let members = self.members(Duration::from_millis(500));
        Usage {
            memory: members.iter().map(|entry| entry.memory).sum(),
            cpu: members.iter().map(|entry| entry.cpu).sum(),
            processes: members.len(),
        }
    }

    /// Stops every member where it stands.
    pub fn hold(&self) {
        self.send(Signal::Hold);
    }

    /// Lets every member go on.
    pub fn let_go(&self) {
        self.send(Signal::GoOn);
    }

    /// Asks every member to end, and after `grace` ends those that do not. Answers whether all are gone, which the system can
    /// refuse for a while: a process that waits for a broken disk cannot be ended.
    pub async fn end(&self, grace: Duration) -> bool {
        self.followed().end_followed(grace).await
    }

    /// The family with its session known for as long as anyone is in it. A process loses its mark before it closes what it holds open, so
    /// by marks alone it would be gone too early.
    fn followed(&self) -> Self {
        let mut family = self.clone();
        if family.leader_is == Leader::Recorded && family.leader.as_ref().is_some_and(Identity::is_alive) {
            family.leader_is = Leader::Followed;
        }
        family
    }

    async fn end_followed(&self, grace: Duration) -> bool {
        self.send(Signal::Term);
        // A held process meets the request only when it goes on.
        self.send(Signal::GoOn);
        let asked = Instant::now();
        let mut pause = Duration::from_millis(5);
        while asked.elapsed() < grace {
            if self.is_gone() {
                return true;
            }
            tokio::time::sleep(pause.min(grace.saturating_sub(asked.elapsed()))).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
        let killed = Instant::now();
        // Members may multiply while they are being ended: look again until nobody is left.
        while killed.elapsed() < Duration::from_secs(5) {
            self.send(Signal::Kill);
            if self.is_gone() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.is_gone()
    }

    /// Ends every member at once, without waiting: for a program that is dropped.
    pub(super) fn kill(&self) {
        for _ in 0..20 {
            self.send(Signal::Kill);
            if self.is_gone() {
                return;
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn is_gone(&self) -> bool {
        !self.is_alive()
    }

    #[cfg(all(unix, not(target_os = "linux")))]
    fn is_gone(&self) -> bool {
        self.leader_is != Leader::Child
    }

    #[cfg(not(unix))]
    fn is_gone(&self) -> bool {
        true
    }

    #[cfg(unix)]
    pub(super) fn send(&self, signal: Signal) {
        use rustix::process::{Pid, Signal as S, kill_process_group};
        let signal = match signal {
            Signal::Hold => S::STOP,
            Signal::GoOn => S::CONT,
            Signal::Term => S::TERM,
            Signal::Kill => S::KILL,
        };
        // The whole group at one blow, so that nobody slips through; then whoever has left it. Nobody is told twice: a program may
        // take the second request for impatience.
        let group = self.leader.as_ref().filter(|_| self.leader_is == Leader::Child).map(|leader| leader.pid);
        if let Some(group) = group.and_then(|group| Pid::from_raw(group as i32)) {
            let _ = kill_process_group(group, signal);
        }
        for member in self.members(Duration::ZERO).iter().filter(|member| Some(member.group) != group) {
            send_to(member, signal);
        }
    }

    #[cfg(not(unix))]
    pub(super) fn send(&self, _: Signal) {}
}

/// Sends to this very process: its number is pinned first, then looked at again.
#[cfg(target_os = "linux")]
fn send_to(member: &Entry, signal: rustix::process::Signal) {
    use rustix::process::{Pid, PidfdFlags, kill_process, pidfd_open, pidfd_send_signal};
    let Some(pid) = Pid::from_raw(member.pid as i32) else { return };
    let is_same = || Entry::read(member.pid).is_some_and(|now| now.start == member.start);
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pinned) if is_same() => {
            let _ = pidfd_send_signal(pinned, signal);
        }
        // Kernels before 5.3 cannot pin.
        Err(rustix::io::Errno::NOSYS) if is_same() => {
            let _ = kill_process(pid, signal);
        }
        _ => {}
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn send_to(_: &Entry, _: rustix::process::Signal) {}
