//! Previews start, are found by other processes, and end for good.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

use clonedeck_site::Result;
use clonedeck_site::preview::{self, Plan, Served};
use clonedeck_site::process::{Records, Running};
use clonedeck_tests::program::wait_for;

const PATIENCE: Duration = Duration::from_secs(10);

fn plan(folder: &Path, port: u16) -> Plan {
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
        job: "job".into(),
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

fn records(folder: &Path) -> Records {
    Records::open(folder.join("data/processes/previews")).unwrap()
}

async fn start(folder: &Path, plan: &Plan) -> Result<(Served, Running)> {
    let service = plan.service()?;
    let (served, running) = service.start(service.port.unwrap(), &records(folder))?;
    served.ready().await?;
    Ok((served, running))
}

fn answers(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Makes the record look as if another start of the program, which is gone, had written it.
fn disown(folder: &Path, change: impl Fn(&mut serde_json::Value)) {
    for file in fs::read_dir(folder.join("data/processes/previews")).unwrap() {
        let file = file.unwrap().path();
        let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        record["owner"]["start"] = 1.into();
        change(&mut record);
        fs::write(file, record.to_string()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_a_path_is_served_below_it() {
    let folder = tempfile::tempdir().unwrap();
    let port = preview::free_port().unwrap();
    let mut plan = plan(folder.path(), port);
    plan.url = format!("http://127.0.0.1:{port}/shop");
    let _served = start(folder.path(), &plan).await.unwrap();
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
async fn whoever_finds_the_record_lists_stops_and_starts_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let port = preview::free_port().unwrap();
    let (served, mut running) = start(folder.path(), &plan(folder.path(), port)).await.unwrap();
    let found = preview::list(&records(folder.path())).unwrap().remove(0);
    assert_eq!((&found.service, found.port, found.is_ours()), (&served.service, port, true));
    // A look at the machine may be half a second old, from before this server.
    wait_for("the server's memory", PATIENCE, || (found.usage().memory > 1 << 20).then_some(()));
    assert!(preview::stop(&records(folder.path()), "job").await.unwrap());
    assert!(!answers(port) && preview::list(&records(folder.path())).unwrap().is_empty());
    assert!(!preview::stop(&records(folder.path()), "job").await.unwrap());
    assert!(running.has_ended());
    let (again, _running) = found.service.start(port, &records(folder.path())).unwrap();
    assert_eq!(again.ready().await.unwrap(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_ends_what_a_killed_program_left_and_takes_over_what_is_to_stay() {
    for stays in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let port = preview::free_port().unwrap();
        let mut plan = plan(folder.path(), port);
        plan.goes_on = stays;
        let (_, running) = start(folder.path(), &plan).await.unwrap();
        let sweep = || async { preview::sweep(&records(folder.path())).await.unwrap() };
        assert_eq!(sweep().await.0, 0, "its program runs");
        disown(folder.path(), |_| ());
        let (ended, kept) = sweep().await;
        assert_eq!((ended, kept.len()), if stays { (0, 1) } else { (1, 0) });
        assert_eq!(answers(port), stays);
        assert_eq!(kept.first().map(|(served, _)| served.is_ours()), stays.then_some(true));
        assert_eq!(preview::stop(&records(folder.path()), "job").await.unwrap(), stays);
        drop(running);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_only_has_the_number_is_never_touched() {
    let folder = tempfile::tempdir().unwrap();
    let port = preview::free_port().unwrap();
    let (_, running) = start(folder.path(), &plan(folder.path(), port)).await.unwrap();
    disown(folder.path(), |record| {
        record["leader"]["start"] = 1.into();
        record["mark"] = "another".into();
    });
    assert!(!preview::stop(&records(folder.path()), "job").await.unwrap());
    assert_eq!(preview::sweep(&records(folder.path())).await.unwrap().0, 0);
    assert!(answers(port), "the server is another process than the record's, as far as anybody can tell");
    drop(running);
    wait_for("the end of the server", PATIENCE, || (!answers(port)).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_start_tells_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(folder.path(), preview::free_port().unwrap());
    plan.extensions = vec!["no_such_extension".into()];
    assert_eq!(start(folder.path(), &plan).await.unwrap_err().code, "php.extension-missing");
    plan.extensions.clear();
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    plan.url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let problem = start(folder.path(), &plan).await.unwrap_err();
    assert_eq!(problem.code, "preview.ended", "another program answers there");
    assert!(problem.context["output"].contains("in use"), "{problem:?}");
    plan.url = "https://127.0.0.1:1".into();
    assert_eq!(start(folder.path(), &plan).await.unwrap_err().code, "preview.https");
}
