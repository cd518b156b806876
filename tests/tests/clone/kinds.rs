//! The kinds of site that there are: WordPress on SQLite, networks of folders and of host names, Bedrock, content and configuration
//! elsewhere; sites in PHP of no known kind; files only. Each is cloned whole, serves, lets its new user in, sends nothing, and its source
//! is byte for byte what it was.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use clonedeck_site::check::Client;
use clonedeck_tests::desk::{Desk, assert_clean, id_of};
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::program::{expect_code, stdout_of};
use clonedeck_tests::trees::{assert_unchanged, fingerprint};
use clonedeck_tests::wordpress::{Network, WordPress};
use serde_json::Value;

use crate::logs_in;

/// The address of a copy, after its new user was let in.
fn address_of(desk: &Desk, job: &Value) -> String {
    let shown = desk.json(&["show", "--secrets", id_of(job)]);
    let password = shown["secrets"]["password"].as_str().expect("a password");
    let url = job["result"]["url"].as_str().expect("an address");
    assert!(logs_in(url, "clonedeck", password), "the new user is let in");
    url.to_owned()
}

fn page(url: &str) -> String {
    page_at(url, "/")
}

fn page_at(url: &str, path: &str) -> String {
    let page = Client::new(url).expect("an address").get(path).expect("an answer");
    let text = String::from_utf8_lossy(&page.body).into_owned();
    assert_eq!(page.status, 200, "{url}: {text}");
    text
}

#[test]
fn a_wordpress_on_sqlite() {
    let desk = Desk::new();
    let site = WordPress::install_on_sqlite(&desk.path("shop"), "http://shop.test");
    // Its database is one of its files. SQLite puts a file of locks beside it for as long as somebody reads, which leaves the
    // folder with another time and nothing in it.
    let look = || {
        let mut seen = fingerprint(&site.folder);
        seen.remove(Path::new("wp-content/database"));
        seen
    };
    let before = look();
    let job = desk.clone(&site.folder, &desk.path("copy"), &[]);
    let receipt = desk.receipt(id_of(&job));
    assert_clean(&receipt);
    assert!(receipt["tables"].as_array().expect("tables").iter().any(|table| table["name"] == "wp_posts"));
    assert!(receipt["rewrite"]["by_kind"]["serialized"].as_u64().expect("a number") > 0);
    let url = address_of(&desk, &job);
    assert_unchanged(&before, &look());
    let copy = WordPress { folder: desk.path("copy"), url: url.clone(), ..site };
    assert_eq!(
        copy.php("echo get_class($GLOBALS['wpdb']), ' ', get_option('clonetest_nested')['url'][0], ' ', wp_count_posts()->publish;"),
        format!("WP_SQLite_DB {url}/a 13")
    );
    // A copy is a site like any other; what was caught of it is its own.
    assert_eq!(copy.php("var_export(wp_mail('a@example.com', 'Hello', 'Body'));"), "true");
    let job = desk.clone(&copy.folder, &desk.path("second"), &[]);
    assert_clean(&desk.receipt(id_of(&job)));
    address_of(&desk, &job);
    assert_eq!((letters(&copy.folder), letters(&desk.path("second"))), (1, 0));
    // A part that is not wanted is told, so that nobody takes such a copy for a whole one.
    let (from, to) = (copy.folder.display().to_string(), desk.path("part").display().to_string());
    let plan = desk.json(&["clone", "--dry-run", "--skip", "media", &from, &to]);
    let left_out = plan["excluded"].as_array().expect("what is left out");
    let media = left_out.iter().find(|out| out["pattern"] == "media").expect("the part");
    assert!(media["files"].as_u64().is_some_and(|files| files > 0), "{media}");
}

