use std::time::Duration;

use crate::Problem;

/// A limit that a program broke, and was ended for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overrun {
    /// It ran longer than this.
    Deadline(Duration),
    /// It used more than this many bytes of memory.
    Memory(u64),
}

/// How a program ended, and what it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The limit it was ended for.
    pub overrun: Option<Overrun>,
    /// It was ended because that was asked for.
    pub was_asked: bool,
    /// Its last lines (at most 50), cleaned and masked.
    pub last_lines: Vec<String>,
    /// Lines written.
    pub lines: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Lines that were not kept because they came too fast.
    pub left_out: u64,
    /// Active time from start to end, without what it was held; with that of earlier runs that it went on with.
    pub took: Duration,
    /// Processor time seen.
    pub cpu: Duration,
    /// Most memory seen, bytes.
    pub peak_memory: u64,
    /// Whether nothing of it is left.
    pub is_gone: bool,
}

impl Ending {
    /// Whether it ended well: by itself, with exit code 0.
    pub fn is_success(&self) -> bool {
        self.code == Some(0) && self.overrun.is_none() && !self.was_asked
    }

    /// The failure, unless it ended well. `name` is what people call the program.
    pub fn problem(&self, name: &str) -> Option<Problem> {
        if self.is_success() {
            return None;
        }
        let problem = match (self.overrun, self.code, self.signal) {
            (Some(Overrun::Deadline(limit)), ..) => Problem::permanent(
                "process.deadline",
                format!("{name} ran longer than {} and was ended.", spoken(limit)),
            )
            .help("Give it a longer deadline, or look in the log for what it waited for."),
            (Some(Overrun::Memory(limit)), ..) => Problem::permanent(
                "process.memory",
                format!("{name} used more than its {} MB of memory and was ended.", limit >> 20),
            )
            .help("Allow it more memory, or let it do less at a time."),
            (None, Some(code), _) => {
                Problem::permanent("process.failed", format!("{name} ended with exit code {code}."))
                    .help("Its last lines say why; the whole output is in the log.")
                    .with("exit_code", code)
            }
            (None, None, Some(signal)) => {
                Problem::permanent("process.killed", format!("{name} was ended by {}.", signal_name(signal)))
                    .help("Something outside ended it; often the machine had no memory left.")
                    .with("signal", signal)
            }
            (None, None, None) => {
                Problem::permanent("process.lost", format!("Nobody knows how {name} ended."))
            }
        };
        Some(if self.last_lines.is_empty() {
            problem
        } else {
            problem.with("output", self.last_lines.join("\n"))
        })
    }
}

/// A time as people say it.
fn spoken(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "HUP",
        2 => "INT",
        4 => "ILL",
        6 => "ABRT",
        7 => "BUS",
        8 => "FPE",
        9 => "KILL",
        11 => "SEGV",
        13 => "PIPE",
        15 => "TERM",
        24 => "XCPU",
        25 => "XFSZ",
        other => return format!("signal {other}"),
    };
    format!("signal {signal} ({name})")
}
