//! A real WordPress is recognised, its copy gets settings of its own, is neutral before it starts, is served and checked.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clonedeck_rewrite::{DumpOptions, Options, Pair, Rewriter, rewrite_dump};
use clonedeck_site::check::{Client, Pages, Plan, sample_post};
use clonedeck_site::databases::{Access, DatabaseAddress, tables};
use clonedeck_site::defaults::{Login, Setting, Target, configure, settle};
use clonedeck_site::neutral::{self, Neutralised, Switches};
use clonedeck_site::platforms::{Hints, Kind, NetworkKind, Site, pairs, recognise};
use clonedeck_site::preview::{self, Served};
use clonedeck_site::process::{Records, Running};
use clonedeck_site::{Part, Secret};
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::wordpress::{Network, OWNER, WordPress, copy_tree};

/// A copy made the plain way: files copied, the dump rewritten and loaded, then given its settings.
struct Copy {
    site: Site,
    root: PathBuf,
    url: String,
    database: DatabaseAddress,
    password: Secret,
    login: Login,
    rewriter: Rewriter,
    settings: Vec<Setting>,
    neutralised: Vec<Neutralised>,
}

impl Copy {
    async fn of(source: &WordPress, server: &MariaDb, root: &Path, mark: Option<&str>) -> Self {
        let mut site = recognise(&source.folder, &Hints::default()).expect("a site").site;
        let address = site.database.clone().expect("a database").address;
        let mut read = tables(&address, &Secret::default(), Access::Read).await.expect("a connection");
        site.learn(&mut *read).await.expect("what the database knows");
        let url = preview::address(&site, preview::free_port().expect("a port"));
        let root = fs::canonicalize(root.parent().expect("a folder"))
            .expect("a folder")
            .join(root.file_name().expect("a name"));
        copy_tree(&source.folder, &root);
        let name = server.fresh_database("copy");
        let found = pairs(&site, &url, &root)
            .expect("pairs")
            .into_iter()
            .map(|(old, new)| Pair::parse(&old, &new).expect("a pair"));
        let rewriter = Rewriter::new(found, Options::default()).expect("a rewriter");
        let dump = server.client("mariadb-dump").arg(&source.database).output().expect("a dump").stdout;
        let mut new = Vec::new();
        rewrite_dump(&rewriter, &dump[..], &mut new, DumpOptions::default()).expect("a rewritten dump");
        server.sql_in(&name, std::str::from_utf8(&new).expect("a dump in UTF-8"));
        let mut copy = Self {
            database: server.address(&name).parse().expect("an address"),
            password: Secret::default(),
            login: Login::new("clonedeck").expect("a login"),
            settings: Vec::new(),
            neutralised: Vec::new(),
            site,
            root,
            url,
            rewriter,
        };
        let mut write = tables(&copy.database, &copy.password, Access::Write).await.expect("a connection");
        let target = copy.target();
        let mut settings = configure(&target).expect("a configuration");
        settings.extend(settle(&target, Some(&copy.login), mark, &mut *write).await.expect("settings"));
        let mut neutralised = neutral::install(&target, &Switches::default()).expect("a neutral copy");
        neutralised.extend(neutral::disarm(&target, &mut *write).await.expect("no identities"));
        copy.settings = settings;
        copy.neutralised = neutralised;
        copy
    }

    fn target(&self) -> Target<'_> {
        Target {
            site: &self.site,
            root: &self.root,
            url: &self.url,
            database: Some(&self.database),
            password: &self.password,
            debug: None,
        }
    }

    fn name(&self) -> &str {
        let DatabaseAddress::Mysql { name, .. } = &self.database else { panic!("a MariaDB") };
        name
    }

    fn as_wordpress(&self) -> WordPress {
        WordPress {
            folder: self.root.clone(),
            database: self.name().to_owned(),
            url: self.url.clone(),
            first_post: 0,
        }
    }

    async fn preview(&self, data: &Path, job: &str) -> Running {
        let service = preview::Plan::of(&self.target(), data, job).service().expect("a preview");
        let port = service.port.expect("that of the address");
        let (served, running) = service.start(port, &records(data)).expect("it starts");
        served.ready().await.expect("it answers");
        running
    }

    async fn look(&self) -> Pages {
        let mut read = tables(&self.database, &self.password, Access::Read).await.expect("a connection");
        let post = sample_post(&self.target(), &mut *read).await.expect("a post");
        assert!(post.is_some());
        Pages::look(&Plan::of(&self.target(), post, Some(&self.login), &self.rewriter)).expect("an answer")
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn caught(copy: &Copy) -> Vec<PathBuf> {
    let folder = neutral::caught(&copy.target()).expect("a folder of what was caught");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the folder").flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn letters(copy: &Copy) -> Vec<String> {
    let is_letter = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "eml");
    caught(copy)
        .into_iter()
        .filter(is_letter)
        .map(|path| fs::read_to_string(path).expect("a letter"))
        .collect()
}

