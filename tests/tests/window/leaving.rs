//! The tray's menu, the icon's progress, and the end of the program with jobs at work.

use std::collections::HashMap;
use std::time::Duration;

use clonedeck_tests::program::{clonedeck, stdout_of, wait_for};
use futures::StreamExt;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use crate::desktop::Desktop;
use crate::work::console_site;
use crate::{PATIENCE, newest_job, runtime};

/// The host of tray icons, as a desktop has one: it hears which icons there are.
struct Watcher(std::sync::mpsc::Sender<(String, String)>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
#[allow(clippy::unused_self, reason = "the bus calls methods of an object")]
impl Watcher {
    fn register_status_notifier_item(
        &self,
        service: &str,
        #[zbus(header)] header: zbus::message::Header<'_>,
    ) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let _ = self.0.send((sender, service.to_owned()));
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// A line of a menu: number, properties, lines below it.
type Line = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// Every line of a menu with what it reads, those of menus below it among them.
fn read_lines((id, words, below): Line, lines: &mut Vec<(i32, String)>) {
    if let Some(label) = words.get("label").and_then(|label| label.try_clone().ok())
        && let Ok(label) = String::try_from(label)
    {
        lines.push((id, label.replace('_', "")));
    }
    for line in below {
        if let Ok(line) = Line::try_from(line) {
            read_lines(line, lines);
        }
    }
}

/// The menu of a tray icon.
struct Menu {
    proxy: zbus::Proxy<'static>,
}

impl Menu {
    async fn lines(&self) -> Vec<(i32, String)> {
        let (_, root): (u32, Line) =
            self.proxy.call("GetLayout", &(0, -1, Vec::<String>::new())).await.expect("the menu answers");
        let mut lines = Vec::new();
        read_lines(root, &mut lines);
        lines
    }

    /// Waits for a line that reads so and answers it.
    async fn line(&self, reads: impl Fn(&str) -> bool) -> (i32, String) {
        let since = std::time::Instant::now();
        loop {
            let lines = self.lines().await;
            if let Some(found) = lines.iter().find(|(_, text)| reads(text)) {
                return found.clone();
            }
            assert!(since.elapsed() < PATIENCE, "the menu reads {lines:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn click(&self, label: &str) {
        let (id, _) = self.line(|text| text == label).await;
        self.proxy
            .call::<_, _, ()>("Event", &(id, "clicked", Value::from(0), 0_u32))
            .await
            .expect("a line can be clicked");
    }
}

#[test]
fn the_tray_tells_how_far_jobs_are_holds_the_queue_and_quits_at_a_safe_point() {
    let home = tempfile::tempdir().expect("a folder");
    let (data, site) = (home.path().join("data"), home.path().join("shop"));
    // A command that is at work for as long as the test wants.
    console_site(&site, 1000);
    std::fs::write(site.join("pause"), "100000").expect("a file");
    let desktop = Desktop::start();
    runtime().block_on(async {
        let (heard, icons) = std::sync::mpsc::channel();
        let bus = zbus::connection::Builder::address(desktop.bus())
            .and_then(|bus| bus.name("org.kde.StatusNotifierWatcher"))
            .and_then(|bus| bus.serve_at("/StatusNotifierWatcher", Watcher(heard)))
            .expect("a tray host")
            .build()
            .await
            .expect("a tray host");
        let rule = "type='signal',interface='com.canonical.Unity.LauncherEntry'";
        let rule = zbus::MatchRule::try_from(rule).expect("a rule");
        let mut progress =
            zbus::MessageStream::for_match_rule(rule, &bus, Some(1000)).await.expect("signals are heard");
        let window = desktop.open(&data).await;
        window.find("try-demo", "").await;
        let (owner, path) = icons.recv_timeout(PATIENCE).expect("the icon is registered");
        let item = zbus::Proxy::new(&bus, owner.clone(), path, "org.kde.StatusNotifierItem")
            .await
            .expect("the icon");
        let path: OwnedObjectPath = item.get_property("Menu").await.expect("it has a menu");
        let menu = Menu {
            proxy: zbus::Proxy::new_owned(bus.clone(), owner, path, "com.canonical.dbusmenu")
                .await
                .expect("it has a menu"),
        };
        menu.line(|text| text == "No jobs are running").await;

        // With a tray, closing hides without a word, and a job is told there.
        desktop.close_window();
        wait_for("no window", PATIENCE, || (!desktop.shows_window()).then_some(()));
        stdout_of(clonedeck(&data).args(["run", "--detach"]).arg(&site).args([
            "--",
            "php",
            "craft",
            "clonedeck/migrate",
        ]));
        menu.line(|text| text == "1 job is running").await;
        let (_, line) =
            menu.line(|text| text.contains(" · ") && text.ends_with(" %") && !text.contains(" 0 %")).await;
        assert!(line.contains("migrat"), "the line says which job: {line}");
        let told = tokio::time::timeout(PATIENCE, async {
            loop {
                let signal = progress.next().await.expect("the bus goes on").expect("a signal");
                let (uri, shown): (String, HashMap<String, OwnedValue>) =
                    signal.body().deserialize().expect("as docks read it");
                assert_eq!(uri, "application://Clonedeck.desktop");
                let value = |name: &str| shown[name].try_clone().expect("a value");
                if bool::try_from(value("progress-visible")).expect("a word") {
                    break f64::try_from(value("progress")).expect("a number");
                }
            }
        });
        let part = told.await.expect("the icon shows progress");
        assert!((0.0..1.0).contains(&part), "{part}");

        menu.click("Pause the queue").await;
        menu.line(|text| text == "Resume the queue").await;
        menu.click("Resume the queue").await;
        menu.line(|text| text == "Pause the queue").await;

        menu.click("Pause").await;
        menu.line(|text| text.ends_with(" · paused")).await;
        menu.click("Resume").await;
        menu.line(|text| text.contains(" · ") && text.ends_with(" %")).await;
        menu.click("Cancel…").await;
        window.find("confirm-cancel", "").await;
        assert!(desktop.shows_window(), "what is undone is said in the window");
        window.click("keep-running", "").await;

        let pid = window.pid();
        menu.click("Quit").await;
        window.reads("They stop at a safe point").await;
        assert!(desktop.shows_window(), "what happens is said in the window");
        desktop.picture("quit");
        window.click("close-quit", "").await;
        wait_for("the end of the program", PATIENCE, || {
            (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(())
        });
    });
    std::fs::write(site.join("pause"), "0").expect("a file");
    let job = newest_job(&data).expect("the job is kept");
    assert!(job["error"].is_null() && job["state"] != "failed", "{job:#}");
    stdout_of(clonedeck(&data).args(["work", "--until-idle"]));
    let job = newest_job(&data).expect("the job is kept");
    assert_eq!(job["state"], "completed", "{job:#}");
}