#[test]
fn what_a_copy_is_given_belongs_to_whom_the_site_belongs() {
    const OWNER: u32 = 65_534;
    let desk = Desk::new();
    let site = WordPress::install_on_sqlite(&desk.path("shop"), "http://shop.test");
    let database = "wp-content/database/.ht.sqlite";
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    mode(&site.folder.join("wp-config.php"), 0o640);
    mode(&site.folder.join(database), 0o600);
    let own = Command::new("chown")
        .arg("-R")
        .arg(OWNER.to_string())
        .arg(&site.folder)
        .status()
        .expect("chown starts");
    if !own.success() {
        println!("SKIPPED: only root gives files to somebody else");
        return;
    }
    let job = desk.clone(&site.folder, &desk.path("copy"), &[]);
    assert_clean(&desk.receipt(id_of(&job)));
    let copy = desk.path("copy");
    for path in fingerprint(&copy).keys() {
        let about = fs::symlink_metadata(copy.join(path)).expect("an entry of the copy");
        // What the running copy writes is the preview's user's.
        let by_preview =
            path.ends_with("blocked-requests.jsonl") || path.extension().is_some_and(|kind| kind == "eml");
        assert!(about.uid() == OWNER || by_preview, "{} belongs to {}", path.display(), about.uid());
    }
    for (path, due) in [("wp-config.php", 0o640), (database, 0o600)] {
        assert_eq!(fs::metadata(copy.join(path)).expect("a file").mode() & 0o777, due, "{path}");
    }
}

#[test]
fn a_network_of_folders() {
    let desk = Desk::new();
    let server = MariaDb::shared();
    let site =
        WordPress::install_network(&desk.path("net"), &server, "http://net.test", Network::Subdirectory);
    let (files, rows) = (fingerprint(&site.folder), server.checksums(&site.database));
    let job = desk.clone(&site.folder, &desk.path("copy"), &[]);
    assert_clean(&desk.receipt(id_of(&job)));
    let url = address_of(&desk, &job);
    assert!(page(&format!("{url}/second")).contains(&format!("This site is at {url}/second/")));
    assert!(page(&format!("{url}/third")).contains(&format!("This site is at {url}/third/")));
    assert_unchanged(&files, &fingerprint(&site.folder));
    assert_eq!(server.checksums(&site.database), rows, "the source changed");
}

#[test]
fn a_network_of_host_names() {
    let desk = Desk::new();
    let server = MariaDb::shared();
    let site = WordPress::install_network(&desk.path("net"), &server, "http://net.test", Network::Subdomain);
    let (files, rows) = (fingerprint(&site.folder), server.checksums(&site.database));
    let job = desk.clone(&site.folder, &desk.path("copy"), &[]);
    assert_clean(&desk.receipt(id_of(&job)));
    let second = address_of(&desk, &job).replace("localhost", "second.localhost");
    assert!(page(&second).contains(&format!("This site is at {second}/")));
    assert_unchanged(&files, &fingerprint(&site.folder));
    assert_eq!(server.checksums(&site.database), rows, "the source changed");
}

/// The letters that were caught below a folder.
fn letters(folder: &Path) -> usize {
    let paths = fingerprint(folder);
    paths.keys().filter(|path| path.extension().is_some_and(|kind| kind == "eml")).count()
}

#[test]
fn a_wordpress_with_its_configuration_one_level_up_and_its_content_elsewhere() {
    let desk = Desk::new();
    let server = MariaDb::shared();
    let site = WordPress::install_moved(&desk.path("site/public"), &server, "http://moved.test");
    let (files, rows) = (fingerprint(&desk.path("site")), server.checksums(&site.database));
    let job = desk.clone(&site.folder, &desk.path("copy"), &[]);
    assert_clean(&desk.receipt(id_of(&job)));
    let url = address_of(&desk, &job);
    let copy = WordPress { folder: desk.path("copy"), url: url.clone(), ..site };
    assert_eq!(copy.php("var_export(wp_mail('a@example.com', 'Hello', 'Body'));"), "true");
    assert_eq!(letters(&copy.folder), 1, "its mail is caught");
    assert_eq!(
        copy.php("echo WP_CONTENT_DIR, ' ', content_url();"),
        format!("{} {url}/assets", fs::canonicalize(desk.path("copy/assets")).expect("a folder").display())
    );
    assert_unchanged(&files, &fingerprint(&desk.path("site")));
    assert_eq!(server.checksums(&copy.database), rows, "the source changed");
}

