//! What the tests of databases share.

use std::sync::atomic::{AtomicU32, Ordering};

use clonedeck_rewrite::{Options, Pair, Rewriter};
use clonedeck_site::databases::{DatabaseAddress, Rewriting};
use clonedeck_site::{Level, Stopped, Unit, Watch};
use clonedeck_tests::mariadb::MariaDb;

pub fn rewriting(old: &str, new: &str) -> Rewriting {
    Rewriting::new(Rewriter::new([Pair::parse(old, new).unwrap()], Options::default()).unwrap())
}

/// A watch that lets the work pass a number of points, and stops it at every later one.
pub struct Stopping(Option<AtomicU32>);

impl Stopping {
    pub fn after(points: Option<u32>) -> Self {
        Self(points.map(AtomicU32::new))
    }
}

#[async_trait::async_trait]
impl Watch for Stopping {
    fn progress(&self, done: u64, total: u64, _: Unit) {
        assert!(done <= total, "{done} of {total}");
    }
    fn doing(&self, _: &str) {}
    fn note(&self, _: Level, _: &str) {}
    fn stop_requested(&self) -> bool {
        false
    }
    async fn safe_point(&self) -> Result<(), Stopped> {
        let Some(left) = &self.0 else { return Ok(()) };
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .map(drop)
            .map_err(|_| Stopped)
    }
    async fn checkpoint(&self, _: serde_json::Value) -> Result<(), Stopped> {
        Ok(())
    }
}

pub fn address(server: &MariaDb, database: &str) -> DatabaseAddress {
    server.address(database).parse().unwrap()
}

/// The checksums of all tables of two databases, and their definitions, are the same.
pub fn tables_equal(server: &MariaDb, one: &str, other: &str) {
    let list = |database: &str| {
        server.sql(&format!(
            "SELECT table_name FROM information_schema.tables WHERE table_schema='{database}' AND table_type='BASE TABLE' ORDER BY 1"
        ))
    };
    assert_eq!(list(one), list(other), "the tables of {one} and {other}");
    for table in list(one).lines() {
        let sum = |database: &str| {
            let text = server.sql(&format!("CHECKSUM TABLE `{database}`.`{table}` EXTENDED"));
            text.split_once('\t').unwrap().1.to_owned()
        };
        let made = |database: &str| server.sql_in(database, &format!("SHOW CREATE TABLE `{table}`"));
        // The server's checksum of a table with generated columns is not always the same for the same rows: then they are compared.
        if sum(one) != sum(other) {
            let rows = |database: &str| {
                let text = server.sql(&format!("SELECT * FROM `{database}`.`{table}`"));
                let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
                rows.sort_unstable();
                rows
            };
            let (ours, theirs) = (rows(one), rows(other));
            let differing = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
            assert!(ours.len() == theirs.len() && differing.is_none(), "the rows of {table}: {differing:?}");
        }
        assert_eq!(made(one), made(other), "the definition of {table}");
    }
}

