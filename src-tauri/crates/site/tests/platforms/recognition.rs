//! What a site is and where its parts are.

use std::fs;
use std::path::Path;

use clonedeck_site::databases::DatabaseAddress;
use clonedeck_site::defaults::{Target, configure};
use clonedeck_site::php::Environment;
use clonedeck_site::platforms::{Hints, Kind, Recognised, Tree, recognise};
use clonedeck_site::{Part, Secret};

use crate::{CONFIG, Place, configured, mysql, php};

#[test]
fn an_ordinary_wordpress_is_known_whole_and_keeps_its_password_apart() {
    let place = Place::new();
    place.wordpress("shop");
    place.write("shop/wp-config.php", CONFIG);
    let Recognised { site, password } = place.recognised("shop");
    assert_eq!(site.version.as_deref(), Some("6.5.2"));
    let database = site.database.as_ref().unwrap();
    assert_eq!(database.address, mysql("db.example.com", 3307, "bob", "shop"));
    assert_eq!(password.reveal(), "hunter2");
    assert!(
        !serde_json::to_string(&site).unwrap().contains("hunter2")
            && !format!("{site:?}{password:?}").contains("hunter2")
    );
}

#[test]
fn the_folder_above_a_wordpress_is_no_site_of_another_kind() {
    let place = Place::new();
    place.wordpress("site/public");
    place.write("site/wp-config.php", CONFIG);
    let problem = place.refused("site");
    assert_eq!(problem.code, "site.not-found");
    assert!(problem.help.contains(&place.path("site/public").display().to_string()), "{}", problem.help);
    // One without a configuration as well.
    fs::remove_file(place.path("site/wp-config.php")).unwrap();
    assert_eq!(place.refused("site").code, "site.not-found");
    place.write("other/public/index.php", "<?php echo 'a site of its own';");
    assert_eq!(place.recognised("other").site.kind, Kind::Php);
}

#[test]
fn moved_content_is_found_inside_and_outside_of_the_folder() {
    let place = Place::new();
    place.wordpress("shop");
    place.write("files/uploads/x.txt", "x");
    place.write("shop/app/plugins/x.php", "<?php");
    let (content, plugins) = (place.path("files"), place.path("shop/app/plugins"));
    place.write(
        "shop/wp-config.php",
        &CONFIG.replace(
            "$table_prefix",
            &format!(
                "define('WP_CONTENT_DIR', '{}'); define('WP_PLUGIN_DIR', '{}');\n$table_prefix",
                content.display(),
                plugins.display()
            ),
        ),
    );
    let recognised = place.recognised("shop");
    let site = &recognised.site;
    assert_eq!(site.trees[1], Tree { from: content, place: "wp-content-moved".into() });
    assert_eq!(site.part_of(Path::new("wp-content-moved/uploads/x.txt")), Part::Media);
    assert_eq!(site.part_of(Path::new("app/plugins/x.php")), Part::Modules);
    assert_eq!(site.part_of(Path::new("wp-content/plugins/x.php")), Part::Core);
    let root = place.copy(&place.path("shop"), "copy");
    configured(&recognised, &root, "http://localhost:8080").unwrap();
    let read = php(&root.join("wp-config.php"));
    assert_eq!(read["WP_CONTENT_DIR"], root.join("wp-content-moved").display().to_string());
    assert_eq!(read["WP_PLUGIN_DIR"], root.join("app/plugins").display().to_string());
}

#[test]
fn wordpress_in_a_folder_of_its_own_is_found_from_the_folder_that_is_served() {
    let place = Place::new();
    place.wordpress("site/wp");
    place.write("site/index.php", "<?php require __DIR__ . '/wp/wp-blog-header.php';");
    place.write("site/wp-config.php", &CONFIG.replace("__DIR__ . '/'", "__DIR__ . '/wp/'"));
    let site = place.recognised("site").site;
    assert_eq!((site.core.as_path(), site.content.as_path()), (Path::new("wp"), Path::new("wp/wp-content")));
    assert_eq!(site.configuration.unwrap().place, Path::new("wp-config.php"));
}

#[test]
fn what_only_the_web_server_knows_is_said_and_can_be_given() {
    let place = Place::new();
    place.wordpress("shop");
    place.write(
        "shop/wp-config.php",
        "<?php
if (!function_exists('getenv_docker')) { function getenv_docker($env, $default) { return getenv($env) ?: $default; } }
define( 'DB_NAME', getenv_docker('WORDPRESS_DB_NAME', 'wordpress') );
define( 'DB_USER', getenv_docker('WORDPRESS_DB_USER', 'example username') );
define( 'DB_PASSWORD', getenv_docker('WORDPRESS_DB_PASSWORD', 'example password') );
define( 'DB_HOST', getenv_docker('WORDPRESS_DB_HOST', 'mysql') );
define( 'AUTH_KEY', getenv_docker('WORDPRESS_AUTH_KEY', 'put') );
$table_prefix = getenv_docker('WORDPRESS_TABLE_PREFIX', 'wp_');
define( 'WP_DEBUG', !!getenv_docker('WORDPRESS_DEBUG', '') );
if (isset($_SERVER['HTTP_X_FORWARDED_PROTO']) && strpos($_SERVER['HTTP_X_FORWARDED_PROTO'], 'https') !== false) { $_SERVER['HTTPS'] = 'on'; }
if ($configExtra = getenv_docker('WORDPRESS_CONFIG_EXTRA', '')) { eval($configExtra); }
if ( ! defined( 'ABSPATH' ) ) { define( 'ABSPATH', __DIR__ . '/' ); }
require_once ABSPATH . 'wp-settings.php';
",
    );
    let refused = place.refused("shop");
    assert_eq!(refused.code, "config.computed");
    assert!(
        refused.message.contains("WORDPRESS_DB_NAME") && refused.help.contains("--source-db"),
        "{refused:?}"
    );

    let mut environment = Environment::default();
    for (name, value) in [("NAME", "shop"), ("USER", "bob"), ("PASSWORD", "hunter2"), ("HOST", "db")] {
        environment.values.insert(format!("WORDPRESS_DB_{name}"), value.into());
    }
    let hints = Hints { environment, ..Hints::default() };
    let given = recognise(&place.path("shop"), &hints).unwrap();
    assert_eq!(given.site.database.as_ref().unwrap().address, mysql("db", 3306, "bob", "shop"));
    assert_eq!(given.site.prefix(), None, "the database is asked for the prefix");

    let hints =
        Hints { database: Some(mysql("db", 3306, "x", "y")), prefix: Some("wp_".into()), ..Hints::default() };
    let given = recognise(&place.path("shop"), &hints).unwrap();
    let root = place.copy(&place.path("shop"), "copy");
    configured(&given, &root, "http://localhost:8080").unwrap();
    let read = php(&root.join("wp-config.php"));
    assert_eq!((read["DB_NAME"].as_str(), read["table_prefix"].as_str()), (Some("shop_copy"), Some("wp_")));
}

