//! The program ends in the middle, the disk of a copy fills: the window says so, and nothing is lost.

use std::path::Path;

use clonedeck_tests::desk::{assert_proved, step};
use clonedeck_tests::disk::Disk;
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::program::{clonedeck, kill_9, signal, stdout_of, wait_for};
use clonedeck_tests::trees::bytes;
use clonedeck_tests::wordpress::WordPress;
use serde_json::Value;

use crate::desktop::{Desktop, Window};
use crate::{PATIENCE, runtime};

/// A clone in the queue of a data directory.
pub struct Launched<'a> {
    data: &'a Path,
    pub id: String,
}

impl<'a> Launched<'a> {
    pub fn launch(data: &'a Path, source: &Path, target: &Path, words: &[&str]) -> Self {
        let mut command = clonedeck(data);
        command.args(["--json", "clone", "--detach"]).args(words).arg(source).arg(target);
        let answer: Value = serde_json::from_str(&stdout_of(&mut command)).expect("one line of JSON");
        Self { data, id: answer["id"].as_str().expect("an id").to_owned() }
    }

    /// As it is now.
    pub fn look(&self) -> Value {
        let text = stdout_of(clonedeck(self.data).args(["--json", "show", &self.id]));
        serde_json::from_str(&text).expect("JSON")
    }

    /// Holds the program still once the clone has come so far, and answers how it stands then.
    pub fn stop_when(&self, window: &Window, what: &str, reached: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, PATIENCE, || {
            let now = self.look();
            assert_ne!(now["state"], "completed", "it was over before {what}: {now:#}");
            reached(&now).then_some(())
        });
        signal(window.pid(), "STOP");
        self.look()
    }

    /// Ends the program as a crash does while this step works.
    fn kill_in(&self, window: &Window, name: &str) {
        let works = |job: &Value| step(job, name)["state"] == "running";
        let now = self.stop_when(window, &format!("{name} is at work"), works);
        assert!(works(&now), "{now:#}");
        kill_9(window.pid());
    }
}

#[test]
fn a_clone_that_is_killed_in_each_phase_goes_on_and_is_set_aside_after_three_times_until_a_person_lets_it_go_on()
 {
    let home = tempfile::tempdir().expect("a folder");
    let server = MariaDb::start();
    let site = WordPress::install(&home.path().join("shop"), &server, "http://shop.test");
    site.grow(&server, 100_000);
    let many = site.folder.join("wp-content/uploads/many");
    std::fs::create_dir_all(&many).expect("a folder");
    for number in 0..20_000 {
        std::fs::write(many.join(format!("{number}.bin")), vec![number as u8; 3000]).expect("a file");
    }
    let sums = server.checksums(&site.database);
    let (data, target) = (home.path().join("data"), home.path().join("copy"));
    let desktop = Desktop::start();
    let went_on = || {
        let told = desktop.notifications();
        told.iter().filter(|(title, _)| title.contains("went on after a stop")).count()
    };
    let goes_on_again = |times: usize| {
        wait_for("the notice that the job went on", PATIENCE, || (went_on() == times).then_some(()));
    };
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        let clone = Launched::launch(&data, &site.folder, &target, &["--verify", "full"]);
        clone.kill_in(&window, "plan");
        drop(window);

        let window = desktop.open(&data).await;
        goes_on_again(1);
        window.reads("went on once after a restart").await;
        clone.kill_in(&window, "copy-media");
        drop(window);

        // The server answers nobody, so that its copy is at work when the window is there.
        signal(server.pid(), "STOP");
        let window = desktop.open(&data).await;
        goes_on_again(2);
        clone.kill_in(&window, "copy-database");
        signal(server.pid(), "CONT");
        drop(window);

        // Three times is enough: a person says whether it runs again.
        let window = desktop.open(&data).await;
        window.find("job-state", "[data-state=\"waiting\"]").await;
        window.reads("The program ended 3 times while this job ran. It was set aside.").await;
        window.reads("Look at its log.").await;
        desktop.picture("set-aside");
        assert_eq!(went_on(), 2, "nobody is told that it went on");
        window.click("retry-step", "").await;
        clone.kill_in(&window, "check-the-copy");
        drop(window);

        let window = desktop.open(&data).await;
        goes_on_again(3);
        window.find("job-state", "[data-state=\"completed\"]").await;
        desktop.picture("after-kills");
        let receipt = stdout_of(clonedeck(&data).args(["--json", "receipt", &clone.id]));
        assert_proved(&serde_json::from_str(&receipt).expect("JSON"));
    });
    assert_eq!(std::fs::read_dir(target.join("wp-content/uploads/many")).expect("a folder").count(), 20_000);
    assert_eq!(server.checksums(&site.database), sums, "the source changed");
}

#[test]
fn a_disk_that_fills_is_told_and_the_clone_goes_on_by_itself_when_there_is_room() {
    let home = tempfile::tempdir().expect("a folder");
    let Some(disk) = Disk::in_memory(&home.path().join("disk"), 400) else { return };
    let server = MariaDb::shared();
    let site = WordPress::install_empty(&home.path().join("shop"), &server, "http://shop.test");
    let films = site.folder.join("wp-content/uploads/films");
    std::fs::create_dir_all(&films).expect("a folder");
    let film = bytes(7, 1 << 20);
    for number in 0..100 {
        std::fs::write(films.join(format!("{number}.mp4")), &film).expect("a film");
    }
    let (data, target) = (home.path().join("data"), disk.path().join("copy"));
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        let clone = Launched::launch(&data, &site.folder, &target, &[]);
        let begun = |job: &Value| step(job, "copy-core")["state"] != "pending";
        let now = clone.stop_when(&window, "the copy to begin", begun);
        assert_eq!(step(&now, "copy-media")["state"], "pending", "caught before the films");
        let ballast = disk.fill(1 << 20);
        signal(window.pid(), "CONT");
        window.click("job-row", "").await;
        window.find("stepper-step", "[data-state=\"waiting\"]").await;
        desktop.picture("disk-full");
        window.reads("goes on by itself").await;
        std::fs::remove_file(ballast).expect("room again");
        window.find("job-state", "[data-state=\"completed\"]").await;
        desktop.picture("disk-free");
    });
    assert_eq!(std::fs::read_dir(target.join("wp-content/uploads/films")).expect("a folder").count(), 100);
}
