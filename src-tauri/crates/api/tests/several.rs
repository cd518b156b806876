//! Several clones in one go, and the lists that find them again.

use std::fs;
use std::path::Path;

use clonedeck_api::wire::{ClonePasswords, CloneRequest, JobFilter};
use clonedeck_api::{Clonedeck, Given, Open};

async fn deck(folder: &Path) -> Clonedeck {
    Clonedeck::open(Open { data_dir: Some(folder.join("data")), ..Open::default() }).await.expect("it opens")
}

fn site(folder: &Path, name: &str) -> String {
    let site = folder.join(name);
    fs::create_dir_all(site.join("images/2019")).expect("a folder");
    fs::write(site.join("index.html"), "hello").expect("a page");
    fs::write(site.join("images/2019/large.jpg"), vec![7; 40_000]).expect("a picture");
    fs::write(site.join("images/small.jpg"), vec![7; 400]).expect("a picture");
    fs::create_dir_all(site.join("node_modules/thing")).expect("a folder");
    fs::write(site.join("node_modules/thing/code.js"), "1").expect("a file");
    site.display().to_string()
}

fn request(source: &str, target: &str) -> CloneRequest {
    CloneRequest { source: source.into(), target: target.into(), ..CloneRequest::default() }
}

fn order(source: &str, target: &str) -> (CloneRequest, Given) {
    (request(source, target), Given::default())
}

#[tokio::test]
async fn several_clones_are_one_batch_and_are_found_by_batch_site_and_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let clonedeck = deck(folder.path()).await;
    let (shop, blog) = (site(folder.path(), "shop"), site(folder.path(), "blog"));
    let requests = [
        order(&shop, &format!("{shop}-one")),
        order(&shop, &format!("{shop}-two")),
        order(&blog, &format!("{blog}-one")),
    ];
    let launched = clonedeck.launch_clones("Autumn", &requests).await.expect("accepted");
    assert_eq!(launched.jobs.len(), 3);

    let find = |filter: JobFilter| {
        let clonedeck = clonedeck.clone();
        async move { clonedeck.jobs_page(&filter, None, 50).await.expect("a page").jobs }
    };
    let members = find(JobFilter { batch: Some(launched.batch.clone()), ..JobFilter::default() }).await;
    assert_eq!(members.len(), 3);
    assert!(members.iter().all(|job| job.batch_title.as_deref() == Some("Autumn")));
    let of_shop = JobFilter { site: Some(shop.clone()), search: "two".into(), ..JobFilter::default() };
    let found = find(of_shop).await;
    assert_eq!(found.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), [launched.jobs[1].as_str()]);
    assert_eq!(find(JobFilter { site: Some(blog), ..JobFilter::default() }).await.len(), 1);
    let nothing = JobFilter { site: Some(shop), kinds: vec!["build".into()], ..JobFilter::default() };
    assert!(find(nothing).await.is_empty());
}

#[tokio::test]
async fn a_batch_with_one_that_cannot_be_is_refused_whole_and_says_which() {
    let folder = tempfile::tempdir().expect("a folder");
    let clonedeck = deck(folder.path()).await;
    let shop = site(folder.path(), "shop");
    let copy = format!("{shop}-copy");
    let within = [order(&shop, &copy), order(&shop, &format!("{shop}/inside"))];
    let refused = clonedeck.launch_clones("Autumn", &within).await.expect_err("one lies in its source");
    assert_eq!(refused.context["request"], "1");
    let twice = [order(&shop, &copy), order(&shop, &copy)];
    let refused = clonedeck.launch_clones("Autumn", &twice).await.expect_err("one folder for two");
    assert_eq!((refused.code.as_str(), refused.context["request"].as_str()), ("target.twice", "1"));
    assert!(clonedeck.jobs_page(&JobFilter::default(), None, 10).await.expect("a page").jobs.is_empty());
}

#[tokio::test]
async fn the_folders_of_a_source_are_told_with_their_sizes_and_with_patterns_that_leave_them_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let clonedeck = deck(folder.path()).await;
    let shop = site(folder.path(), "shop");
    let wanted = request(&shop, &format!("{shop}-copy"));
    clonedeck.inspect_for(&wanted, &Given::default()).await.expect("a site");
    let root = clonedeck.folder_page(&wanted, &Given::default(), "").await.expect("its folders").entries;
    let told: Vec<_> = root.iter().map(|one| (one.name.as_str(), one.files, one.bytes)).collect();
    assert_eq!(told, [("images", 2, 40_400), ("index.html", 1, 5), ("node_modules", 1, 1)]);
    assert!(root[2].left_out.is_some() && root[0].left_out.is_none());

    let images =
        clonedeck.folder_page(&wanted, &Given::default(), &root[0].path).await.expect("its folders").entries;
    assert_eq!(images[0].pattern, "/images/2019/");
    let request = CloneRequest { exclude: vec![images[0].pattern.clone()], ..wanted.clone() };
    let plan = clonedeck.plan_clone(&request, &Given::default()).await.expect("a plan");
    let out = plan.excluded.iter().find(|out| out.pattern == "/images/2019/").expect("it is left out");
    assert_eq!((out.files, out.bytes), (1, 40_000));
    assert!(plan.eta_seconds.is_some_and(|eta| eta.low > 0.0 && eta.high >= eta.low));
    let gone = clonedeck.folder_page(&wanted, &Given::default(), "no/such").await.expect_err("there is none");
    assert_eq!(gone.code, "folder.unknown");
}

#[tokio::test]
async fn passwords_of_a_batch_that_is_refused_are_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let clonedeck = deck(folder.path()).await;
    let shop = site(folder.path(), "shop");
    let (mut first, _) = order(&shop, &format!("{shop}-copy"));
    first.db = Some("mysql://ada@127.0.0.1/shop_copy".into());
    let passwords = ClonePasswords { copy: Some("hush".into()), source: Some("hush too".into()) };
    assert!(!format!("{passwords:?}").contains("hush"), "they are in no log");
    let orders = [(first, passwords.into()), order(&shop, &format!("{shop}/inside"))];
    clonedeck.launch_clones("Autumn", &orders).await.expect_err("one lies in its source");
    let kept = fs::read_dir(folder.path().join("data/secrets")).map_or(0, Iterator::count);
    assert_eq!(kept, 0);
}
