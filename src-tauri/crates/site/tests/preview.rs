//! Previews start, are found by other processes, and end for good.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;

use clonedeck_site::preview::{self, Plan, Preview, Record};
use clonedeck_site::process::Identity;

fn plan(folder: &Path, job: &str, port: u16) -> Plan {
    let web = folder.join("web");
    fs::create_dir_all(web.join("inner")).unwrap();
    fs::write(
        web.join("index.php"),
        "<?php echo 'front of ', $_SERVER['SCRIPT_NAME'], ' ', strtok($_SERVER['REQUEST_URI'], '?');",
    )
    .unwrap();
    fs::write(web.join("inner/index.html"), "inner").unwrap();
    fs::write(web.join("style.css"), "body{}").unwrap();
    Plan {
        job: job.into(),
        title: "A site".into(),
        data: folder.join("data"),
        url: format!("http://127.0.0.1:{port}"),
        web,
        subdirectories: false,
        extensions: Vec::new(),
        caught: None,
        only_to: None,
        goes_on: false,
    }
}

fn answers(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn rewrite_record(data: &Path, change: impl FnOnce(&mut Record)) {
    let file =
        fs::read_dir(data.join("previews")).unwrap().next().unwrap().unwrap().path().join("record.json");
    let mut record: Record = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    change(&mut record);
    fs::write(file, serde_json::to_vec(&record).unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_a_path_is_served_below_it() {
    let folder = tempfile::tempdir().unwrap();
    let port = preview::free_port().unwrap();
    let mut plan = plan(folder.path(), "job", port);
    plan.url = format!("http://127.0.0.1:{port}/shop");
    let _served = Preview::start(plan).await.unwrap();
    let mut client = clonedeck_site::check::Client::new(&format!("http://127.0.0.1:{port}/shop")).unwrap();
    let mut get = |path: &str| {
        let answer = client.get(path).unwrap();
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    assert_eq!(get("/a/page/?x=1"), (200, "front of /shop/index.php /shop/a/page/".into()));
    assert_eq!(get("/style.css"), (200, "body{}".into()));
    assert_eq!(get("/inner"), (200, "inner".into()));
    assert_eq!(get(""), (200, "front of /shop/index.php /shop/".into()));
    let mut root = clonedeck_site::check::Client::new(&format!("http://127.0.0.1:{port}")).unwrap();
    assert_eq!(root.get("/other").unwrap().status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let problem = Preview::start(plan(folder.path(), "job", port)).await.unwrap_err();
    assert_eq!(problem.code, "port.taken");
    assert!(preview::list(&folder.path().join("data")).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_goes_on_outlives_its_owner_and_ends_when_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = preview::free_port().unwrap();
    let served = Preview::start(plan(folder.path(), "job", port)).await.unwrap();
    let record = served.go_on().unwrap();
    assert!(record.owner.is_none() && record.is_running() && answers(port));
    assert!(preview::sweep(&data).await.is_empty(), "a sweep leaves it alone");
    assert_eq!(preview::list(&data), [record]);
    // A second start for the same job takes the place of the first.
    let again = Preview::start(plan(folder.path(), "job", port)).await.unwrap();
    assert_eq!(preview::list(&data).len(), 1);
    assert!(preview::stop(&data, "job").await.unwrap());
    assert!(!answers(port) && preview::list(&data).is_empty());
    drop(again);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_ends_what_a_killed_program_left() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = preview::free_port().unwrap();
    let served = Preview::start(plan(folder.path(), "job", port)).await.unwrap();
    assert!(preview::sweep(&data).await.is_empty(), "its program runs");
    let own = Identity::own().unwrap();
    rewrite_record(&data, |record| record.owner = Some(Identity { start: own.start + 1, ..own }));
    assert_eq!(preview::sweep(&data).await.len(), 1);
    assert!(!answers(port));
    drop(served);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_only_has_the_number_is_never_touched() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = preview::free_port().unwrap();
    let served = Preview::start(plan(folder.path(), "job", port)).await.unwrap();
    rewrite_record(&data, |record| {
        record.process.start += 1;
        record.mark = "another".into();
    });
    assert!(!preview::stop(&data, "job").await.unwrap());
    assert!(answers(port), "the server is another process than the record's, as far as anybody can tell");
    drop(served);
    assert!(!answers(port));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_start_tells_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(folder.path(), "job", preview::free_port().unwrap());
    plan.extensions = vec!["no_such_extension".into()];
    let problem = Preview::start(plan.clone()).await.unwrap_err();
    assert_eq!(problem.code, "php.extension-missing");
    plan.extensions.clear();
    plan.url = "https://127.0.0.1:1".into();
    assert_eq!(Preview::start(plan).await.unwrap_err().code, "preview.https");
}
