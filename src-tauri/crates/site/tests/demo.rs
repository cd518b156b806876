//! The demo is a site like any other: recognised, copied, given its own settings, neutral, served, checked.

use std::fs;
use std::path::{Path, PathBuf};

use clonedeck_rewrite::{Options, Pair, Rewriter};
use clonedeck_site::check::{Client, Pages, Plan, sample_post};
use clonedeck_site::databases::DatabaseAddress;
use clonedeck_site::defaults::{Login, Target, configure, settle};
use clonedeck_site::neutral::{self, Switches};
use clonedeck_site::platforms::{Hints, Kind, pairs, recognise};
use clonedeck_site::preview;
use clonedeck_site::process::Records;
use clonedeck_site::{Secret, demo};
use rusqlite::Connection;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}

fn rewrite(database: &Connection, rewriter: &Rewriter) {
    for (table, key, column) in [
        ("wp_options", "option_id", "option_value"),
        ("wp_posts", "ID", "post_content"),
        ("wp_posts", "ID", "guid"),
        ("wp_postmeta", "meta_id", "meta_value"),
        ("wp_comments", "comment_ID", "comment_content"),
        ("wp_comments", "comment_ID", "comment_author_url"),
    ] {
        let mut rows = database.prepare(&format!("SELECT {key}, {column} FROM {table}")).unwrap();
        let rows: Vec<(i64, String)> =
            rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
        for (id, value) in rows {
            let new = String::from_utf8(rewriter.apply(value.as_bytes()).into_owned()).unwrap();
            database
                .execute(&format!("UPDATE {table} SET {column} = ?1 WHERE {key} = ?2"), (new, id))
                .unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_copied_and_served_like_a_real_site() {
    let folder = tempfile::tempdir().unwrap();
    let folder = fs::canonicalize(folder.path()).map(|path| (folder, path)).unwrap();
    let (source, root, data) = (folder.1.join("demo"), folder.1.join("copy"), folder.1.join("data"));
    demo::make(&source).unwrap();
    let count = files(&source).len();
    assert!((200..600).contains(&count), "{count} files");

    let mut site = recognise(&source, &Hints::default()).unwrap().site;
    assert_eq!(site.kind, Kind::WordPress);
    let path = source.join("wp-content/database/.ht.sqlite");
    assert_eq!(site.database.as_ref().unwrap().address, DatabaseAddress::Sqlite { path: path.clone() });
    let mut read = Connection::open(&path).unwrap();
    site.learn(&mut read).await.unwrap();
    assert_eq!(site.title.as_deref(), Some("The Harbour Shop"));
    drop(read);

    copy(&source, &root);
    let url = preview::address(&site, preview::free_port().unwrap());
    let found =
        pairs(&site, &url, &root).unwrap().into_iter().map(|(old, new)| Pair::parse(&old, &new).unwrap());
    let rewriter = Rewriter::new(found, Options::default()).unwrap();
    let address = DatabaseAddress::Sqlite { path: root.join("wp-content/database/.ht.sqlite") };
    let password = Secret::default();
    let target = Target {
        site: &site,
        root: &root,
        url: &url,
        database: Some(&address),
        password: &password,
        debug: None,
    };
    let mut own = Connection::open(root.join("wp-content/database/.ht.sqlite")).unwrap();
    rewrite(&own, &rewriter);
    let login = Login::new("clonedeck").unwrap();
    configure(&target).unwrap();
    settle(&target, Some(&login), None, &mut own).await.unwrap();
    settle(&target, Some(&login), None, &mut own).await.unwrap();
    neutral::install(&target, &Switches::default()).unwrap();
    let disarmed = neutral::disarm(&target, &mut own).await.unwrap();
    assert_eq!(disarmed.len(), 2, "{disarmed:?}");
    let post = sample_post(&target, &mut own).await.unwrap();
    let logins: i64 = own
        .query_row("SELECT COUNT(*) FROM wp_users WHERE user_login = 'clonedeck'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(logins, 1, "settling twice makes one login");

    let service = preview::Plan::of(&target, &data, "demo").service().unwrap();
    let records = Records::open(data.join("processes")).unwrap();
    let (shown, served) = service.start(service.port.unwrap(), &records).unwrap();
    shown.ready().await.unwrap();
    let pages = Pages::look(&Plan::of(&target, post, Some(&login), &rewriter)).unwrap();
    assert_eq!(pages.findings(), Vec::<String>::new(), "{pages:#?}");
    assert_eq!(pages.logged_in, Some(true));
    let mut visitor = Client::new(&url).unwrap();
    let product = visitor.get("/product/amber-teapot/").unwrap();
    assert!(product.status == 200 && String::from_utf8_lossy(&product.body).contains("Ask about it"));
    assert_eq!(visitor.get("/wp-content/database/.ht.sqlite").unwrap().status, 403);
    let sent = visitor.post("/contact/", &[("message", "Is the kettle still there?")]).unwrap();
    assert!(String::from_utf8_lossy(&sent.body).contains("on its way"));
    let caught = neutral::caught(&target).unwrap();
    let letters = files(&caught).into_iter().filter(|path| path.extension().is_some_and(|end| end == "eml"));
    assert_eq!(letters.count(), 1);
    drop(served);
}

#[test]
fn the_demo_is_made_once_and_never_onto_something() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("demo");
    demo::make(&place).unwrap();
    let configuration = fs::read(place.join("wp-config.php")).unwrap();
    demo::make(&place).unwrap();
    assert_eq!(fs::read(place.join("wp-config.php")).unwrap(), configuration);
    let used = folder.path().join("used");
    fs::create_dir_all(used.join("wp-content/themes/harbour")).unwrap();
    assert_eq!(demo::make(&used).unwrap_err().code, "target.not-empty");
}

#[test]
fn a_making_that_was_cut_off_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    demo::make(folder.path()).unwrap();
    fs::write(folder.path().join("wp-content/harbour-demo.txt"), "The demo is being made here.\n").unwrap();
    fs::remove_file(folder.path().join("index.php")).unwrap();
    demo::make(folder.path()).unwrap();
    assert!(folder.path().join("index.php").is_file());
    assert_eq!(recognise(folder.path(), &Hints::default()).unwrap().site.kind, Kind::WordPress);
}
