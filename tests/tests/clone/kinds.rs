//! The kinds of WordPress that there are: on SQLite, networks of folders and of host names. Each is cloned whole, serves, lets its
//! new user in, and its source is byte for byte what it was.

use std::path::Path;

use clonedeck_site::check::Client;
use clonedeck_tests::desk::{Desk, assert_clean, id_of};
use clonedeck_tests::mariadb::MariaDb;
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
    let page = Client::new(url).expect("an address").get("/").expect("an answer");
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
