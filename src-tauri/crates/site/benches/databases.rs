//! Copies of a WordPress database beside what other tools need for the same, in one run on one private server.
//!
//! `cargo bench -p clonedeck-site --bench databases` · `CLONEDECK_BENCH_SCALE=1.0` is the whole size (about 1 GB: 150,000 posts,
//! 1.2 million rows of postmeta, 200,000 comments, the old address in about a third of the rows); 0.02 is the default.
//! `CLONEDECK_BENCH_ONLY=word` runs the lines that hold the word. Needs mariadb-server; mydumper is measured where it is installed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clonedeck_site::databases::{
    CONNECTIONS, Occupied, Rewriting, Source, Target, check, copy, rewrite, settle,
};
use clonedeck_site::{Secret, Unwatched};
use clonedeck_tests::mariadb::MariaDb;

const OLD: &str = "http://old-shop.example.com";
const NEW: &str = "https://staging.example.org/shop";

const OPTIONS: [&str; 4] = [
    "--innodb-buffer-pool-size=1G",
    "--innodb-log-file-size=1G",
    "--innodb-flush-log-at-trx-commit=1",
    "--max-allowed-packet=64M",
];

fn main() {
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    let scale: f64 =
        std::env::var("CLONEDECK_BENCH_SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(0.02);
    let only = std::env::var("CLONEDECK_BENCH_ONLY").unwrap_or_default();
    let wanted = |line: &str| line.contains(&only);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let server = MariaDb::start_with(&OPTIONS);
    let since = Instant::now();
    fill(&server, scale);
    let bytes: f64 = server
        .sql("SELECT SUM(data_length+index_length) FROM information_schema.tables WHERE table_schema='src'")
        .trim()
        .parse()
        .expect("a number");
    println!(
        "database of {:.0} MB made in {:.1} s (scale {scale})\n",
        bytes / 1e6,
        since.elapsed().as_secs_f64()
    );

    let base = best(&server, 2, || bare(&server));
    line("INSERT ... SELECT, two connections, nothing rewritten", base, base, None);
    if wanted("same server rewriting") {
        let ours = best(&server, 2, || runtime.block_on(clone(&server, &server, Some(rewriting()))));
        line("clonedeck, same server, settled, rewriting", ours, base, Some(1.5));
        runtime.block_on(check_copy(&server));
    }
    if wanted("same server plain") {
        let ours = best(&server, 1, || runtime.block_on(clone(&server, &server, None)));
        line("clonedeck, same server, settled, nothing rewritten", ours, base, None);
    }
    if wanted("dump") {
        let time = best(&server, 1, || dump(&server));
        line("mariadb-dump | mariadb, nothing rewritten", time, base, None);
    }
    let have_mydumper = Command::new("mydumper").arg("--version").output().is_ok();
    let mut mydumper_time = None;
    if have_mydumper && (wanted("mydumper") || wanted("two servers")) {
        let time = best(&server, 1, || mydumper(&server));
        line("mydumper + myloader, 2 threads, nothing rewritten", time, base, None);
        mydumper_time = Some(time);
    }
    if wanted("two servers") {
        let other = MariaDb::start_with(&OPTIONS);
        let ours = best(&other, 1, || runtime.block_on(clone(&server, &other, Some(rewriting()))));
        line("clonedeck, two servers, settled, rewriting", ours, mydumper_time.unwrap_or(base), Some(1.0));
    }
    println!("\npeak memory of this process: {} MB (target 150)", peak_memory());
    if wanted("giants") {
        // The peak counts from here on.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        server.sql(
            "CREATE DATABASE giants; CREATE TABLE giants.t (id INT PRIMARY KEY, v LONGTEXT) ENGINE=InnoDB",
        );
        for id in 1..=4 {
            server.sql(&format!("INSERT INTO giants.t VALUES ({id}, CONCAT('{OLD}/ ', REPEAT('0123456789abcdef', (60 << 20) / 16)))"));
        }
        let ours = best(&server, 1, || {
            runtime.block_on(clone_of("giants", &server, &server, Some(rewriting())));
        });
        println!(
            "four values of 60 MB, rewritten: {:.2} s, peak memory {} MB (target 150)",
            ours.as_secs_f64(),
            peak_memory()
        );
    }
}