#[test]
fn a_wordpress_in_the_layout_of_bedrock() {
    let desk = Desk::new();
    let server = MariaDb::shared();
    let site = WordPress::install_bedrock(&desk.path("site"), &server, "http://bedrock.test");
    let (files, rows) = (fingerprint(&site.folder), server.checksums(&site.database));
    let job = desk.clone(&site.folder, &desk.path("copy"), &[]);
    assert_clean(&desk.receipt(id_of(&job)));
    let url = job["result"]["url"].as_str().expect("an address");
    let shown = desk.json(&["show", "--secrets", id_of(&job)]);
    let password = shown["secrets"]["password"].as_str().expect("a password");
    assert!(logs_in(&format!("{url}/wp"), "clonedeck", password), "the new user is let in");
    let copy = WordPress { folder: desk.path("copy/web/wp"), url: url.to_owned(), ..site };
    assert_eq!(copy.php("var_export(wp_mail('a@example.com', 'Hello', 'Body'));"), "true");
    assert_eq!(letters(&desk.path("copy/web/app")), 1, "its mail is caught");
    assert_eq!(copy.php("echo home_url('/'), ' ', site_url('/');"), format!("{url}/ {url}/wp/"));
    assert_unchanged(&files, &fingerprint(&desk.path("site")));
    assert_eq!(server.checksums(&copy.database), rows, "the source changed");
}

#[test]
fn a_copy_that_is_let_go_is_let_go_as_it_is_served_too_and_outlives_its_source() {
    let desk = Desk::new();
    let server = MariaDb::shared();
    let site = WordPress::install_empty(&desk.path("shop"), &server, "http://shop.test");
    let probe = "<?php if (isset($_GET['probe'])) { echo 'mail by ', ini_get('sendmail_path'), ', proxy ', getenv('https_proxy'); exit; }";
    fs::write(site.folder.join("wp-content/mu-plugins/probe.php"), probe).expect("a plugin");
    let job = desk.clone(&site.folder, &desk.path("copy"), &[]);
    let url = job["result"]["url"].as_str().expect("an address");
    let probed = || page_at(url, "/?probe=1").trim().to_owned();
    let held = probed();
    assert!(held.contains("clonedeck-caught-") && held.contains("proxy http://"), "{held}");

    // Nothing of what follows asks the source, which may be gone.
    fs::remove_dir_all(&site.folder).expect("a source less");
    server.sql(&format!("DROP DATABASE `{}`", site.database));
    let lifted = stdout_of(desk.command().args(["lift", id_of(&job)]));
    assert!(lifted.contains("mail") && lifted.contains("egress"), "{lifted}");
    let free = probed();
    assert!(!free.contains("clonedeck") && free.ends_with("proxy"), "PHP's own mail() is asked: {free}");
    let database = job["result"]["database"].as_str().expect("a database");
    let name = database.split(['/', '?']).nth(3).expect("a name");
    stdout_of(desk.command().args(["delete", id_of(&job), "--yes", "copy"]));
    assert!(!desk.path("copy").exists());
    assert!(!server.sql("SHOW DATABASES").lines().any(|line| line == name), "{name} is gone");
    let shown = desk.job(id_of(&job));
    assert_eq!((&shown["result"]["url"], &shown["result"]["deleted"]), (&Value::Null, &true.into()));
    let told = stdout_of(desk.command().args(["show", id_of(&job)]));
    let names: Vec<_> = told.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(!names.contains(&"address") && told.contains("copy        deleted"), "{told}");
    assert_clean(&desk.receipt(id_of(&job)));
}