fn records(data: &Path) -> Records {
    Records::open(data.join("previews")).expect("a folder for records")
}

fn served_from(data: &Path) -> Vec<Served> {
    preview::list(&records(data)).expect("records")
}

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

#[tokio::test(flavor = "multi_thread")]
async fn a_neutral_copy_sends_nothing_calls_nobody_and_runs_no_tasks_until_it_is_let_go() {
    let (folder, data) = (folder(), folder());
    let server = MariaDb::shared();
    let source = WordPress::install(&folder.path().join("shop"), &server, "https://shop.test");
    fs::write(source.folder.join("wp-content/object-cache.php"), "<?php exit( 'the source\\'s cache' );")
        .expect("a cache");
    fs::write(source.folder.join("robots.txt"), "User-agent: *\nAllow: /\n").expect("robots.txt");
    fs::write(
        source.folder.join("wp-content/mu-plugins/probe.php"),
        "<?php add_action('clonetest_overdue', function () { update_option('clonetest_ran', 1); });
        add_action('template_redirect', function () {
            if (isset($_GET['probe'])) {
                header('Content-Type: text/plain');
                if ('mail' === $_GET['probe']) { var_dump(mail('customer@example.com', 'Around WordPress', 'Body')); }
                if ('curl' === $_GET['probe']) {
                    $curl = curl_init('https://api.example.com/'); curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
                    curl_exec($curl); echo curl_errno($curl);
                }
                if ('self' === $_GET['probe']) { echo wp_remote_retrieve_response_code(wp_remote_get(home_url('/robots.txt'))); }
                exit;
            }
        });",
    )
    .expect("a plugin");
    let copy = Copy::of(&source, &server, &folder.path().join("copy"), None).await;
    let wordpress = copy.as_wordpress();

    let answer = wordpress.php(
        "file_put_contents('/dev/null', ''); $file = wp_upload_dir()['basedir'] . '/builder/post-1.css';
        var_export(wp_mail(array('a@example.com', 'b@example.com'), \"Grüße\\r\\nBcc: x@example.com\", '<p>Hällo</p>',
            array('Content-Type: text/html', 'From: Shop <shop@example.com>', 'Reply-To: r@example.com'), array($file)));",
    );
    assert_eq!(answer, "true", "the site believes that its mail went out");
    let [letter] = &letters(&copy)[..] else { panic!("one letter is caught") };
    assert!(
        letter.contains("To: a@example.com, b@example.com\r\n")
            && letter.contains("From: Shop <shop@example.com>\r\n"),
        "{letter}"
    );
    assert!(
        letter.contains("Reply-To: r@example.com\r\n")
            && letter.contains("Content-Type: text/html; charset=UTF-8\r\n")
    );
    assert!(!letter.contains("\r\nBcc:"), "a subject cannot add headers");
    assert!(letter.contains("filename=\"post-1.css\""));

    let answer = wordpress.php(
        "$blocked = wp_remote_post('https://api.stripe.com/v1/charges?key=sk_live_1', array('body' => 'amount=1'));
        echo is_wp_error($blocked) ? $blocked->get_error_code() : 'sent';
        $near = wp_remote_get('http://127.0.0.1:9/'); echo '|', $near->get_error_message();",
    );
    let (blocked, near) = answer.split_once('|').expect("two answers");
    assert_eq!(blocked, "http_request_not_executed");
    assert!(near.contains("onnect"), "this machine may be called: {near}");
    let list =
        caught(&copy).into_iter().find(|path| path.ends_with("blocked-requests.jsonl")).expect("a list");
    let list = fs::read_to_string(list).expect("a list");
    assert!(list.contains(r#""method":"POST","url":"https:\/\/api.stripe.com\/v1\/charges""#), "{list}");
    assert!(!list.contains("sk_live"), "keys are not written down");

    let served = copy.preview(data.path(), "job").await;
    let mut client = Client::new(&copy.url).expect("a client");
    client.get("/").expect("an answer");
    client.get("/wp-cron.php?doing_wp_cron").expect("an answer");
    assert_eq!(wordpress.php("echo (int) get_option('clonetest_ran'), (int) (false !== strpos(serialize(get_option('cron')), 'clonetest_overdue'));"), "01");
    let mut probe = |what: &str| {
        String::from_utf8(client.get(&format!("/?probe={what}")).expect("an answer").body).expect("text")
    };
    assert_eq!(probe("mail").trim(), "bool(true)");
    assert!(
        letters(&copy).iter().any(|letter| letter.contains("Subject: Around WordPress")),
        "mail() is caught as well"
    );
    assert_eq!(probe("curl"), "7", "curl cannot connect");
    assert_eq!(probe("self"), "200", "the copy may call itself");
    let robots = raw(&copy.url, "/robots.txt");
    assert!(robots.contains("Disallow: /\n"), "{robots}");
    let dashboard = copy.look().await;
    assert_eq!(dashboard.findings(), Vec::<String>::new());
    let mut own = Client::new(&copy.url).expect("a client");
    own.get("/wp-login.php").expect("an answer");
    let inside = own
        .post(
            "/wp-login.php",
            &[("log", OWNER), ("pwd", clonedeck_tests::wordpress::OWNER_PASSWORD), ("testcookie", "1")],
        )
        .expect("an answer");
    assert!(
        String::from_utf8_lossy(&inside.body).contains("wp-admin-bar-clonedeck-copy"),
        "the copy is marked"
    );
    drop(served);

    for name in ["mail", "egress", "cron", "crawlers", "mark", "caches", "identity"] {
        assert!(
            copy.neutralised.iter().any(|done| done.name == name),
            "{name} is in the receipt: {:?}",
            copy.neutralised
        );
    }
    let again = neutral::install(&copy.target(), &Switches::default()).expect("once more");
    assert_eq!(again, copy.neutralised[..again.len()], "repeating it changes nothing");

    let mut write = tables(&copy.database, &copy.password, Access::Write).await.expect("a connection");
    let lifted =
        neutral::lift(&copy.target(), &Switches { mail: true, ..Switches::none() }, Some(&mut *write))
            .await
            .expect("lifted");
    assert_eq!(lifted, ["egress", "cron", "crawlers", "mark", "caches"]);
    assert!(fs::read_to_string(copy.root.join("robots.txt")).expect("robots.txt").contains("Allow: /\n"));
    assert!(copy.root.join("wp-content/object-cache.php").exists());
    fs::remove_file(copy.root.join("wp-content/object-cache.php")).expect("the cache of the test");
    let sent =
        wordpress.php("var_export(wp_mail('a@example.com', 's', 'm')); echo '|', get_option('blog_public');");
    assert_eq!(sent, "true|1");
    assert!(
        neutral::lift(&copy.target(), &Switches::none(), None)
            .await
            .expect("lifted")
            .contains(&"mail".to_owned())
    );
    assert_eq!(neutral::switches(&copy.target()), Switches::none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_folders_is_copied_with_all_its_sites() {
    let (folder, data) = (folder(), folder());
    let server = MariaDb::shared();
    let source = WordPress::install_network(
        &folder.path().join("net"),
        &server,
        "http://net.test",
        Network::Subdirectory,
    );
    let copy = Copy::of(&source, &server, &folder.path().join("copy"), None).await;
    let network = copy.site.network.as_ref().expect("a network");
    assert_eq!((network.kind, network.sites.len()), (NetworkKind::Subdirectory, 3));
    let authority = copy.url.strip_prefix("http://").expect("an http address");
    assert_eq!(
        server.sql_in(copy.name(), "SELECT CONCAT(domain, path) FROM wp_blogs ORDER BY blog_id"),
        format!("{authority}/\n{authority}/second/\n{authority}/third/\n")
    );
    let served = copy.preview(data.path(), "job").await;
    let pages = copy.look().await;
    assert_eq!(pages.findings(), Vec::<String>::new(), "{pages:#?}");
    let mut client = Client::new(&copy.url).expect("a client");
    let second = client.get("/second/").expect("an answer");
    let text = String::from_utf8_lossy(&second.body);
    assert!(
        second.status == 200 && text.contains(&format!("This site is at {}/second/", copy.url)),
        "{text}"
    );
    let login = client.get("/second/wp-login.php").expect("an answer");
    assert_eq!(login.status, 200, "{}", login.url);
    let style = client.get("/second/wp-includes/css/dashicons.min.css").expect("an answer");
    assert!(style.status == 200 && style.content_type.starts_with("text/css"));
    assert_eq!(
        copy.as_wordpress().php("var_export(is_super_admin(get_user_by('login', 'clonedeck')->ID));"),
        "true"
    );
    drop(served);
    assert!(served_from(data.path()).is_empty(), "a dropped preview leaves nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_host_names_is_copied_to_names_below_localhost() {
    let (folder, data) = (folder(), folder());
    let server = MariaDb::shared();
    let source = WordPress::install_network(
        &folder.path().join("net"),
        &server,
        "http://net.test",
        Network::Subdomain,
    );
    let copy = Copy::of(&source, &server, &folder.path().join("copy"), None).await;
    assert!(copy.url.starts_with("http://localhost:"), "{}", copy.url);
    let second = copy.url.replace("localhost", "second.localhost");
    assert_eq!(
        server.sql_in(copy.name(), "SELECT option_value FROM wp_2_options WHERE option_name='home'").trim(),
        second
    );
    let _served = copy.preview(data.path(), "job").await;
    assert_eq!(copy.look().await.findings(), Vec::<String>::new());
    let page = Client::new(&second).expect("a client").get("/").expect("an answer");
    let text = String::from_utf8_lossy(&page.body);
    assert!(page.status == 200 && text.contains(&format!("This site is at {second}/")), "{text}");
}

/// What a server answers to a path that is sent as it is.
fn raw(url: &str, path: &str) -> String {
    let authority = url.strip_prefix("http://").expect("an http address");
    let mut stream = TcpStream::connect(authority).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}
