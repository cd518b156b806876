//! The rows of a large shop in tables of WordPress, the same in every run.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use crate::mariadb::MariaDb;

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

/// Fills tables of WordPress: at scale 1 150,000 posts, 1.2 million rows of postmeta, 200,000 comments, about 1 GB. The address `old` is
/// in about a third of the rows; a tenth of the postmeta is serialized. Keys begin after `after`.
pub fn fill(server: &MariaDb, database: &str, old: &str, after: u64, scale: f64) {
    let mut client = server
        .client("mariadb")
        .args(["--default-character-set=utf8mb4", database])
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
                "<a href=\\\"{old}/product-{n}/\\\"><img src=\\\"{old}/wp-content/uploads/2024/05/{n}.jpg\\\"></a>"
            );
        }
        dice.words(size / 2, &mut content);
        let _ = write!(
            row,
            "({},1,'2024-05-01 10:00:00','2024-05-01 10:00:00','{content}','Post {n} caf\u{e9}','','publish','open','open','','post-{n}','','','2024-05-01 10:00:00','2024-05-01 10:00:00','',{},'{old}/?p={n}',0,'post','',0)",
            after + n,
            if n / 10 == 0 { 0 } else { after + n / 10 },
        );
    });
    let mut dice = Dice(0x1234_5678_9abc_def1);
    insert(&mut out, "wp_postmeta", count(1_200_000), |n, row| {
        let mut text = String::new();
        let size = 20 + dice.below(120) as usize;
        dice.words(size, &mut text);
        let holds = dice.below(10) < 3;
        let value = if n % 10 == 0 {
            let link = if holds { format!("{old}/item/{n}") } else { "none".to_owned() };
            format!(
                "a:3:{{s:3:\"url\";s:{}:\"{link}\";s:4:\"text\";s:{}:\"{text}\";s:5:\"count\";i:{n};}}",
                link.len(),
                text.len()
            )
        } else if holds {
            format!("{text}{old}/x/{n}")
        } else {
            text
        };
        let _ = write!(row, "({},{},'_meta_key_{}','{value}')", after + n, after + 1 + n % posts, n % 40);
    });
    let mut dice = Dice(0x0dd0_5eed_0dd0_5eed);
    insert(&mut out, "wp_comments", count(200_000), |n, row| {
        let mut text = String::new();
        let size = 100 + dice.below(600) as usize;
        dice.words(size, &mut text);
        if dice.below(3) == 0 {
            let _ = write!(text, "see {old}/c/{n}");
        }
        let _ = write!(
            row,
            "({},{},'Author {n}','a{n}@mail.example','{}','127.0.0.1','2024-05-01 10:00:00','2024-05-01 10:00:00','{text}',0,'1','','comment',0,0)",
            after + n,
            after + 1 + n % posts,
            if n % 3 == 0 { old } else { "" }
        );
    });
    insert(&mut out, "wp_options", 400, |n, row| {
        let _ = write!(row, "({},'option_{n}','{old}/{n}','yes')", after + n);
    });
    writeln!(out, "COMMIT;").expect("written");
    out.flush().expect("written");
    drop(out);
    assert!(client.wait().expect("it ends").success());
    server.sql_in(database, "ANALYZE TABLE wp_posts, wp_postmeta, wp_comments, wp_options");
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

/// The tables that [`fill`] fills, as WordPress makes them.
pub const TABLES: &str = "\
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