#[test]
fn a_wordpress_that_is_copied_without_its_database_never_works_on_that_of_its_source() {
    let desk = Desk::new();
    let server = MariaDb::shared();
    let site = WordPress::install_empty(&desk.path("shop"), &server, "http://shop.test");
    let rows = server.checksums(&site.database);
    let job = desk.clone(&site.folder, &desk.path("copy"), &["--skip", "database"]);
    let findings = desk.receipt(id_of(&job))["findings"].to_string();
    assert!(findings.contains("The copy was not started: Its database was left out"), "{findings}");
    assert_eq!(stdout_of(desk.command().arg("previews")), "");
    // Nor does it when it is started all the same.
    let url = stdout_of(desk.command().args(["previews", "start", id_of(&job)]));
    let page = Client::new(url.trim()).expect("an address").get("/").expect("an answer");
    assert_eq!(page.status, 500, "{}", String::from_utf8_lossy(&page.body));
    assert_eq!(server.checksums(&site.database), rows, "the source changed");

    // Nor does one whose database is named in a file of its own besides.
    let own = format!(
        "<?php $wpdb->add_database(array('user' => 'root', 'name' => '{}', 'write' => 1));",
        site.database
    );
    fs::write(site.folder.join("db-config.php"), own).expect("a file of HyperDB");
    let job = desk.clone(&site.folder, &desk.path("several"), &[]);
    let findings = desk.receipt(id_of(&job))["findings"].to_string();
    assert!(findings.contains("db-config.php names the database of the source"), "{findings}");
    assert_eq!(server.checksums(&site.database), rows, "the source changed");

    let address = server.address(&server.fresh_database("given"));
    let mut command = desk.command();
    command.args(["--json", "clone", "--dry-run", "--skip", "database", "--db", &address]);
    let output = expect_code(command.arg(&site.folder).arg(desk.path("other")), 2);
    let plan: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(plan["obstacles"][0]["code"], "database.skipped", "{plan:#}");
    assert!(plan["warnings"].to_string().contains("will not be started"), "{plan:#}");
}

