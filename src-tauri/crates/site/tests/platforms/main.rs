//! Sites are recognised in every layout, and their copies get configurations that PHP reads as meant.

mod bedrock;
mod recognition;
mod settings;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clonedeck_site::databases::{DatabaseAddress, Server};
use clonedeck_site::defaults::{Target, configure};
use clonedeck_site::platforms::{Hints, Recognised, recognise};
use clonedeck_site::{Problem, Secret};

/// A folder with sites in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.0.path()).unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The files by which WordPress is known. Its settings print what the configuration defined.
    fn wordpress(&self, folder: &str) {
        self.write(&format!("{folder}/wp-includes/version.php"), "<?php $wp_version = '6.5.2';");
        self.write(
            &format!("{folder}/wp-settings.php"),
            "<?php echo json_encode(get_defined_constants(true)['user'] + array('table_prefix' => $table_prefix));",
        );
        self.write(&format!("{folder}/index.php"), "<?php require __DIR__ . '/wp-blog-header.php';");
        for inner in ["plugins", "themes", "uploads"] {
            fs::create_dir_all(self.path(folder).join("wp-content").join(inner)).unwrap();
        }
    }

    fn recognised(&self, folder: &str) -> Recognised {
        recognise(&self.path(folder), &Hints::default()).unwrap()
    }

    fn refused(&self, folder: &str) -> Problem {
        recognise(&self.path(folder), &Hints::default()).unwrap_err()
    }

    fn copy(&self, from: &Path, to: &str) -> PathBuf {
        let to = self.path(to);
        let done = Command::new("cp").arg("-a").arg(from).arg(&to).status().unwrap();
        assert!(done.success());
        to
    }
}

const CONFIG: &str = "<?php
define('DB_NAME', 'shop'); define('DB_USER', 'bob'); define('DB_PASSWORD', 'hunter2'); define('DB_HOST', 'db.example.com:3307');
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
";

fn mysql(host: &str, port: u16, user: &str, name: &str) -> DatabaseAddress {
    DatabaseAddress::Mysql {
        server: Server::Tcp { host: host.into(), port },
        user: user.into(),
        name: name.into(),
    }
}

/// What PHP makes of a configuration.
fn php(file: &Path) -> serde_json::Value {
    let output = Command::new("php").args(["-n", "-d", "display_errors=stderr"]).arg(file).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.is_empty(),
        "PHP complains about {}: {stderr}\n{}",
        file.display(),
        fs::read_to_string(file).unwrap()
    );
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stdout)))
}

fn configured(
    recognised: &Recognised,
    root: &Path,
    url: &str,
) -> clonedeck_site::Result<Vec<clonedeck_site::defaults::Setting>> {
    let database = mysql("127.0.0.1", 3306, "copier", "shop_copy");
    let password = Secret::new(r"it's \ new");
    configure(&Target {
        site: &recognised.site,
        root,
        url,
        database: Some(&database),
        password: &password,
        debug: Some(true),
    })
}
