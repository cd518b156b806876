//! Bedrock: projects whose settings stand in `.env` files and in the code below `config`.

use std::fs;
use std::path::Path;

use clonedeck_site::Part;
use clonedeck_site::defaults::changes;
use clonedeck_site::platforms::{Hints, recognise};

use crate::{Place, configured, mysql, php};

#[test]
fn bedrock_is_read_and_edited_in_its_env_file() {
    let place = Place::new();
    place.wordpress("site/web/wp");
    fs::create_dir_all(place.path("site/web/app/uploads")).unwrap();
    place.write(
        "site/.env",
        "# Settings\nDATABASE_URL=mysql://bob:hunter2@db.example.com/shop\nWP_ENV='production'\nWP_HOME='https://shop.test'\nWP_SITEURL=\"${WP_HOME}/wp\"\nAUTH_KEY='old'\n",
    );
    place.write("site/web/wp-config.php", "<?php require_once dirname(__DIR__) . '/config/application.php'; require_once ABSPATH . 'wp-settings.php';");
    place.write(
        "site/config/application.php",
        "<?php
use Roots\\WPConfig\\Config;
$root_dir = dirname(__DIR__);
$webroot_dir = $root_dir . '/web';
if (file_exists($root_dir . '/.env')) { $env = load($root_dir); }
define('WP_ENV', env('WP_ENV') ?: 'production');
Config::define('WP_HOME', env('WP_HOME'));
Config::define('WP_SITEURL', env('WP_SITEURL'));
Config::define('CONTENT_DIR', '/app');
Config::define('WP_CONTENT_DIR', $webroot_dir . Config::get('CONTENT_DIR'));
if (env('DB_SSL')) { Config::define('MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL); }
Config::define('DB_NAME', env('DB_NAME'));
Config::define('DB_USER', env('DB_USER'));
Config::define('DB_PASSWORD', env('DB_PASSWORD'));
Config::define('DB_HOST', env('DB_HOST') ?: 'localhost');
$table_prefix = env('DB_PREFIX') ?: 'wp_';
Config::apply();
if (!defined('ABSPATH')) { define('ABSPATH', $webroot_dir . '/wp/'); }
",
    );
    for folder in ["site", "site/web"] {
        let recognised = place.recognised(folder);
        let site = &recognised.site;
        assert_eq!(
            (site.root.clone(), site.web.as_path(), site.core.as_path()),
            (place.path("site"), Path::new("web"), Path::new("web/wp"))
        );
        assert_eq!(site.content, Path::new("web/app"));
        assert_eq!(site.database.as_ref().unwrap().address, mysql("db.example.com", 3306, "bob", "shop"));
        assert_eq!((recognised.password.reveal(), site.prefix()), ("hunter2", Some("wp_")));
        assert_eq!(
            (site.home.as_deref(), site.siteurl.as_deref()),
            (Some("https://shop.test"), Some("https://shop.test/wp"))
        );
        assert_eq!(site.part_of(Path::new("web/app/uploads/x.png")), Part::Media);
    }
    let recognised = place.recognised("site");
    let root = place.copy(&place.path("site"), "copy");
    configured(&recognised, &root, "http://localhost:8080").unwrap();
    let again = recognise(&root, &Hints::default()).unwrap();
    assert_eq!(again.site.database.unwrap().address, mysql("127.0.0.1", 3306, "copier", "shop_copy"));
    assert_eq!(again.password.reveal(), r"it's \ new");
    assert_eq!(again.site.siteurl.as_deref(), Some("http://localhost:8080/wp"));
    let text = fs::read_to_string(root.join(".env")).unwrap();
    assert!(
        text.starts_with("# Settings\n")
            && text.contains("WP_ENV='production'\n")
            && !text.contains("hunter2"),
        "{text}"
    );
}

/// A project in Bedrock's layout that PHP can run: its libraries in a few lines.
pub(crate) fn bedrock_project(place: &Place, env: &str, application: &str) {
    place.wordpress("site/web/wp");
    fs::create_dir_all(place.path("site/web/app/uploads")).unwrap();
    place.write("site/.env", env);
    place.write(
        "site/vendor/autoload.php",
        "<?php namespace Roots\\WPConfig { class Config { static $all = array();
            static function define($name, $value) {
                if (defined($name)) { throw new \\Exception(\"$name is defined already\"); } self::$all[$name] = $value;
            }
            static function apply() { foreach (self::$all as $name => $value) { defined($name) || define($name, $value); } } } }
        namespace { function env($name) {
            static $all; if (!$all) {
                $all = array(); foreach (array('.env', '.env.local') as $file) {
                    $all = array_merge($all, @parse_ini_file(dirname(__DIR__) . \"/$file\", false, INI_SCANNER_RAW) ?: array());
                }
            }
            return isset($all[$name]) ? trim($all[$name], '\\'') : null;
        } }",
    );
    place.write(
        "site/web/wp-config.php",
        "<?php require_once dirname(__DIR__) . '/vendor/autoload.php'; require_once dirname(__DIR__) . '/config/application.php';
        require_once ABSPATH . 'wp-settings.php';",
    );
    place.write(
        "site/config/application.php",
        &format!(
            "<?php
use Roots\\WPConfig\\Config;
$files = file_exists(dirname(__DIR__) . '/.env.local') ? ['.env', '.env.local'] : ['.env'];
Config::define('WP_HOME', env('WP_HOME'));
Config::define('WP_SITEURL', env('WP_SITEURL'));
Config::define('WP_CONTENT_DIR', dirname(__DIR__) . '/web/app');
Config::define('DB_NAME', env('DB_NAME'));
Config::define('DB_USER', env('DB_USER'));
Config::define('DB_PASSWORD', env('DB_PASSWORD'));
Config::define('DB_HOST', env('DB_HOST') ?: 'localhost');
Config::define('AUTH_KEY', env('AUTH_KEY'));
$table_prefix = env('DB_PREFIX') ?: 'wp_';
{application}
Config::apply();
if (!defined('ABSPATH')) {{ define('ABSPATH', dirname(__DIR__) . '/web/wp/'); }}
"
        ),
    );
}

pub(crate) const BEDROCK_ENV: &str = "DB_NAME='shop'\nDB_USER='bob'\nDB_PASSWORD='hunter2'\nDB_HOST='db.example.com'\nWP_HOME='https://shop.test'\n\
     WP_SITEURL='https://shop.test/wp'\nAUTH_KEY='old'\n";

#[test]
fn a_network_of_host_names_in_bedrock_has_its_own_name_and_the_cookies_of_each_host() {
    let place = Place::new();
    let network = "Config::define('MULTISITE', true); Config::define('SUBDOMAIN_INSTALL', true);
Config::define('DOMAIN_CURRENT_SITE', 'shop.test'); Config::define('PATH_CURRENT_SITE', env('PATH_CURRENT_SITE') ?: '/');";
    bedrock_project(&place, BEDROCK_ENV, network);
    let recognised = place.recognised("site");
    let read = |copy: &str, url: &str| {
        let root = place.copy(&place.path("site"), copy);
        configured(&recognised, &root, url).unwrap();
        configured(&recognised, &root, url).unwrap();
        php(&root.join("web/wp-config.php"))
    };
    let here = read("here", "http://localhost:8080");
    assert_eq!(
        (&here["COOKIE_DOMAIN"], &here["DOMAIN_CURRENT_SITE"]),
        (&"".into(), &"localhost:8080".into())
    );
    let there = read("there", "https://staging.example.com");
    assert_eq!(
        (there.get("COOKIE_DOMAIN"), &there["DOMAIN_CURRENT_SITE"]),
        (None, &"staging.example.com".into())
    );

    // One that the project has is changed where it stands.
    let own = network.to_owned() + "Config::define('COOKIE_DOMAIN', $_SERVER['HTTP_HOST'] ?? '.shop.test');";
    bedrock_project(&place, BEDROCK_ENV, &own);
    assert_eq!(read("again", "http://localhost:8080")["COOKIE_DOMAIN"], "");
}

#[test]
fn what_a_bedrock_project_fixes_in_its_code_or_in_a_later_file_is_the_copys_too() {
    let place = Place::new();
    bedrock_project(&place, BEDROCK_ENV, "require __DIR__ . '/environments/production.php';");
    place.write(
        "site/config/environments/production.php",
        "<?php use Roots\\WPConfig\\Config; Config::define('DB_USER', 'alice'); Config::define('CDN', 'https://shop.test/cdn');",
    );
    place.write("site/.env.local", "DB_NAME='local'\nCACHE_DIR='/nowhere'\n");
    let source = place.path("site");
    let env = format!("{BEDROCK_ENV}UPLOADS_PATH='{}/web/app/uploads'\n", source.display());
    place.write("site/.env", &env);
    let recognised = place.recognised("site");
    assert_eq!(
        recognised.site.database.as_ref().unwrap().address,
        mysql("db.example.com", 3306, "alice", "local")
    );
    let root = place.copy(&source, "copy");
    configured(&recognised, &root, "http://localhost:8080").unwrap();
    let read = php(&root.join("web/wp-config.php"));
    for (name, value) in [
        ("DB_NAME", "shop_copy"),
        ("DB_USER", "copier"),
        ("CDN", "http://localhost:8080/cdn"),
        ("DB_HOST", "127.0.0.1"),
    ] {
        assert_eq!(read[name], value, "{name}");
    }
    assert_ne!(read["AUTH_KEY"], "old");
    let local = fs::read_to_string(root.join(".env.local")).unwrap();
    assert_eq!(local, "DB_NAME='shop_copy'\nCACHE_DIR='/nowhere'\n", "it sets what it set");
    let env = fs::read_to_string(root.join(".env")).unwrap();
    assert!(env.contains(&format!("UPLOADS_PATH='{}/web/app/uploads'\n", root.display())), "{env}");
    for file in [".env", ".env.local", "config/environments/production.php"] {
        assert!(changes(&recognised.site, Path::new(file)), "{file} is changed on purpose");
    }
    assert!(!changes(&recognised.site, Path::new("web/index.php")));
}
