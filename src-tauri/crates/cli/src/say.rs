//! Everything that `clonedeck` prints, and the codes with which it ends.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clonedeck_api::wire::{JobState, JobView, Problem};
pub use clonedeck_api::words::{bytes, count, counted};
use serde::Serialize;

/// How it is said.
#[derive(Debug, Clone, Copy)]
pub struct Say {
    /// For scripts.
    pub json: bool,
    /// Only what was asked for.
    pub quiet: bool,
}

/// With what the program ends; part of the contract of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// All is done.
    Done = 0,
    /// The job failed, or a check found a difference.
    Failed = 1,
    /// Wrong words or refused input; nothing was added.
    Refused = 2,
    /// The job was cancelled.
    Cancelled = 3,
    /// The job waits for a person.
    NeedsPerson = 4,
    /// Interrupted at the terminal; the job goes on or stays queued.
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a verb ends without having done what was asked.
#[derive(Debug)]
pub struct Failure {
    /// What to say.
    pub problem: Problem,
    /// With what to end.
    pub code: Code,
}

/// The paths that it is about, and what a program said last, as far as it fits a screen.
fn details(problem: &Problem) -> impl Iterator<Item = &str> {
    const SHOWN: usize = 20;
    let of = |name: &str| problem.context.get(name).map_or("", String::as_str);
    let output = of("output");
    let paths = of("paths");
    // One alone is named in the sentence.
    let paths = if paths.contains('\n') { paths } else { "" };
    paths.lines().take(SHOWN).chain(output.lines().skip(output.lines().count().saturating_sub(SHOWN)))
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem, code: Code::Refused }
    }
}

impl Say {
    /// Says a failure and answers its code.
    pub fn failure(self, failure: &Failure) -> Code {
        self.problem(&failure.problem);
        failure.code
    }

    /// Says a problem: for people on stderr, for scripts on stdout.
    pub fn problem(self, problem: &Problem) {
        if self.json {
            self.line(&serde_json::json!({ "error": problem }));
        } else {
            eprintln!("error[{}]: {}", problem.code, problem.message);
            for line in details(problem) {
                eprintln!("    {line}");
            }
            if !problem.help.is_empty() {
                eprintln!("help: {}", problem.help);
            }
        }
    }

    /// Prints one value as a line of JSON.
    pub fn line(self, value: &impl Serialize) {
        let text = serde_json::to_string(value).expect("wire types are plain data");
        self.text(&text);
    }

    /// Prints a line. A reader that has seen enough (`| head`) is no failure.
    #[expect(clippy::unused_self, reason = "what is printed belongs to how it is said")]
    pub fn text(self, line: &str) {
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{line}").is_err() {
            std::process::exit(0);
        }
    }

    /// A remark beside the answer, for people only.
    pub fn remark(self, line: &str) {
        if !self.json && !self.quiet {
            eprintln!("{line}");
        }
    }

    /// Whether a moving bar can be shown.
    pub fn can_move(self) -> bool {
        !self.json && !self.quiet && std::io::stderr().is_terminal()
    }
}

/// With what a command ends that followed a job to where it stands now.
pub fn code_of(job: &JobView) -> Code {
    match job.state {
        JobState::Completed => Code::Done,
        JobState::Cancelled => Code::Cancelled,
        JobState::Waiting => Code::NeedsPerson,
        JobState::Failed | JobState::Queued | JobState::Running | JobState::Paused => Code::Failed,
    }
}

/// The word for a state.
pub fn state_word(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Waiting => "waiting",
        JobState::Paused => "paused",
        JobState::Completed => "completed",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

/// An amount with its unit: bytes as bytes, everything else as a count and a word.
pub fn amount(number: u64, unit: &str) -> String {
    match unit {
        "bytes" => bytes(number),
        "" => count(number),
        unit => format!("{} {unit}", count(number)),
    }
}

/// Milliseconds as `0.4 s`, `12 s`, `3:04`, `1:02:03`.
pub fn time(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0..10 => format!("{:.1} s", milliseconds as f64 / 1000.0),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_for_people() {
        assert_eq!(time(420), "0.4 s");
        assert_eq!(time(62_000), "1:02");
        assert_eq!(time(3_723_000), "1:02:03");
    }
}
