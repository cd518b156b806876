//! Networks, of folders and of host names.

use clonedeck_site::check::Client;
use clonedeck_site::platforms::NetworkKind;
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::wordpress::{Network, WordPress};

use crate::{Copy, folder, served_from};

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
