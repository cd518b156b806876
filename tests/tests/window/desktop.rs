//! A desktop of its own for each test: a screen, a session bus, a notification daemon, and the driver of the window's page.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clonedeck_tests::program::{built_programs, wait_for};
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the window manager may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A screen with a window manager and a session bus, where nothing else runs.
pub struct Desktop {
    display: String,
    bus: String,
    home: TempDir,
    children: Vec<Child>,
    notices: Option<Child>,
}

impl Desktop {
    /// Starts screen, bus and notification daemon, and waits until they answer.
    pub fn start() -> Self {
        let home = tempfile::tempdir().expect("a folder for the desktop");
        let mut screen = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1290x840x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is installed by `scripts/setup test`");
        let display = format!(":{}", first_line(&mut screen));
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is installed by `scripts/setup test`");
        let address = first_line(&mut bus);
        let mut desktop = Self { display, bus: address, home, children: vec![bus, screen], notices: None };
        desktop.furnish();
        let windows = desktop.spawn("openbox");
        desktop.children.insert(0, windows);
        desktop.start_notices();
        desktop
    }

    fn spawn(&self, program: &str) -> Child {
        self.command(program)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|why| panic!("{program} is installed by `scripts/setup test`: {why}"))
    }

    /// Starts the notification daemon and waits until it answers.
    pub fn start_notices(&mut self) {
        self.notices = Some(self.spawn("dunst"));
        wait_for("the notification daemon", Duration::from_secs(20), || {
            self.command("dunstctl").arg("count").output().ok().filter(|answer| answer.status.success())
        });
    }

    /// Ends the notification daemon.
    pub fn stop_notices(&mut self) {
        if let Some(mut daemon) = self.notices.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }

    /// The pid of the notification daemon.
    pub fn notices_pid(&self) -> u32 {
        self.notices.as_ref().expect("it runs").id()
    }

    /// The same desktop, as programs see it that cannot find its session bus.
    pub fn lose_bus(&mut self) {
        self.bus = format!("unix:path={}", self.home.path().join("no-bus").display());
    }

    /// A browser that notes what it is asked to open, and a hand that picks what `choose` wants from the menu of the notices.
    fn furnish(&self) {
        let script = |name: &str, text: &str| {
            let file = self.home.path().join("bin").join(name);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("a script");
            std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755))
                .expect("a script that runs");
            file
        };
        script("xdg-open", "echo \"$1\" >> \"$HOME/opened\"");
        let hand = script("hand", "grep -F -m1 \"$(cat \"$HOME/choice\")\"; touch \"$HOME/chosen\"");
        let dunst = self.home.path().join("config/dunst");
        std::fs::create_dir_all(&dunst).expect("a folder");
        std::fs::write(dunst.join("dunstrc"), format!("[global]\ndmenu = {}\n", hand.display()))
            .expect("a file");
    }

    /// What the browser was asked to open.
    pub fn opened(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.home.path().join("opened")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Chooses a button of a notice that is on the screen, if one has it.
    pub fn choose(&self, button: &str) {
        let chosen = self.home.path().join("chosen");
        let _ = std::fs::remove_file(&chosen);
        std::fs::write(self.home.path().join("choice"), format!("#{button}")).expect("a file");
        // A menu that is asked for before there is a notice never opens.
        if self.displayed() == 0 {
            return;
        }
        let answer = self.command("dunstctl").arg("context").status().expect("dunstctl answers");
        assert!(answer.success(), "the menu of the notices opens");
        // A notice without buttons opens no menu; whoever waits for another one asks again.
        let since = std::time::Instant::now();
        while !chosen.exists() && self.displayed() > 0 && since.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How many notices are on the screen.
    pub fn displayed(&self) -> usize {
        let answer =
            self.command("dunstctl").args(["count", "displayed"]).output().expect("dunstctl answers");
        String::from_utf8_lossy(&answer.stdout).trim().parse().unwrap_or(0)
    }

    /// Whether a window of Clonedeck is on the screen.
    pub fn shows_window(&self) -> bool {
        let found = self
            .command("xdotool")
            .args(["search", "--onlyvisible", "--name", "^Clonedeck$"])
            .output()
            .expect("xdotool is installed");
        !found.stdout.is_empty()
    }

    /// Closes the window as a person does, through the window manager.
    pub fn close_window(&self) {
        // Until the window manager has made a window the active one, keys reach none.
        wait_for("the window to be active", PATIENCE, || {
            let asked =
                self.command("xdotool").arg("getactivewindow").output().expect("xdotool is installed");
            let window = String::from_utf8_lossy(&asked.stdout).trim().parse::<u64>();
            (asked.status.success() && window.is_ok_and(|window| window > 0)).then_some(())
        });
        let done = self.command("xdotool").args(["key", "alt+F4"]).status().expect("xdotool is installed");
        assert!(done.success(), "a key is pressed");
    }

    /// Starts Clonedeck once more, with a folder, a link or nothing, to its end.
    pub fn start_again(&self, data_dir: &Path, word: Option<&str>) {
        let ended = self
            .command(built_programs().join("clonedeck-desktop"))
            .arg("--data-dir")
            .arg(data_dir)
            .args(word)
            .status()
            .expect("it starts");
        assert!(ended.success(), "a second start hands over and ends: {ended}");
    }

    /// The address of the session bus.
    pub fn bus(&self) -> &str {
        &self.bus
    }

    /// A command that sees this desktop.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("HOME", self.home.path())
            .env(
                "PATH",
                format!(
                    "{}:{}",
                    self.home.path().join("bin").display(),
                    std::env::var("PATH").unwrap_or_default()
                ),
            )
            .env("XDG_RUNTIME_DIR", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path().join("config"))
            .env("XDG_CACHE_HOME", self.home.path().join("cache"))
            .env("XDG_DATA_HOME", self.home.path().join("data"))
            .env("GDK_BACKEND", "x11")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env("NO_AT_BRIDGE", "1")
            .env("TAURI_AUTOMATION", "true")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env_remove("WAYLAND_DISPLAY");
        command
    }

    /// What the notification daemon was given and has shown, oldest first: title and body. Takes what is on the screen off it.
    pub fn notifications(&self) -> Vec<(String, String)> {
        // The history holds what is no longer on the screen, so everything that is shown is closed first.
        let _ = self.command("dunstctl").arg("close-all").output();
        let answer = self.command("dunstctl").arg("history").output().expect("dunstctl answers");
        let history: Value = serde_json::from_slice(&answer.stdout).unwrap_or_default();
        let mut all: Vec<_> = history["data"][0]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| {
                let text = |name: &str| one[name]["data"].as_str().unwrap_or_default().to_owned();
                (text("summary"), text("body"))
            })
            .collect();
        all.reverse();
        all
    }

    /// A picture of the whole screen, kept in `artefacts/` for whoever wants to look.
    pub fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../artefacts/window");
        let _ = std::fs::create_dir_all(&folder);
        let _ =
            self.command("import").args(["-window", "root"]).arg(folder.join(format!("{name}.png"))).status();
    }

    /// A picture of the window alone, in few colours, so that the file is small.
    pub fn picture_of_window(&self, file: &Path) {
        let done = self
            .command("import")
            .args(["-window", "Clonedeck", "-strip", "-depth", "8", "+dither", "-colors", "256"])
            .args(["-define", "png:compression-level=9"])
            .arg(file)
            .status()
            .expect("import is installed by `scripts/setup test`");
        assert!(done.success(), "the window is pictured");
    }

    /// Opens Clonedeck on `data_dir` through the driver of its page.
    pub async fn open(&self, data_dir: &Path) -> Window {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        let driver = self
            .command("WebKitWebDriver")
            .args(["--host=127.0.0.1", &format!("--port={port}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("WebKitWebDriver is installed by `scripts/setup test`");
        wait_for("the driver of the page", Duration::from_secs(20), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        let program = built_programs().join("clonedeck-desktop");
        let wanted =
            json!({ "webkitgtk:browserOptions": { "binary": program, "args": ["--data-dir", data_dir] } });
        let Value::Object(capabilities) = wanted else { unreachable!("an object is written above") };
        let address = format!("http://127.0.0.1:{port}");
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        // The driver waits for ever for a program that ended before it had a page.
        let page = tokio::time::timeout(
            Duration::from_mins(2),
            builder.capabilities(capabilities).connect(&address),
        )
        .await
        .expect("the program has a page")
        .expect("the window opens");
        Window { page, driver, data_dir: data_dir.to_owned() }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.stop_notices();
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().expect("its output is piped"));
    output.read_line(&mut line).expect("it says where it is");
    // The pipe stays open for the life of the child: one that is closed would end it at its next word.
    std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
    line.trim().to_owned()
}

/// The open window and its page.
pub struct Window {
    /// The driver's hold on the page.
    pub page: Client,
    driver: Child,
    data_dir: PathBuf,
}

impl Window {
    /// Waits for an element by its `data-testid`, optionally with further attributes as CSS.
    pub async fn find(&self, id: &str, more: &str) -> fantoccini::elements::Element {
        let css = format!("[data-testid=\"{id}\"]{more}");
        self.page
            .wait()
            .at_most(Duration::from_mins(1))
            .for_element(Locator::Css(&css))
            .await
            .unwrap_or_else(|why| panic!("{css} is not on the page: {why}"))
    }

    /// Waits until an element is no longer there.
    pub async fn gone(&self, id: &str) {
        let here = format!("return document.querySelector('[data-testid=\"{id}\"]') === null");
        let since = std::time::Instant::now();
        while self.ask(&here).await != json!(true) {
            assert!(since.elapsed() < Duration::from_mins(1), "{id} is still on the page");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Clicks an element once it is there.
    pub async fn click(&self, id: &str, more: &str) {
        self.find(id, more).await.click().await.unwrap_or_else(|why| panic!("{id} cannot be clicked: {why}"));
    }

    /// Replaces the text of an input.
    pub async fn fill(&self, id: &str, text: &str) {
        let input = self.find(id, "").await;
        input.clear().await.expect("an input can be cleared");
        input.send_keys(text).await.expect("an input takes text");
    }

    /// Fills in the form of a new clone and goes on to its plan.
    pub async fn plan_clone(&self, source: &Path, target: &Path) {
        self.click("new-clone", "").await;
        self.fill("source-path", &source.display().to_string()).await;
        self.fill("target-path", &target.display().to_string()).await;
        self.click("plan-next", ":not([disabled])").await;
    }

    /// Loads the page anew, as a person can.
    pub async fn reload(&self) {
        self.page.refresh().await.expect("the page loads again");
    }

    /// What an input holds.
    pub async fn value(&self, id: &str) -> String {
        self.find(id, "").await.prop("value").await.expect("a property").unwrap_or_default()
    }

    /// Waits until the page shows this text anywhere.
    pub async fn reads(&self, text: &str) {
        let path = format!("//*[contains(normalize-space(.), \"{text}\")]");
        self.page
            .wait()
            .at_most(Duration::from_mins(1))
            .for_element(Locator::XPath(&path))
            .await
            .unwrap_or_else(|why| panic!("{text:?} is not on the page: {why}"));
    }

    /// Runs a script in the page and answers what it promises.
    pub async fn ask(&self, script: &str) -> Value {
        let whole = format!(
            "const done = arguments[arguments.length - 1]; (async () => {{ {script} }})().then(done, (why) => done({{ threw: String(why?.code ?? why) }}))"
        );
        self.page.execute_async(&whole, Vec::new()).await.unwrap_or_else(|why| panic!("{script}: {why}"))
    }

    /// The pid of the program behind the window.
    pub fn pid(&self) -> u32 {
        let data_dir = self.data_dir.display().to_string();
        clonedeck_tests::program::processes_with("clonedeck-desktop")
            .into_iter()
            .find(|pid| {
                std::fs::read(format!("/proc/{pid}/cmdline"))
                    .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&data_dir))
            })
            .expect("the program runs")
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let data_dir = self.data_dir.display().to_string();
        for pid in clonedeck_tests::program::processes_with(&data_dir) {
            clonedeck_tests::program::kill_9(pid);
        }
    }
}