#[tokio::test]
async fn the_prefix_is_asked_of_the_database_where_the_configuration_does_not_say_it() {
    let place = Place::new();
    place.wordpress("shop");
    place.write("shop/wp-config.php", &CONFIG.replace("'wp_'", "getenv('PREFIX')"));
    let mut site = place.recognised("shop").site;
    assert_eq!(site.prefix(), None);
    let mut database = rusqlite::Connection::open_in_memory().unwrap();
    let tables = |prefix: &str| {
        format!(
            "CREATE TABLE {prefix}options (option_name TEXT, option_value TEXT); CREATE TABLE {prefix}posts (ID INTEGER);
            CREATE TABLE {prefix}users (ID INTEGER); INSERT INTO {prefix}options VALUES ('home', 'https://shop.test/'), ('siteurl', 'https://shop.test/wp'), ('blogname', 'Shop')"
        )
    };
    assert_eq!(site.clone().learn(&mut database).await.unwrap_err().code, "database.no-site");
    database.execute_batch(&tables("abc_")).unwrap();
    site.learn(&mut database).await.unwrap();
    assert_eq!(
        (site.prefix(), site.home.as_deref(), site.title.as_deref()),
        (Some("abc_"), Some("https://shop.test"), Some("Shop"))
    );
    database.execute_batch(&tables("second_")).unwrap();
    let mut open = place.recognised("shop").site;
    assert_eq!(open.learn(&mut database).await.unwrap_err().code, "database.several-sites");
}

#[test]
fn sqlite_is_found_in_its_usual_and_its_own_place() {
    let place = Place::new();
    place.wordpress("shop");
    let plugin = place.path("shop/wp-content/plugins/sqlite").display().to_string();
    place.write(
        "shop/wp-content/db.php",
        &format!("<?php // SQLite integration\nrequire_once '{plugin}/db.php';"),
    );
    place.write("shop/wp-config.php", CONFIG);
    let file = |folder: &str| {
        let DatabaseAddress::Sqlite { path } = place.recognised(folder).site.database.unwrap().address else {
            panic!("SQLite")
        };
        path
    };
    assert_eq!(file("shop"), place.path("shop/wp-content/database/.ht.sqlite"));
    place.write(
        "shop/wp-config.php",
        &CONFIG.replace(
            "$table_prefix",
            "define('DB_DIR', __DIR__ . '/data/'); define('DB_FILE', 'shop.db');\n$table_prefix",
        ),
    );
    assert_eq!(file("shop"), place.path("shop/data/shop.db"));
    let recognised = place.recognised("shop");
    let root = place.copy(&place.path("shop"), "copy");
    let own = DatabaseAddress::Sqlite { path: root.join("data/shop.db") };
    let password = Secret::default();
    let target = Target {
        site: &recognised.site,
        root: &root,
        url: "http://localhost:1",
        database: Some(&own),
        password: &password,
        debug: None,
    };
    configure(&target).unwrap();
    let read = php(&root.join("wp-config.php"));
    assert_eq!(
        (read["DB_DIR"].as_str(), read["DB_FILE"].as_str()),
        (root.join("data/").to_str(), Some("shop.db"))
    );
}

#[test]
fn other_sites_are_known_and_what_is_none_is_refused_with_advice() {
    let place = Place::new();
    place.write("static/index.html", "<p>hello</p>");
    let site = place.recognised("static").site;
    assert_eq!((site.kind, site.database.is_none()), (Kind::Static, true));
    place.write("app/public/index.php", "<?php echo 1;");
    let hints = Hints {
        database: Some(mysql("db", 3306, "x", "y")),
        url: Some("https://app.test/".into()),
        ..Hints::default()
    };
    let site = recognise(&place.path("app"), &hints).unwrap().site;
    assert_eq!(
        (site.kind, site.web.as_path(), site.home.as_deref()),
        (Kind::Php, Path::new("public"), Some("https://app.test"))
    );
    assert!(site.database.is_some());

    assert_eq!(place.refused("nowhere").code, "site.missing");
    assert_eq!(place.refused("static/index.html").code, "site.missing");
    place.write("account/logs/access.log", "");
    place.write("account/public_html/index.html", "<p>hello</p>");
    let refused = place.refused("account");
    assert_eq!(refused.code, "site.not-found");
    assert!(refused.help.contains("account/public_html"), "{refused:?}");
    place.wordpress("bare");
    assert_eq!(place.refused("bare").code, "config.missing");
}
