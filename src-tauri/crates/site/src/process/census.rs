//! Every process of the machine, as far as this user may look. Only Linux tells enough; elsewhere the census is empty and a family
//! is its group alone.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One process.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub pid: u32,
    pub group: u32,
    pub session: u32,
    pub start: u64,
    /// It has ended and waits to be collected.
    pub ended: bool,
    /// Processor time of itself and of the children it collected.
    pub cpu: Duration,
    /// Memory in use, bytes.
    pub memory: u64,
    /// The value of the mark in its environment.
    pub mark: Option<String>,
}

/// All processes, from a look that began at most `age` before the question. Families share the looks: of many that ask at once, one
/// looks and the next looks for all the others.
pub(super) fn take(age: Duration) -> Arc<Vec<Entry>> {
    static LAST: Mutex<Option<(Instant, Arc<Vec<Entry>>)>> = Mutex::new(None);
    let asked = Instant::now();
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((began, census)) = &*last
        && *began + age > asked
    {
        return Arc::clone(census);
    }
    let began = Instant::now();
    let census = Arc::new(read_all());
    *last = Some((began, Arc::clone(&census)));
    census
}

#[cfg(target_os = "linux")]
fn read_all() -> Vec<Entry> {
    let Ok(folder) = std::fs::read_dir("/proc") else { return Vec::new() };
    let own = std::process::id();
    folder
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != own)
        .filter_map(|pid| {
            let mut entry = Entry::read(pid)?;
            // The environment goes with the process: one that has ended shows none.
            entry.mark = if entry.ended { None } else { mark_of(pid) };
            Some(entry)
        })
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn read_all() -> Vec<Entry> {
    Vec::new()
}

#[cfg(target_os = "linux")]
fn mark_of(pid: u32) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let value = environment
        .split(|byte| *byte == 0)
        .find_map(|pair| pair.strip_prefix(super::MARK.as_bytes())?.strip_prefix(b"="))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

impl Entry {
    /// The process that has this number now, without its mark.
    #[cfg(target_os = "linux")]
    pub fn read(pid: u32) -> Option<Self> {
        Self::parse(pid, &std::fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The process that has this number now, without its mark.
    #[cfg(not(target_os = "linux"))]
    pub fn read(_: u32) -> Option<Self> {
        None
    }

    /// Reads a line of `/proc/PID/stat`. The name in it is in brackets and may hold anything, brackets and spaces too.
    #[cfg(target_os = "linux")]
    fn parse(pid: u32, stat: &[u8]) -> Option<Self> {
        let after = stat.iter().rposition(|byte| *byte == b')')? + 2;
        let rest = std::str::from_utf8(stat.get(after..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        // The fields from the third on: state, parent, group, session, …, own and children's times (14–17), start (22), memory (24).
        let ticks: u64 = (11..=14).filter_map(number).sum();
        Some(Self {
            pid,
            group: number(2)? as u32,
            session: number(3)? as u32,
            start: number(19)?,
            ended: matches!(fields.first(), Some(&("Z" | "X" | "x"))),
            cpu: Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second().max(1)),
            memory: number(21)? * rustix::param::page_size() as u64,
            mark: None,
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let line = b"42 (a) b (c) S 1 42 41 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 777 9999 5 0 0";
        let entry = Entry::parse(42, line).expect("a line of the right form");
        assert_eq!((entry.group, entry.session, entry.start, entry.ended), (42, 41, 777, false));
        assert_eq!(entry.memory, 5 * rustix::param::page_size() as u64);
        assert_eq!(entry.cpu, Duration::from_millis(100 * 1000 / rustix::param::clock_ticks_per_second()));
    }
}
