//! The processes behind the window, as the system counts them.

use std::time::Instant;

/// Clock ticks a second in /proc.
const HERTZ: f64 = 100.0;

fn stat(path: &str) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(path).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// The program and everything it started.
pub fn of_window(pid: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, stat(&format!("/proc/{pid}/stat"))?[1].parse().ok()?)))
        .collect();
    let mut found = vec![pid];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(all.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

/// The process of the page.
pub fn web_process(pid: u32) -> u32 {
    of_window(pid)
        .into_iter()
        .find(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/comm"))
                .is_ok_and(|name| name.starts_with("WebKitWebProces"))
        })
        .expect("the page has a process")
}

/// What a process is called.
pub fn name_of(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

/// When a process was started, milliseconds since 1970.
pub fn started_at(pid: u32) -> f64 {
    let ticks: f64 = stat(&format!("/proc/{pid}/stat")).expect("it runs")[19].parse().expect("a number");
    let uptime = std::fs::read_to_string("/proc/uptime").expect("/proc");
    let uptime: f64 = uptime.split_whitespace().next().and_then(|text| text.parse().ok()).expect("a number");
    crate::now() - (uptime - ticks / HERTZ) * 1000.0
}

/// Memory of processes together, shared pages counted by share, MB.
pub fn memory(pids: &[u32]) -> f64 {
    let kilobytes: f64 = pids
        .iter()
        .filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok())
        .filter_map(|text| {
            let line = text.lines().find(|line| line.starts_with("Pss:"))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        })
        .sum();
    kilobytes / 1000.0
}

/// Time of the processor from a moment on.
pub struct Cpu {
    paths: Vec<String>,
    used: f64,
    since: Instant,
}

impl Cpu {
    /// Of whole processes.
    pub fn of(pids: &[u32]) -> Self {
        Self::from(pids.iter().map(|pid| format!("/proc/{pid}/stat")).collect())
    }

    /// Of the thread that a process began with.
    pub fn of_main_thread(pid: u32) -> Self {
        Self::from(vec![format!("/proc/{pid}/task/{pid}/stat")])
    }

    fn from(paths: Vec<String>) -> Self {
        Self { used: used(&paths), paths, since: Instant::now() }
    }

    /// Per cent of one core since then.
    pub fn percent(&self) -> f64 {
        (used(&self.paths) - self.used) / self.since.elapsed().as_secs_f64() * 100.0
    }
}

fn used(paths: &[String]) -> f64 {
    let number = |text: &String| text.parse::<f64>().unwrap_or(0.0);
    paths
        .iter()
        .filter_map(|path| stat(path))
        .map(|fields| (number(&fields[11]) + number(&fields[12])) / HERTZ)
        .sum()
}
