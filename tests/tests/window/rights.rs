//! What the page may not do, whatever gets into it.

use serde_json::json;

use crate::desktop::Desktop;
use crate::runtime;

/// What is tried in the page, and what must come of it.
const TRIES: [(&str, &str); 16] = [
    ("a request to another server", "return fetch('https://example.com/').then(() => 'went')"),
    ("a script of another server", "return import('https://example.com/x.js').then(() => 'went')"),
    (
        "code made of text",
        "const tag = document.createElement('script'); tag.textContent = 'window.ran = 1'; document.head.append(tag); if (!window.ran) throw 'csp'; return 'went'",
    ),
    (
        "a program of the system",
        "return invoke('plugin:shell|execute', { program: 'id', args: [] }).then(() => 'went')",
    ),
    ("a file", "return invoke('plugin:fs|read_text_file', { path: '/etc/passwd' }).then(() => 'went')"),
    (
        "any address in the browser",
        "return invoke('plugin:opener|open_url', { url: 'https://example.com' }).then(() => 'went')",
    ),
    (
        "any file with its program",
        "return invoke('plugin:opener|open_path', { path: '/etc/passwd' }).then(() => 'went')",
    ),
    ("a dialog of the system", "return invoke('plugin:dialog|open', { options: {} }).then(() => 'went')"),
    ("a start at login", "return invoke('plugin:autostart|enable').then(() => 'went')"),
    (
        "another window",
        "return invoke('plugin:webview|create_webview_window', { options: { label: 'x', url: 'https://example.com' } }).then(() => 'went')",
    ),
    (
        "an event that others hear",
        "return invoke('plugin:event|emit', { event: 'leave-asked', payload: 'quit' }).then(() => 'went')",
    ),
    (
        "a site by a path that depends on where the program stands",
        "return invoke('inspect', { request: { source: '../..' }, passwords: {} }).catch((why) => { if (why.code === 'path.relative') throw why; return 'another' })",
    ),
    (
        "a site of commands by such a path",
        "return invoke('command_site', { path: '..' }).catch((why) => { if (why.code === 'path.relative') throw why; return 'another' })",
    ),
    (
        "a project by such a path",
        "return invoke('inspect_build', { path: 'ui' }).catch((why) => { if (why.code === 'path.relative') throw why; return 'another' })",
    ),
    ("the copy of no job", "return invoke('open_copy', { id: 'https://example.com' }).then(() => 'went')"),
    ("the folder of no job", "return invoke('open_folder', { id: '/etc' }).then(() => 'went')"),
];

#[test]
fn the_page_reaches_nothing_but_its_own_commands_and_those_check_what_they_are_given() {
    let home = tempfile::tempdir().expect("a folder");
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&home.path().join("data")).await;
        window.find("try-demo", "").await;
        let own = window
            .ask("return window.__TAURI_INTERNALS__.invoke('about').then((about) => about.version)")
            .await;
        assert_eq!(own, env!("CARGO_PKG_VERSION"), "its own commands answer");
        for (what, script) in TRIES {
            let came =
                window.ask(&format!("const {{ invoke }} = window.__TAURI_INTERNALS__; {script}")).await;
            assert!(came.get("threw").is_some(), "{what}: {came}");
        }
        // The page stays where it is.
        let here = window.ask("location.href = 'https://example.com/'; return 0").await;
        assert_eq!(here, 0);
        let came = window.ask("window.open('https://example.com/'); return location.protocol").await;
        assert_eq!(came, json!("tauri:"));
        window.find("try-demo", "").await;
        assert!(desktop.opened().is_empty(), "nothing was opened: {:?}", desktop.opened());
    });
}
