//! The campaign: clones of one site are killed, and cancelled, at random moments, over and over.
//!
//! `make crash-clone N=20` is the whole of it. `CLONEDECK_KILLS` and `CLONEDECK_CANCELS` say how often, `CLONEDECK_FILES` and
//! `CLONEDECK_ROWS` how large the site is, `CLONEDECK_SEED` repeats a campaign.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use clonedeck_tests::desk::{Desk, assert_clean};
use clonedeck_tests::luck::{Luck, asked};
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::program::{expect_code, kill_9, stdout_of};
use clonedeck_tests::trees::{assert_unchanged, differences, fingerprint, many};
use clonedeck_tests::wordpress::WordPress;

/// A site of some size, and where its copies go: always to one folder and one address, so that they can be compared.
struct Campaign {
    desk: Desk,
    server: MariaDb,
    site: WordPress,
    url: String,
}

impl Campaign {
    fn new() -> Self {
        let desk = Desk::new();
        let server = MariaDb::start();
        let site = WordPress::install(&desk.path("shop"), &server, "http://shop.test");
        many(&site.folder.join("wp-content/uploads"), asked("CLONEDECK_FILES", 1500));
        site.grow(&server, asked("CLONEDECK_ROWS", 20_000));
        let port = clonedeck_site::preview::free_port().expect("a free port");
        Self { desk, server, site, url: format!("http://127.0.0.1:{port}") }
    }

    fn launch(&self, database: &str) -> String {
        let words = ["--url", &self.url, "--db", &self.server.address(database)];
        self.desk.launch(&self.site.folder, &self.target(), &words)
    }

    fn target(&self) -> std::path::PathBuf {
        self.desk.path("copy")
    }

    fn state(&self, id: &str) -> String {
        self.desk.job(id)["state"].as_str().expect("a state").to_owned()
    }

    /// A clone that nothing disturbs. Its files go to `calm`; answers how long it took.
    fn calm(&self) -> Duration {
        let id = self.launch("calm");
        let began = Instant::now();
        expect_code(self.desk.command().args(["work", "--until-idle"]), 0);
        let took = began.elapsed();
        assert_clean(&self.desk.receipt(&id));
        self.desk.stop_preview(&id);
        fs::rename(self.target(), self.desk.path("calm")).expect("the copy is moved");
        took
    }

    /// Panics unless the copy is the same as the one that nothing disturbed, but for what is new in every copy.
    fn assert_like_calm(&self) {
        let apart = |path: &Path| {
            let name = path.to_string_lossy();
            // Salts and the name of the database; the folder for what is caught has a secret name, which the plugin knows. Folders
            // that the settings write into have another time.
            name == "wp-config.php"
                || name.starts_with("wp-content/clonedeck-caught-")
                || name == "wp-content/mu-plugins/00-clonedeck-neutral.php"
                || [
                    "",
                    "wp-content",
                    "wp-content/mu-plugins",
                    "robots.txt",
                    ".htaccess",
                    "wp-content/uploads/builder",
                ]
                .contains(&&*name)
                || name.starts_with("wp-content/uploads/builder/")
        };
        let found = differences(&self.desk.path("calm"), &self.target(), apart);
        assert!(
            found.is_empty(),
            "{} differences:\n{}",
            found.len(),
            found[..found.len().min(20)].join("\n")
        );
        for written in ["robots.txt", ".htaccess", "wp-content/uploads/builder/post-1.css"] {
            let read = |folder: &Path| fs::read(folder.join(written)).ok();
            assert_eq!(read(&self.desk.path("calm")), read(&self.target()), "{written}");
        }
        let own = |text: String| -> Vec<String> {
            let is_new = |line: &&str| ["_KEY", "_SALT", "DB_NAME"].iter().all(|name| !line.contains(name));
            text.lines().filter(is_new).map(str::to_owned).collect()
        };
        let configuration =
            |folder: &Path| own(fs::read_to_string(folder.join("wp-config.php")).expect("a configuration"));
        assert_eq!(configuration(&self.desk.path("calm")), configuration(&self.target()));
        assert_eq!(rows(&self.server, "calm"), rows(&self.server, "stormy"));
    }

    /// Takes a copy away that is done with.
    fn clear(&self, id: &str) {
        let _ = self.desk.command().args(["previews", "stop", id]).output();
        let _ = fs::remove_dir_all(self.target());
        self.server.sql("DROP DATABASE IF EXISTS stormy");
    }

    /// What a copy could leave behind: databases, entries beside the site, processes, the port.
    fn left(&self) -> (String, Vec<String>, usize, bool) {
        let mut names: Vec<String> = fs::read_dir(self.desk.home())
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let authority = self.url.trim_start_matches("http://");
        let free = std::net::TcpListener::bind(authority).is_ok();
        (self.server.sql("SHOW DATABASES"), names, self.desk.processes().len(), free)
    }
}

