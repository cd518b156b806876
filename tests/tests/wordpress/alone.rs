//! A site is recognised, and its copy runs on its own.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use clonedeck_site::check::{Client, Pages, Plan};
use clonedeck_site::defaults::Login;
use clonedeck_site::neutral::{self};
use clonedeck_site::platforms::{Kind, Site};
use clonedeck_site::preview::{self};
use clonedeck_site::{Part, Secret};
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::wordpress::WordPress;

use crate::{Copy, folder, raw, records, served_from};

#[tokio::test(flavor = "multi_thread")]
async fn a_real_wordpress_is_recognised_and_its_copy_runs_on_its_own() {
    let (folder, data) = (folder(), folder());
    let server: Arc<MariaDb> = MariaDb::shared();
    let source = WordPress::install(&folder.path().join("shop"), &server, "http://shop.test");
    let before = fs::read(source.folder.join("wp-config.php")).expect("a configuration");
    let copy = Copy::of(&source, &server, &folder.path().join("copy"), Some("Copy of ")).await;

    // Recognised.
    let site = &copy.site;
    assert_eq!((site.kind, site.prefix()), (Kind::WordPress, Some("wp_")));
    assert!(site.version.as_deref().is_some_and(|version| version.starts_with("6.")), "{:?}", site.version);
    assert_eq!(site.home.as_deref(), Some("http://shop.test"));
    assert_eq!(site.title.as_deref(), Some("Harbour Shop"));
    assert!(site.network.is_none() && site.unread.is_empty());
    for (path, part) in [
        ("wp-includes/load.php", Part::Core),
        ("wp-content/plugins/akismet/akismet.php", Part::Modules),
        ("wp-content/mu-plugins/x.php", Part::Modules),
        ("wp-content/themes/fixture/index.php", Part::Themes),
        ("wp-content/uploads/2024/05/x.png", Part::Media),
        ("wp-content/index.php", Part::Core),
    ] {
        assert_eq!(site.part_of(Path::new(path)), part, "{path}");
    }
    let stored = serde_json::to_string(site).expect("plain data");
    assert_eq!(serde_json::from_str::<Site>(&stored).expect("plain data"), *site);

    // Its own settings; the source as it was.
    assert_eq!(fs::read(source.folder.join("wp-config.php")).expect("a configuration"), before);
    let after = fs::read_to_string(copy.root.join("wp-config.php")).expect("a configuration");
    assert!(after.contains("// Database: define( 'DB_NAME', 'in a comment' );"), "comments stay");
    assert!(!after.contains("the source\\'s own"), "every salt is new");
    let facts = copy.as_wordpress().php(
        "echo implode('|', array(DB_NAME, home_url(), site_url(), get_option('blogname'), wp_get_environment_type(), \
         get_option('clonetest_plain'), get_option('clonetest_nested')['inner'], count(get_users(array('role' => 'administrator')))));",
    );
    let url = &copy.url;
    assert_eq!(
        facts,
        format!(
            "{}|{url}|{url}|Copy of Harbour Shop|local|{url}|a:1:{{s:5:\"again\";s:{}:\"{url}/inner\";}}|2",
            copy.name(),
            url.len() + 6
        )
    );
    assert!(copy.settings.iter().any(|setting| setting.name == "DB_NAME" && setting.from == source.database));
    assert!(copy.settings.iter().any(|setting| setting.name == "AUTH_KEY" && setting.to == "new"));
    let password = copy.login.password.reveal();
    assert!(!format!("{:?}{:?}{:?}", copy.settings, copy.neutralised, copy.login).contains(password));
    let sql = |text: &str| server.sql_in(copy.name(), text);
    assert_eq!(sql("SELECT COUNT(*) FROM wp_usermeta WHERE meta_key='session_tokens'"), "0\n");
    assert_eq!(sql("SELECT COUNT(*) FROM wp_options WHERE option_name LIKE '\\_transient%'"), "0\n");
    assert_eq!(sql("SELECT option_value FROM wp_options WHERE option_name='blog_public'"), "0\n");
    assert_eq!(
        server.sql_in(&source.database, "SELECT COUNT(*) FROM wp_usermeta WHERE meta_key='session_tokens'"),
        "1\n"
    );

    // Known identities.
    let stripe = sql("SELECT option_value FROM wp_options WHERE option_name='woocommerce_stripe_settings'");
    assert!(stripe.contains(r#"s:8:"testmode";s:3:"yes""#) && !stripe.contains("live"), "{stripe}");
    assert_eq!(sql("SELECT COUNT(*) FROM wp_options WHERE option_name='jetpack_private_options'"), "0\n");
    let jetpack = copy.as_wordpress().php("echo json_encode(get_option('jetpack_options'));");
    assert_eq!(jetpack, r#"{"id":"","master_user":"","version":"12.0"}"#);

    // Served and checked.
    let served = copy.preview(data.path(), "job-1").await;
    let pages = copy.look().await;
    assert_eq!(pages.findings(), Vec::<String>::new(), "{pages:#?}");
    assert_eq!(pages.logged_in, Some(true));
    assert!(pages.pages.iter().filter(|page| page.name == "asset").count() >= 2, "{pages:#?}");
    let wrong = Login { user: copy.login.user.clone(), password: Secret::new("wrong") };
    let refused =
        Pages::look(&Plan::of(&copy.target(), None, Some(&wrong), &copy.rewriter)).expect("an answer");
    assert_eq!(refused.logged_in, Some(false), "a wrong password is told from a right one");

    // Pretty addresses, and everything that is nobody's to read.
    let mut client = Client::new(url).expect("a client");
    let pretty = client.get("/2024/form-plain/").expect("an answer");
    assert!(pretty.status == 200 && String::from_utf8_lossy(&pretty.body).contains("The address, plain"));
    assert_eq!(client.get("/2024/no-such-post/").expect("an answer").status, 404);
    let style = client.get("/wp-content/themes/fixture/style.css").expect("an answer");
    assert!(style.status == 200 && style.content_type.starts_with("text/css"));
    assert_eq!(client.get("/.htaccess").expect("an answer").status, 403);
    let caught_folder = neutral::caught(&copy.target()).expect("a folder");
    let below = caught_folder.strip_prefix(&copy.root).expect("a folder of the copy").display().to_string();
    assert_eq!(client.get(&format!("/{below}/blocked-requests.jsonl")).expect("an answer").status, 403);
    fs::write(folder.path().join("outside.txt"), "outside").expect("a file");
    for path in [
        "/../outside.txt",
        "/wp-content/../../outside.txt",
        "/%2e%2e/outside.txt",
        "/..%2foutside.txt",
        "/wp-content/%2e%2e/%2e%2e/outside.txt",
    ] {
        let answer = raw(url, path);
        assert!(answer.starts_with("HTTP/1.1 400") && !answer.contains("outside\n"), "{path}: {answer}");
    }
    let head = raw(url, "/");
    assert!(head.contains("X-Robots-Tag: noindex"), "{head}");
    assert!(raw(url, "/robots.txt").contains("Disallow: /\n"));

    // From another process: listed, stopped.
    let listed = served_from(data.path());
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].service.job.as_str(), &listed[0].url), ("job-1", url));
    assert!(preview::stop(&records(data.path()), "job-1").await.expect("it ends"));
    assert!(served_from(data.path()).is_empty());
    assert!(Client::new(url).expect("a client").get("/").is_err(), "nothing answers any more");
    drop(served);
    assert!(!preview::stop(&records(data.path()), "job-1").await.expect("nothing to end"));
}