#[test]
fn a_site_in_php_is_not_started_on_the_database_of_its_source() {
    let desk = Desk::new();
    let server = MariaDb::shared();
    let site = desk.path("site");
    fs::create_dir(&site).expect("a folder");
    let database = server.fresh_database("generic");
    server.sql_in(
        &database,
        "CREATE TABLE pages (id INT PRIMARY KEY, body TEXT); INSERT INTO pages VALUES (1, 'see http://generic.test/x')",
    );
    let config = format!(
        "<?php return ['db' => '{database}', 'user' => 'root', 'socket' => '{}'];",
        server.socket().display()
    );
    fs::write(site.join("config.php"), config).expect("a configuration");
    fs::write(
        site.join("index.php"),
        "<?php $c = require 'config.php'; $m = new mysqli(null, $c['user'], '', $c['db'], 0, $c['socket']);
        $m->query(\"INSERT INTO pages SELECT MAX(id) + 1, 'a visit' FROM pages\");
        echo $c['db'], ' ', $m->query('SELECT body FROM pages WHERE id = 1')->fetch_row()[0], ' ', ini_get('sendmail_path');",
    )
    .expect("a page");
    let rows = server.checksums(&database);
    let findings = |job: &Value| desk.receipt(id_of(job))["findings"].to_string();

    // Its database was not named.
    let job = desk.clone(&site, &desk.path("one"), &[]);
    assert!(findings(&job).contains("index.php speaks to a database"), "{}", findings(&job));
    // It was, and the copy still names the source's.
    let address = server.address(&database);
    let words = ["--source-db", &*address, "--source-url", "http://generic.test"];
    let job = desk.clone(&site, &desk.path("two"), &words);
    assert!(findings(&job).contains("config.php names the database of the source"), "{}", findings(&job));
    assert_eq!(server.checksums(&database), rows, "nobody visited the source");
    let of_copy = server.sql(&format!(
        "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '{database}\\_two\\_%'"
    ));
    let file = desk.path("two/config.php");
    let text = fs::read_to_string(&file).expect("a configuration");
    let (old, new) = (format!("'{database}'"), format!("'{}'", of_copy.trim()));
    fs::write(&file, text.replace(&old, &new)).expect("a configuration");
    let url = stdout_of(desk.command().args(["previews", "start", id_of(&job)]));
    let shown = page(url.trim());
    assert!(shown.starts_with(&format!("{} see {}/x ", of_copy.trim(), url.trim())), "{shown}");
    assert!(shown.contains("clonedeck-caught-"), "its mail is caught: {shown}");
    assert_eq!(server.checksums(&database), rows, "nobody visited the source");
    let lifted = stdout_of(desk.command().args(["lift", id_of(&job)]));
    assert!(lifted.contains("mail") && lifted.contains("crawlers"), "{lifted}");
    assert!(!page(url.trim()).contains("clonedeck"), "it was let go");
    stdout_of(desk.command().args(["delete", id_of(&job), "--yes", "two"]));
    assert!(!desk.path("two").exists());
}

#[test]
fn a_site_of_files_gets_its_own_robots_txt_back_when_it_is_let_go() {
    let desk = Desk::new();
    let site = desk.path("site");
    fs::create_dir(&site).expect("a folder");
    fs::write(site.join("index.html"), "<h1>Hello</h1>").expect("a page");
    let own = "User-agent: *\nDisallow: /\n";
    for (name, robots) in [("with", Some(own)), ("without", None)] {
        match robots {
            Some(text) => fs::write(site.join("robots.txt"), text).expect("a file"),
            None => fs::remove_file(site.join("robots.txt")).expect("a file less"),
        }
        let copy = desk.path(name);
        let job = desk.clone(&site, &copy, &[]);
        let said = fs::read_to_string(copy.join("robots.txt")).expect("a file of ours");
        assert!(said.contains("Disallow: /\n"), "{said}");
        let lift = || stdout_of(desk.command().args(["lift", id_of(&job)]));
        assert_eq!(lift().split_whitespace().collect::<Vec<_>>(), ["lifted", "crawlers"]);
        assert_eq!(fs::read_to_string(copy.join("robots.txt")).ok().as_deref(), robots);
        assert_eq!(lift(), "", "nothing was held back any more");
        assert_eq!(fs::read_to_string(copy.join("robots.txt")).ok().as_deref(), robots);
        expect_code(desk.command().args(["delete", id_of(&job), "--yes", name]), 0);
        assert!(!copy.exists());
    }
}

#[test]
fn a_site_of_files_has_the_addresses_in_its_pages_changed_once_its_own_is_known() {
    let desk = Desk::new();
    let site = desk.path("site");
    fs::create_dir_all(site.join("css")).expect("folders");
    let text =
        "<a href=\"https://static.test/two.html\">two</a> <a href=\"https://static.test.example/\">other</a>";
    fs::write(site.join("index.html"), text).expect("a page");
    fs::write(site.join("css/site.css"), "h1 { background: url(https://static.test/a.png) }")
        .expect("a style");
    fs::write(site.join("data.bin"), "https://static.test").expect("no text");
    let before = fingerprint(&site);
    let job = desk.clone(&site, &desk.path("copy"), &["--source-url", "https://static.test"]);
    assert_eq!(desk.receipt(id_of(&job))["findings"], serde_json::json!([]));
    let url = job["result"]["url"].as_str().expect("an address");
    assert_eq!(page(url), text.replace("https://static.test/", &format!("{url}/")));
    let style = fs::read_to_string(desk.path("copy/css/site.css")).expect("a style");
    assert_eq!(style, format!("h1 {{ background: url({url}/a.png) }}"));
    assert_eq!(fs::read_to_string(desk.path("copy/data.bin")).expect("a file"), "https://static.test");
    assert_unchanged(&before, &fingerprint(&site));
}