/// SQL that makes tables of every awkward sort; texts hold `site` in them, and binary data `http://a.test`, which nobody rewrites.
pub fn awkward(site: &str) -> String {
    let mut sql = String::from(
        "SET sql_mode='NO_AUTO_VALUE_ON_ZERO'; SET foreign_key_checks=0;
         CREATE TABLE `select` (`order` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, `from` LONGTEXT, `group` VARCHAR(50)
           GENERATED ALWAYS AS (LEFT(`from`, 50)) STORED, `bl``ob` LONGBLOB, at DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00',
           f FLOAT, d DOUBLE, n DECIMAL(20,6), b BIT(10), e ENUM('x','y'), s SET('p','q'), ts TIMESTAMP NULL, y YEAR,
           KEY (`group`), FULLTEXT KEY (`from`)) ENGINE=InnoDB AUTO_INCREMENT=5000 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
         CREATE TABLE pairs (a VARCHAR(40) NOT NULL, b INT NOT NULL, v TEXT, PRIMARY KEY (a, b), UNIQUE KEY w (b, a)) ENGINE=InnoDB
           DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
         CREATE TABLE keyless (a INT, v VARCHAR(200)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
         CREATE TABLE old_engine (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v TEXT) ENGINE=MyISAM DEFAULT CHARSET=latin1;
         CREATE TABLE aria (id INT NOT NULL PRIMARY KEY, v TEXT) ENGINE=Aria DEFAULT CHARSET=utf8mb4;
         CREATE TABLE western (name VARCHAR(30) NOT NULL PRIMARY KEY, v TEXT) ENGINE=InnoDB DEFAULT CHARSET=latin1;
         CREATE TABLE wide (name VARCHAR(30) CHARACTER SET utf16 NOT NULL PRIMARY KEY, v TEXT CHARACTER SET ucs2) ENGINE=InnoDB;
         CREATE TABLE modern (id UUID NOT NULL PRIMARY KEY, ip INET6, doc JSON, place POINT) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
         CREATE TABLE parent (id INT NOT NULL PRIMARY KEY, child_id INT) ENGINE=InnoDB;
         CREATE TABLE child (id INT NOT NULL PRIMARY KEY, parent_id INT, CONSTRAINT p FOREIGN KEY (parent_id) REFERENCES parent (id)
           ON DELETE CASCADE) ENGINE=InnoDB;
         ALTER TABLE parent ADD CONSTRAINT c FOREIGN KEY (child_id) REFERENCES child (id);
         CREATE TABLE `größe` (id INT NOT NULL PRIMARY KEY, `naïve` TEXT, `表` VARCHAR(9) CHARACTER SET latin1 DEFAULT 'é') ENGINE=InnoDB
           DEFAULT CHARSET=utf8mb4;
         CREATE TABLE nothing (id INT NOT NULL PRIMARY KEY) ENGINE=InnoDB;
         INSERT INTO parent VALUES (1,1),(2,NULL); INSERT INTO child VALUES (1,1),(2,2);\n",
    );
    use std::fmt::Write as _;
    for n in 0..400_u32 {
        let text = match n % 4 {
            0 => format!("'see {site}/?p={n} and {site}/b'"),
            1 => format!("'nothing here \\\\ \\' \\n {n} é 漢字 😀'"),
            2 => "NULL".to_owned(),
            _ => format!("'{site}'"),
        };
        let latin = if n % 3 == 0 {
            format!("CONCAT('{site}/',CHAR(233 USING latin1))")
        } else {
            format!("'caf\u{e9} {n}'")
        };
        let binary = if n % 5 == 0 {
            format!("CONCAT(X'00FF1A0A0D275C{n:08x}','http://a.test')")
        } else {
            format!("X'00FF{n:08x}'")
        };
        writeln!(
            sql,
            "INSERT INTO `select` (`order`,`from`,`bl``ob`,at,f,d,n,b,e,s,ts,y) VALUES ({},{text},{binary},{},0.1234567*{n},0.1*{n},{n}.000001,{},'y','p,q',FROM_UNIXTIME(1e9+{n}),2024);
             INSERT INTO pairs VALUES ('k{}',{n},{text}); INSERT INTO keyless VALUES ({},{text}),(1,NULL);
             INSERT INTO old_engine (v) VALUES ({latin}); INSERT INTO aria VALUES ({n},{text});
             INSERT INTO western VALUES (CONCAT(CHAR(200+{}%50 USING latin1),'{n}'),{latin});
             INSERT INTO wide VALUES ('w{n}é',{text}); INSERT INTO `größe` (id,`naïve`) VALUES ({n},{text});
             INSERT INTO modern VALUES (UUID_v('{n}'),'::{n:x}','{{\"u\":\"{site}/{n}\",\"n\":1.0}}',POINT({n},2));",
            n * 7,
            if n % 6 == 0 { "'0000-00-00 00:00:00'" } else { "'2024-02-29 12:00:00'" },
            n % 1024,
            n % 9,
            n % 3,
            n,
        )
        .unwrap();
    }
    sql.replace("UUID_v('", "CONCAT('00000000-0000-4000-8000-',LPAD('").replace("'),'::", "',12,'0')),'::")
}
