//! A place to work for a test that drives the real `clonedeck`: a data directory, room for sites and copies, and nothing else.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::program::{clonedeck, expect_code, kill_9, processes_with, stdout_of, wait_for};

/// How long a clone may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// A temporary folder with a data directory in it. Dropping it ends what still runs in it (previews go on by themselves).
#[derive(Debug)]
pub struct Desk {
    home: tempfile::TempDir,
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

impl Desk {
    /// An empty one.
    pub fn new() -> Self {
        Self { home: tempfile::Builder::new().prefix("desk-").tempdir().expect("a temporary folder") }
    }

    /// The folder that holds everything.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A place in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// `clonedeck` with this data directory.
    pub fn command(&self) -> Command {
        clonedeck(&self.data())
    }

    /// What `clonedeck --json …` prints, one object.
    pub fn json(&self, words: &[&str]) -> Value {
        let text = stdout_of(self.command().arg("--json").args(words));
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{words:?} printed {text}: {why}"))
    }

    /// Adds a clone and answers its id.
    pub fn launch(&self, source: &Path, target: &Path, words: &[&str]) -> String {
        let mut command = self.command();
        command.args(["--json", "clone", "--detach"]).args(words).arg(source).arg(target);
        let answer: Value = serde_json::from_str(&stdout_of(&mut command)).expect("one line of JSON");
        answer["id"].as_str().expect("an id").to_owned()
    }

    /// Clones, follows the job to its end, which has to be a good one, and answers the job.
    pub fn clone(&self, source: &Path, target: &Path, words: &[&str]) -> Value {
        let mut command = self.command();
        command.args(["--json", "clone"]).args(words).arg(source).arg(target);
        let text = String::from_utf8(expect_code(&mut command, 0).stdout).expect("JSON");
        serde_json::from_str(text.lines().last().expect("the job at the end")).expect("JSON")
    }

    /// What is said when a clone is refused at once: the error.
    pub fn refused(&self, source: &Path, target: &Path, words: &[&str]) -> Value {
        let mut command = self.command();
        command.args(["--json", "clone"]).args(words).arg(source).arg(target);
        error_of(&expect_code(&mut command, 2).stdout)
    }

    /// Starts a process that runs the queue until it is idle.
    pub fn work(&self) -> Child {
        self.command()
            .args(["work", "--until-idle"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts")
    }

    /// A job as it is now.
    pub fn job(&self, id: &str) -> Value {
        self.json(&["show", id])
    }

    /// Waits until `seen` has something to say about the job.
    pub fn wait_for_job<T>(&self, id: &str, what: &str, mut seen: impl FnMut(&Value) -> Option<T>) -> T {
        let mut last = Value::Null;
        wait_for(what, PATIENCE, || {
            last = self.job(id);
            let ended =
                ["completed", "failed", "cancelled"].contains(&last["state"].as_str().unwrap_or_default());
            let answer = seen(&last);
            assert!(answer.is_some() || !ended, "the job ended before {what}: {last:#}");
            answer
        })
    }

    /// The receipt of a job.
    pub fn receipt(&self, id: &str) -> Value {
        self.json(&["receipt", id])
    }

    /// Ends the preview of a copy.
    pub fn stop_preview(&self, id: &str) {
        stdout_of(self.command().args(["previews", "stop", id]));
    }

    /// The processes that have to do with this place, a line each.
    pub fn processes(&self) -> Vec<u32> {
        processes_with(&self.home.path().display().to_string())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        for pid in self.processes() {
            kill_9(pid);
        }
    }
}

/// The error in what a command printed with `--json`.
pub fn error_of(stdout: &[u8]) -> Value {
    let text = String::from_utf8_lossy(stdout);
    let last = text.lines().last().unwrap_or_default();
    let answer: Value = serde_json::from_str(last).unwrap_or_else(|why| panic!("{text}: {why}"));
    answer["error"].clone()
}

/// The id of a job.
pub fn id_of(job: &Value) -> &str {
    job["id"].as_str().expect("an id")
}

/// The state of one step of a job.
pub fn step<'a>(job: &'a Value, name: &str) -> &'a Value {
    let steps = job["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("no step {name} in {job:#}"))
}

/// Names and states of all steps.
pub fn states(job: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let steps = job["steps"].as_array().expect("steps");
    steps.iter().map(|step| (text(&step["name"]), text(&step["state"]))).collect()
}

/// Panics unless a receipt says that everything is as it should be, and that the copy answered and let its new user in.
///
/// # Panics
/// See above.
pub fn assert_clean(receipt: &Value) {
    assert_proved(receipt);
    let pages: Vec<String> =
        receipt["pages"].as_array().expect("pages").iter().map(ToString::to_string).collect();
    for page in ["front page", "post", "login page", "login ("] {
        assert!(
            pages.iter().any(|line| line.contains(page) && line.contains("answered 200")),
            "no {page} in {pages:#?}"
        );
    }
}

/// Panics unless a receipt has no finding: files, rows and addresses as they should be.
///
/// # Panics
/// See above.
pub fn assert_proved(receipt: &Value) {
    assert_eq!(receipt["findings"], serde_json::json!([]), "{receipt:#}");
    assert_eq!(receipt["rewrite"]["left_over"], serde_json::json!([]));
    assert_eq!(receipt["rewrite"]["newly_broken"], 0);
    assert_eq!(receipt["files"]["differences"], serde_json::json!([]));
    for table in receipt["tables"].as_array().expect("tables") {
        assert_eq!(table["rows_source"], table["rows_target"], "{table}");
    }
}