/// The shortest of some runs, each into an empty database, with everything written out before it.
fn best(target: &MariaDb, runs: u32, mut run: impl FnMut()) -> Duration {
    (0..runs)
        .map(|_| {
            target.sql("DROP DATABASE IF EXISTS dst");
            let _ = Command::new("sync").status();
            let (own, served) = (processor("self"), processor_of(target));
            let since = Instant::now();
            run();
            let time = since.elapsed();
            println!(
                "  processor: server {:.2} s, this process {:.2} s",
                processor_of(target) - served,
                processor("self") - own
            );
            time
        })
        .min()
        .expect("a run")
}

fn line(what: &str, time: Duration, base: Duration, target: Option<f64>) {
    let ratio = time.as_secs_f64() / base.as_secs_f64();
    let verdict = match target {
        Some(target) if ratio <= target => format!("  target {target}: met"),
        Some(target) => format!("  target {target}: MISSED"),
        None => String::new(),
    };
    println!("{what:<56} {:>7.2} s  {ratio:>5.2}x{verdict}", time.as_secs_f64());
}

/// Seconds of processor that a process has used.
fn processor(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let ticks: u64 =
        stat.split_whitespace().skip(13).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

/// The same for a server.
fn processor_of(server: &MariaDb) -> f64 {
    let pid = std::fs::read_to_string(server.data().with_file_name("pid")).unwrap_or_default();
    processor(pid.trim())
}

async fn clone(from: &MariaDb, to: &MariaDb, rewriting: Option<Rewriting>) {
    clone_of("src", from, to, rewriting).await;
}

async fn clone_of(database: &str, from: &MariaDb, to: &MariaDb, rewriting: Option<Rewriting>) {
    let none = Secret::default();
    let since = Instant::now();
    let source = Source::open(&from.address(database).parse().expect("an address"), &none)
        .await
        .expect("the source opens");
    let address = to.address("dst").parse().expect("an address");
    let target = Target::prepare(&source, &address, &none, "bench", Occupied::Refuse, &Unwatched)
        .await
        .expect("prepared");
    copy(&source, &target, rewriting.as_ref(), CONNECTIONS, &Unwatched).await.expect("copied");
    let copied = since.elapsed();
    settle(&source, &target, rewriting.as_ref(), 3, &Unwatched).await.expect("settled");
    let settled = since.elapsed().saturating_sub(copied);
    if let Some(rewriting) = &rewriting {
        let done = rewrite(&source, &target, rewriting, CONNECTIONS, &Unwatched).await.expect("rewritten");
        assert!(done.cells_changed > 0 && done.newly_broken == 0);
    }
    println!("  copy {:.2} s, settle {:.2} s", copied.as_secs_f64(), settled.as_secs_f64());
    target.finish().await.expect("finished");
}

/// The check of the copy that the line before made, which is no part of its time.
async fn check_copy(server: &MariaDb) {
    let none = Secret::default();
    let since = Instant::now();
    let source = Source::open(&server.address("src").parse().expect("an address"), &none)
        .await
        .expect("the source opens");
    let address = server.address("dst").parse().expect("an address");
    let target = Target::finished(&source, &address, &none).await.expect("the copy opens");
    let checked = check(&source, &target, Some(&rewriting()), &Unwatched).await.expect("checked");
    assert!(checked.left_over.is_empty(), "{:?}", checked.left_over);
    println!("  check of the copy {:.2} s", since.elapsed().as_secs_f64());
}

fn bare(server: &MariaDb) {
    server.sql(
        "CREATE DATABASE dst CHARACTER SET utf8mb4; CREATE TABLE dst.wp_posts LIKE src.wp_posts; \
         CREATE TABLE dst.wp_postmeta LIKE src.wp_postmeta; CREATE TABLE dst.wp_comments LIKE src.wp_comments; \
         CREATE TABLE dst.wp_options LIKE src.wp_options",
    );
    let fill = |table: &str| format!("INSERT INTO dst.{table} SELECT * FROM src.{table};");
    std::thread::scope(|scope| {
        scope.spawn(|| server.sql(&fill("wp_postmeta")));
        scope.spawn(|| server.sql(&[fill("wp_posts"), fill("wp_comments"), fill("wp_options")].concat()));
    });
}

fn dump(server: &MariaDb) {
    server.sql("CREATE DATABASE dst CHARACTER SET utf8mb4");
    let mut dump = server
        .client("mariadb-dump")
        .args(["--single-transaction", "--quick", "src"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("mariadb-dump starts");
    let out = dump.stdout.take().expect("piped");
    let status = server.client("mariadb").arg("dst").stdin(out).status().expect("mariadb starts");
    assert!(status.success() && dump.wait().expect("it ends").success());
}

fn mydumper(server: &MariaDb) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("dump");
    for (program, more) in [
        (
            "mydumper",
            vec![
                "--database=src".to_owned(),
                format!("--outputdir={}", out.display()),
                "--rows=50000".to_owned(),
            ],
        ),
        ("myloader", vec!["--database=dst".to_owned(), format!("--directory={}", out.display())]),
    ] {
        let output = server
            .client(program)
            .args(["--threads=2", "--verbose=1"])
            .args(more)
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default() / 1024
}

/// A small generator of numbers, so that every run has the same database.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn words(&mut self, bytes: usize, text: &mut String) {
        const WORDS: [&str; 16] = [
            "shop",
            "order",
            "lorem",
            "ipsum",
            "dolor",
            "consectetur",
            "adipiscing",
            "elit",
            "vel",
            "caf\u{e9}",
            "m\u{fc}nchen",
            "integer",
            "aliquam",
            "the",
            "and",
            "price",
        ];
        let end = text.len() + bytes;
        while text.len() < end {
            text.push_str(WORDS[self.below(16) as usize]);
            text.push(' ');
        }
    }
}

/// Fills the database `src`.
fn fill(server: &MariaDb, scale: f64) {
    server.sql(SCHEMA);
    let mut client = server
        .client("mariadb")
        .args(["--default-character-set=utf8mb4", "src"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("mariadb starts");
    let mut out = std::io::BufWriter::with_capacity(1 << 20, client.stdin.take().expect("piped"));
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let count = |whole: u64| ((whole as f64) * scale) as u64;
    let posts = count(150_000).max(10);
    writeln!(out, "SET foreign_key_checks=0, autocommit=0;").expect("written");
    insert(&mut out, "wp_posts", posts, |n, row| {
        let size =
            (800 + dice.below(3000) + if dice.below(20) == 0 { dice.below(20_000) } else { 0 }) as usize;
        let mut content = String::with_capacity(size + 200);
        dice.words(size / 2, &mut content);
        if dice.below(3) == 0 {
            let _ = write!(
                content,
                "<a href=\\\"{OLD}/product-{n}/\\\"><img src=\\\"{OLD}/wp-content/uploads/2024/05/{n}.jpg\\\"></a>"
            );
        }
        dice.words(size / 2, &mut content);
        let _ = write!(
            row,
            "({n},1,'2024-05-01 10:00:00','2024-05-01 10:00:00','{content}','Post {n} caf\u{e9}','','publish','open','open','','post-{n}','','','2024-05-01 10:00:00','2024-05-01 10:00:00','',{},'{OLD}/?p={n}',0,'post','',0)",
            n / 10
        );
    });
    let mut dice = Dice(0x1234_5678_9abc_def1);
    insert(&mut out, "wp_postmeta", count(1_200_000), |n, row| {
        let mut text = String::new();
        let size = 20 + dice.below(120) as usize;
        dice.words(size, &mut text);
        let holds = dice.below(10) < 3;
        let value = if n % 10 == 0 {
            let link = if holds { format!("{OLD}/item/{n}") } else { "none".to_owned() };
            format!(
                "a:3:{{s:3:\"url\";s:{}:\"{link}\";s:4:\"text\";s:{}:\"{text}\";s:5:\"count\";i:{n};}}",
                link.len(),
                text.len()
            )
        } else if holds {
            format!("{text}{OLD}/x/{n}")
        } else {
            text
        };
        let _ = write!(row, "({n},{},'_meta_key_{}','{value}')", 1 + n % posts, n % 40);
    });
    let mut dice = Dice(0x0dd0_5eed_0dd0_5eed);
    insert(&mut out, "wp_comments", count(200_000), |n, row| {
        let mut text = String::new();
        let size = 100 + dice.below(600) as usize;
        dice.words(size, &mut text);
        if dice.below(3) == 0 {
            let _ = write!(text, "see {OLD}/c/{n}");
        }
        let _ = write!(
            row,
            "({n},{},'Author {n}','a{n}@mail.example','{}','127.0.0.1','2024-05-01 10:00:00','2024-05-01 10:00:00','{text}',0,'1','','comment',0,0)",
            1 + n % posts,
            if n % 3 == 0 { OLD } else { "" }
        );
    });
    insert(&mut out, "wp_options", 400, |n, row| {
        let _ = write!(row, "({n},'option_{n}','{OLD}/{n}','yes')");
    });
    writeln!(out, "COMMIT;").expect("written");
    out.flush().expect("written");
    drop(out);
    assert!(client.wait().expect("it ends").success());
    server.sql("ANALYZE TABLE src.wp_posts, src.wp_postmeta, src.wp_comments, src.wp_options");
}

fn insert(out: &mut impl std::io::Write, table: &str, rows: u64, mut row: impl FnMut(u64, &mut String)) {
    let mut statement = String::new();
    for n in 1..=rows {
        statement.push_str(if statement.is_empty() { "" } else { "," });
        row(n, &mut statement);
        if statement.len() > 1 << 20 || n == rows {
            writeln!(out, "INSERT INTO {table} VALUES {statement};\nCOMMIT;").expect("written");
            statement.clear();
        }
    }
}

const SCHEMA: &str = "CREATE DATABASE src CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci; USE src;
CREATE TABLE wp_posts (ID bigint(20) unsigned NOT NULL AUTO_INCREMENT, post_author bigint(20) unsigned NOT NULL DEFAULT 0,
 post_date datetime NOT NULL DEFAULT '2000-01-01 00:00:00', post_date_gmt datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
 post_content longtext NOT NULL, post_title text NOT NULL, post_excerpt text NOT NULL, post_status varchar(20) NOT NULL DEFAULT 'publish',
 comment_status varchar(20) NOT NULL DEFAULT 'open', ping_status varchar(20) NOT NULL DEFAULT 'open',
 post_password varchar(255) NOT NULL DEFAULT '', post_name varchar(200) NOT NULL DEFAULT '', to_ping text NOT NULL, pinged text NOT NULL,
 post_modified datetime NOT NULL DEFAULT '2000-01-01 00:00:00', post_modified_gmt datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
 post_content_filtered longtext NOT NULL, post_parent bigint(20) unsigned NOT NULL DEFAULT 0, guid varchar(255) NOT NULL DEFAULT '',
 menu_order int(11) NOT NULL DEFAULT 0, post_type varchar(20) NOT NULL DEFAULT 'post', post_mime_type varchar(100) NOT NULL DEFAULT '',
 comment_count bigint(20) NOT NULL DEFAULT 0, PRIMARY KEY (ID), KEY post_name (post_name(191)),
 KEY type_status_date (post_type,post_status,post_date,ID), KEY post_parent (post_parent), KEY post_author (post_author)) ENGINE=InnoDB;
CREATE TABLE wp_postmeta (meta_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, post_id bigint(20) unsigned NOT NULL DEFAULT 0,
 meta_key varchar(255) DEFAULT NULL, meta_value longtext DEFAULT NULL, PRIMARY KEY (meta_id), KEY post_id (post_id),
 KEY meta_key (meta_key(191))) ENGINE=InnoDB;
CREATE TABLE wp_comments (comment_ID bigint(20) unsigned NOT NULL AUTO_INCREMENT, comment_post_ID bigint(20) unsigned NOT NULL DEFAULT 0,
 comment_author tinytext NOT NULL, comment_author_email varchar(100) NOT NULL DEFAULT '', comment_author_url varchar(200) NOT NULL
 DEFAULT '', comment_author_IP varchar(100) NOT NULL DEFAULT '', comment_date datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
 comment_date_gmt datetime NOT NULL DEFAULT '2000-01-01 00:00:00', comment_content text NOT NULL, comment_karma int(11) NOT NULL DEFAULT 0,
 comment_approved varchar(20) NOT NULL DEFAULT '1', comment_agent varchar(255) NOT NULL DEFAULT '', comment_type varchar(20) NOT NULL
 DEFAULT 'comment', comment_parent bigint(20) unsigned NOT NULL DEFAULT 0, user_id bigint(20) unsigned NOT NULL DEFAULT 0,
 PRIMARY KEY (comment_ID), KEY comment_post_ID (comment_post_ID), KEY comment_approved_date_gmt (comment_approved,comment_date_gmt),
 KEY comment_date_gmt (comment_date_gmt), KEY comment_parent (comment_parent), KEY comment_author_email (comment_author_email(10)))
 ENGINE=InnoDB;
CREATE TABLE wp_options (option_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, option_name varchar(191) NOT NULL DEFAULT '',
 option_value longtext NOT NULL, autoload varchar(20) NOT NULL DEFAULT 'yes', PRIMARY KEY (option_id), UNIQUE KEY option_name
 (option_name), KEY autoload (autoload)) ENGINE=InnoDB;";

fn rewriting() -> Rewriting {
    fixture::rewriting(OLD, NEW)
}

#[allow(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/database_fixture/mod.rs"]
mod fixture;
