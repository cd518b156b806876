//! The programs under test, as they were built, and what can be seen of them from outside.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The folder of the programs that `cargo build` made beside this test.
pub fn built_programs() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own program");
    test.ancestors()
        .find(|folder| folder.join("clonedeck").is_file())
        .unwrap_or_else(|| {
            panic!(
                "clonedeck is not built beside {}: run `cargo build -p clonedeck-cli -p clonedeck-desktop`",
                test.display()
            )
        })
        .to_owned()
}

/// `clonedeck`, asked to work in `data_dir`, with nothing of the caller's settings.
pub fn clonedeck(data_dir: &Path) -> Command {
    let mut command = Command::new(built_programs().join("clonedeck"));
    command
        .env_remove("CLONEDECK_DATA_DIR")
        .env_remove("CLONEDECK_DB_PASSWORD")
        .arg("--data-dir")
        .arg(data_dir)
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end and shows what it said when it did not end as `code`.
pub fn expect_code(command: &mut Command, code: i32) -> Output {
    let output = command.output().unwrap_or_else(|why| panic!("{command:?} cannot be started: {why}"));
    assert_eq!(
        output.status.code(),
        Some(code),
        "{command:?}\n--- stdout\n{}\n--- stderr\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// The standard output of a command that has to end well.
pub fn stdout_of(command: &mut Command) -> String {
    String::from_utf8(expect_code(command, 0).stdout).expect("clonedeck prints UTF-8")
}

/// Asks `seen` again and again until it answers, and fails with `what` when it does not within `limit`.
pub fn wait_for<T>(what: &str, limit: Duration, mut seen: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = seen() {
            return value;
        }
        assert!(began.elapsed() < limit, "waited {limit:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The processes whose command line holds `text` (zombies and this process left out).
pub fn processes_with(text: &str) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != std::process::id())
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(text))
        })
        .collect()
}

/// Ends a process at once, as a crash does.
pub fn kill_9(pid: u32) {
    signal(pid, "KILL");
    // Until its last thread is gone it has its sockets, and a next start would find it there. One that nobody waited for is a zombie
    // without any.
    let has_ended = |thread: std::io::Result<std::fs::DirEntry>| {
        let stat = thread.and_then(|thread| std::fs::read_to_string(thread.path().join("stat")));
        stat.unwrap_or_default().rsplit_once(") ").is_none_or(|(_, state)| state.starts_with(['Z', 'X']))
    };
    wait_for(&format!("the end of process {pid}"), Duration::from_secs(30), || {
        let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
        threads.map_or(true, |mut threads| threads.all(has_ended)).then_some(())
    });
}

/// Sends a process a signal by its name, `STOP` say.
pub fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args(["-s", name, &pid.to_string()]).status();
}
