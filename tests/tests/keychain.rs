//! Secrets in a real keychain, in a desktop session of the test's own.

use std::path::Path;
use std::process::Command;

use clonedeck_tests::desk::Desk;
use clonedeck_tests::program::{built_programs, stdout_of};
use serde_json::Value;

/// Runs `clonedeck --json WORDS` in a session whose keychain is open, and answers the last line that it prints.
fn in_session(desk: &Desk, words: &str) -> Value {
    let script = format!(
        r#"printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec "$0" --json --data-dir "$1" {words}"#
    );
    let home = desk.path("home");
    std::fs::create_dir_all(&home).expect("a home");
    let mut command = Command::new("dbus-run-session");
    command
        .args(["--", "bash", "-c", &script])
        .arg(built_programs().join("clonedeck"))
        .arg(desk.data())
        .env("HOME", &home)
        .env("XDG_RUNTIME_DIR", &home)
        .env("XDG_DATA_HOME", &home)
        .env_remove("CLONEDECK_KEYCHAIN");
    let said = stdout_of(&mut command);
    let last = said.lines().last().unwrap_or_else(|| panic!("{words} prints nothing"));
    serde_json::from_str(last).unwrap_or_else(|why| panic!("{words} printed {last}: {why}"))
}

/// The files of secrets, with what they hold.
fn files(data: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(data.join("secrets")).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).expect("a file");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect()
}

#[test]
fn a_login_is_in_the_keychain_where_one_is_open_and_goes_with_its_copy() {
    let desk = Desk::new();
    let doctor = in_session(&desk, "doctor");
    let keychain = doctor.as_array().expect("findings").iter().find(|one| one["code"] == "keychain");
    assert_eq!(keychain.expect("it is looked at")["status"], "ok", "{doctor:#}");

    let id = in_session(&desk, "demo")["id"].as_str().expect("an id").to_owned();
    assert_eq!(files(&desk.data()), [(format!("{id}.json.keychain"), String::new())]);
    let shown = in_session(&desk, &format!("show --secrets {id}"));
    assert!(shown["secrets"]["password"].as_str().is_some_and(|password| password.len() > 8), "{shown:#}");

    // Outside of that session it is not lost, and it is said where it is.
    let outside = desk.command().args(["--json", "show", "--secrets", &id]).output().expect("it starts");
    let said: Value = serde_json::from_slice(&outside.stdout).expect("JSON");
    assert_eq!(said["error"]["code"], "secret.locked", "{said:#}");

    let copy = Path::new(shown["result"]["folder"].as_str().expect("a folder"));
    let name = copy.file_name().expect("a name").to_string_lossy();
    in_session(&desk, &format!("delete {id} --yes {name}"));
    assert_eq!(files(&desk.data()), []);
}