/// Every row of a copy, table by table, but for what is new in every copy: its login, salts, sessions, and what WordPress notes down
/// when it is first looked at.
fn rows(server: &MariaDb, database: &str) -> Vec<String> {
    let tables = server.sql(&format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema='{database}' ORDER BY 1"
    ));
    tables
        .lines()
        .map(|table| {
            let of_its_own = match table {
                "wp_options" => {
                    "option_name NOT LIKE '%\\_key' AND option_name NOT LIKE '%\\_salt' AND option_name NOT LIKE '%transient%' \
                     AND option_name NOT IN ('cron', 'rewrite_rules')"
                }
                "wp_usermeta" => "meta_key NOT IN ('session_tokens', 'community-events-location') AND meta_key NOT LIKE '%dashboard%'",
                "wp_users" => "user_login <> 'clonedeck'",
                // The dashboard begins a post for whoever opens it.
                "wp_posts" => "post_status <> 'auto-draft'",
                _ => "1",
            };
            let columns = server.sql(&format!(
                "SELECT CONCAT('IFNULL(HEX(`', column_name, '`), \"-\")') FROM information_schema.columns \
                 WHERE table_schema='{database}' AND table_name='{table}' \
                   AND column_name NOT IN ('option_id', 'umeta_id') ORDER BY ordinal_position"
            ));
            let columns = columns.lines().collect::<Vec<_>>().join(", ',', ");
            // Numbers that the server gave to rows of the copy's own are left out; the order of rows does not matter.
            let sum = server.sql_in(
                database,
                &format!("SELECT COUNT(*), SUM(CRC32(line)), SUM(CRC32(REVERSE(line))) FROM (SELECT CONCAT({columns}) line FROM `{table}` WHERE {of_its_own}) seen"),
            );
            format!("{table}: {}", sum.trim())
        })
        .collect()
}

#[test]
fn killed_at_random_moments_a_clone_ends_as_one_that_nothing_disturbed() {
    let kills = asked("CLONEDECK_KILLS", 20);
    let mut luck = Luck::new("kills");
    let campaign = Campaign::new();
    let (files, sums) =
        (fingerprint(&campaign.site.folder), campaign.server.checksums(&campaign.site.database));
    let whole = campaign.calm();
    println!("a clone that nothing disturbs takes {:.1} s", whole.as_secs_f64());
    let (mut done, mut rounds, mut set_aside) = (0, 0, 0);
    while done < kills {
        rounds += 1;
        let id = campaign.launch("stormy");
        let mut left = (kills - done).min(4);
        loop {
            let mut worker = campaign.desk.work();
            let moment = luck.moment(whole);
            if left == 0 {
                assert!(worker.wait().expect("it ends").success());
            } else {
                let began = Instant::now();
                while began.elapsed() < moment && worker.try_wait().expect("it runs").is_none() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                if worker.try_wait().expect("it runs").is_none() {
                    kill_9(worker.id());
                    worker.wait().expect("it is gone");
                    (done, left) = (done + 1, left - 1);
                }
            }
            match campaign.state(&id).as_str() {
                "completed" => break,
                // After three kills it waits for a person, who says that it may go on.
                "waiting" if campaign.desk.job(&id)["waiting_for"]["code"] == "set-aside" => {
                    set_aside += 1;
                    stdout_of(campaign.desk.command().args(["retry", &id]));
                }
                state => {
                    assert!(
                        ["queued", "running", "waiting"].contains(&state),
                        "{:#}",
                        campaign.desk.job(&id)
                    );
                }
            }
        }
        assert_clean(&campaign.desk.receipt(&id));
        campaign.assert_like_calm();
        println!("round {rounds}: like the undisturbed one; {done} kills so far");
        campaign.clear(&id);
    }
    println!("{done} kills in {rounds} clones, {set_aside} times set aside and told to go on");
    assert_unchanged(&files, &fingerprint(&campaign.site.folder));
    assert_eq!(campaign.server.checksums(&campaign.site.database), sums, "the source changed");
}

#[test]
fn cancelled_at_random_moments_a_clone_leaves_nothing_behind() {
    let cancels = asked("CLONEDECK_CANCELS", 20);
    let mut luck = Luck::new("cancels");
    let campaign = Campaign::new();
    let whole = campaign.calm();
    let before = campaign.left();
    assert!(before.3, "the port is free");
    let mut done = 0;
    while done < cancels {
        let id = campaign.launch("stormy");
        let mut worker = campaign.desk.work();
        std::thread::sleep(luck.moment(whole));
        // Every third time the program is killed first, and the cancel finds what a dead one left.
        if done % 3 == 2 {
            kill_9(worker.id());
            worker.wait().expect("it is gone");
        }
        let cancelled = campaign.desk.command().args(["cancel", &id]).output().expect("it runs");
        if worker.try_wait().expect("it can be asked").is_some() {
            worker = campaign.desk.work();
        }
        assert!(worker.wait().expect("it ends").success());
        expect_code(campaign.desk.command().args(["work", "--until-idle"]), 0);
        let job = campaign.desk.job(&id);
        if job["state"] == "completed" {
            // Only one that was done already, or as good as done, is not cancelled.
            println!("too late (the cancel ended with {:?})", cancelled.status.code());
            campaign.clear(&id);
            continue;
        }
        assert_eq!(job["state"], "cancelled", "{job:#}");
        assert_eq!(campaign.left(), before);
        done += 1;
    }
    println!("{done} clones cancelled, nothing left of any");
}
