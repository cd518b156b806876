//! Sites are recognised in every layout, and their copies get configurations that PHP reads as meant.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use clonedeck_site::databases::{DatabaseAddress, Server};
use clonedeck_site::defaults::{Target, changes, configure, written};
use clonedeck_site::php::Environment;
use clonedeck_site::platforms::{
    Hints, Kind, Layout, NetworkKind, NetworkSite, Recognised, Tree, pairs, recognise,
};
use clonedeck_site::preview;
use clonedeck_site::{Part, Problem, Secret};

/// A folder with sites in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.0.path()).unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The files by which WordPress is known. Its settings print what the configuration defined.
    fn wordpress(&self, folder: &str) {
        self.write(&format!("{folder}/wp-includes/version.php"), "<?php $wp_version = '6.5.2';");
        self.write(
            &format!("{folder}/wp-settings.php"),
            "<?php echo json_encode(get_defined_constants(true)['user'] + array('table_prefix' => $table_prefix));",
        );
        self.write(&format!("{folder}/index.php"), "<?php require __DIR__ . '/wp-blog-header.php';");
        for inner in ["plugins", "themes", "uploads"] {
            fs::create_dir_all(self.path(folder).join("wp-content").join(inner)).unwrap();
        }
    }

    fn recognised(&self, folder: &str) -> Recognised {
        recognise(&self.path(folder), &Hints::default()).unwrap()
    }

    fn refused(&self, folder: &str) -> Problem {
        recognise(&self.path(folder), &Hints::default()).unwrap_err()
    }

    fn copy(&self, from: &Path, to: &str) -> PathBuf {
        let to = self.path(to);
        let done = Command::new("cp").arg("-a").arg(from).arg(&to).status().unwrap();
        assert!(done.success());
        to
    }
}

const CONFIG: &str = "<?php
define('DB_NAME', 'shop'); define('DB_USER', 'bob'); define('DB_PASSWORD', 'hunter2'); define('DB_HOST', 'db.example.com:3307');
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
";

fn mysql(host: &str, port: u16, user: &str, name: &str) -> DatabaseAddress {
    DatabaseAddress::Mysql {
        server: Server::Tcp { host: host.into(), port },
        user: user.into(),
        name: name.into(),
    }
}

/// What PHP makes of a configuration.
fn php(file: &Path) -> serde_json::Value {
    let output = Command::new("php").args(["-n", "-d", "display_errors=stderr"]).arg(file).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.is_empty(),
        "PHP complains about {}: {stderr}\n{}",
        file.display(),
        fs::read_to_string(file).unwrap()
    );
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stdout)))
}

fn configured(
    recognised: &Recognised,
    root: &Path,
    url: &str,
) -> clonedeck_site::Result<Vec<clonedeck_site::defaults::Setting>> {
    let database = mysql("127.0.0.1", 3306, "copier", "shop_copy");
    let password = Secret::new(r"it's \ new");
    configure(&Target {
        site: &recognised.site,
        root,
        url,
        database: Some(&database),
        password: &password,
        debug: Some(true),
    })
}

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
fn a_copy_gets_its_own_values_and_php_reads_them_as_meant() {
    let place = Place::new();
    place.wordpress("shop");
    let source = place.path("shop").display().to_string();
    place.write(
        "shop/wp-config.php",
        &CONFIG.replace(
            "$table_prefix",
            &format!(
                "define('WP_HOME', 'https://' . $_SERVER['HTTP_HOST']); const WP_SITEURL = 'https://shop.test/';
define('WP_CONTENT_URL', 'https://shop.test/wp-content'); define('OTHER', 'https://shop.test.example/');
define('CACHE_PATH', '{source}/wp-content/cache/'); define('NEAR', '{source}2/x'); define('FORCE_SSL_ADMIN', true);
define('WP_CACHE', true); define('COOKIE_DOMAIN', '.shop.test'); define('AUTH_KEY', 'old');
$table_prefix"
            ),
        ),
    );
    place.write(
        "shop/.user.ini",
        &format!("auto_prepend_file = '{source}/wordfence-waf.php'\nopen_basedir={source}:{source}2:/tmp\n"),
    );
    place.write("shop/.htaccess", "RewriteBase /\nRewriteRule ^index\\.php$ - [L]\nRewriteRule . /index.php [L]\nErrorDocument 404 /missing.html\n");
    let mut recognised = place.recognised("shop");
    assert!(
        recognised.site.unread[0].starts_with("WP_HOME is known only at run time"),
        "{:?}",
        recognised.site.unread
    );
    recognised.site.home = Some("https://shop.test".into());
    let root = place.copy(&place.path("shop"), "copy");
    let before = fs::read(place.path("shop/wp-config.php")).unwrap();
    for _ in 0..2 {
        let settings = configured(&recognised, &root, "http://localhost:8080/two").unwrap();
        assert!(!format!("{settings:?}").contains("it's"), "{settings:?}");
        let read = php(&root.join("wp-config.php"));
        let copy = root.display();
        for (name, value) in [
            ("DB_NAME", "shop_copy"),
            ("DB_USER", "copier"),
            ("DB_PASSWORD", r"it's \ new"),
            ("DB_HOST", "127.0.0.1"),
            ("WP_HOME", "http://localhost:8080/two"),
            ("WP_SITEURL", "http://localhost:8080/two"),
            ("WP_CONTENT_URL", "http://localhost:8080/two/wp-content"),
            ("OTHER", "https://shop.test.example/"),
            ("CACHE_PATH", &format!("{copy}/wp-content/cache/")),
            ("NEAR", &format!("{source}2/x")),
            ("COOKIE_DOMAIN", ""),
            ("WP_ENVIRONMENT_TYPE", "local"),
            ("table_prefix", "wp_"),
        ] {
            assert_eq!(read[name], value, "{name}");
        }
        assert_eq!(
            (&read["FORCE_SSL_ADMIN"], &read["WP_CACHE"], &read["WP_DEBUG"]),
            (&false.into(), &false.into(), &true.into())
        );
        assert_eq!(read["AUTH_KEY"].as_str().unwrap().len(), 64);
        assert_ne!(read["NONCE_SALT"], read["AUTH_SALT"]);
        let ini = fs::read_to_string(root.join(".user.ini")).unwrap();
        assert_eq!(
            ini,
            format!("auto_prepend_file = '{copy}/wordfence-waf.php'\nopen_basedir={copy}:{source}2:/tmp\n")
        );
        let rules = fs::read_to_string(root.join(".htaccess")).unwrap();
        assert_eq!(
            rules,
            "RewriteBase /two/\nRewriteRule ^index\\.php$ - [L]\nRewriteRule . /two/index.php [L]\nErrorDocument 404 /missing.html\n"
        );
    }
    assert_eq!(fs::read(place.path("shop/wp-config.php")).unwrap(), before);
}

#[test]
fn a_configuration_one_level_up_comes_into_the_copy_with_what_it_includes() {
    let place = Place::new();
    place.wordpress("site/public");
    place.write("lib/start.php", "<?php require __DIR__ . '/inner.php';");
    place.write("lib/inner.php", "<?php function measure() {}");
    place.write(
        "site/wp-config.php",
        &CONFIG.replace(
            "define('DB_NAME', 'shop');",
            "require __DIR__ . '/secret.php'; require __DIR__ . '/../lib/start.php';",
        ),
    );
    place.write("site/secret.php", "<?php define('DB_NAME', 'shop');");
    let recognised = place.recognised("site/public");
    let configuration = recognised.site.configuration.clone().unwrap();
    assert_eq!((configuration.layout, configuration.file), (Layout::Php, place.path("site/wp-config.php")));
    let root = place.copy(&place.path("site/public"), "copy");
    configured(&recognised, &root, "http://localhost:8080").unwrap();
    assert_eq!(php(&root.join("wp-config.php"))["DB_NAME"], "shop_copy");
    let beside = Path::new("wp-config-1.php");
    assert!(root.join(beside).is_file() && written(&recognised.site).iter().any(|file| file == beside));
    assert_eq!(
        fs::read_to_string(place.path("site/secret.php")).unwrap(),
        "<?php define('DB_NAME', 'shop');"
    );
    assert!(!place.path("wp-config.php").exists(), "nothing is written beside the copy");

    // One that belongs to another WordPress is not taken for this one's.
    place.write("site/wp-settings.php", "<?php");
    assert_eq!(place.refused("site/public").code, "config.missing");
}

#[test]
fn folders_that_a_configuration_one_level_up_names_by_its_own_place_are_the_copys() {
    let place = Place::new();
    place.wordpress("site/public");
    fs::rename(place.path("site/public/wp-content"), place.path("site/public/assets")).unwrap();
    let content = "define('WP_CONTENT_DIR', __DIR__ . '/public/assets'); $table_prefix";
    place.write("site/wp-config.php", &CONFIG.replace("$table_prefix", content));
    let recognised = place.recognised("site/public");
    assert_eq!(recognised.site.content, Path::new("assets"));
    let root = place.copy(&place.path("site/public"), "copy");
    let settings = configured(&recognised, &root, "http://localhost:8080").unwrap();
    let assets = root.join("assets").display().to_string();
    assert_eq!(php(&root.join("wp-config.php"))["WP_CONTENT_DIR"], assets);
    assert!(settings.iter().any(|setting| setting.name == "WP_CONTENT_DIR" && setting.to == assets));
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
fn cookies_of_a_network_of_host_names_on_a_port_are_those_of_each_host() {
    let place = Place::new();
    place.wordpress("net");
    let network = "define('MULTISITE', true); define('SUBDOMAIN_INSTALL', true); define('DOMAIN_CURRENT_SITE', 'net.test'); define('PATH_CURRENT_SITE', '/'); $table_prefix";
    place.write("net/wp-config.php", &CONFIG.replace("$table_prefix", network));
    let recognised = place.recognised("net");
    let cookies = |copy: &str, url: &str| {
        let root = place.copy(&place.path("net"), copy);
        configured(&recognised, &root, url).unwrap();
        php(&root.join("wp-config.php")).get("COOKIE_DOMAIN").cloned()
    };
    assert_eq!(cookies("here", "http://localhost:8080"), Some("".into()));
    assert_eq!(cookies("there", "https://staging.example.com"), None);
}

#[test]
fn a_password_that_stays_is_no_setting_of_the_copy() {
    let place = Place::new();
    place.wordpress("shop");
    let names = |own: &str, copy: &str| {
        place.write("shop/wp-config.php", &CONFIG.replace("'hunter2'", own));
        let root = place.copy(&place.path("shop"), copy);
        let settings = configured(&place.recognised("shop"), &root, "http://localhost:8080").unwrap();
        settings.into_iter().map(|setting| setting.name).collect::<Vec<_>>()
    };
    assert!(names("'hunter2'", "one").contains(&"DB_PASSWORD".to_owned()));
    let same = names(r"'it\'s \\ new'", "two");
    assert!(!same.contains(&"DB_PASSWORD".to_owned()) && same.contains(&"DB_NAME".to_owned()), "{same:?}");
}

#[test]
fn an_include_by_an_absolute_path_leads_into_the_copy() {
    let place = Place::new();
    place.wordpress("shop");
    let own = place.path("shop/settings/live.php");
    place.write("shop/settings/live.php", "<?php define('DB_NAME', 'shop');");
    place.write(
        "shop/wp-config.php",
        &CONFIG.replace("define('DB_NAME', 'shop');", &format!("require '{}';", own.display())),
    );
    let recognised = place.recognised("shop");
    let root = place.copy(&place.path("shop"), "copy");
    configured(&recognised, &root, "http://localhost:8080").unwrap();
    assert_eq!(php(&root.join("wp-config.php"))["DB_NAME"], "shop_copy");
    assert_eq!(fs::read_to_string(&own).unwrap(), "<?php define('DB_NAME', 'shop');");
    assert!(changes(&recognised.site, Path::new("settings/live.php")), "a check knows that it was changed");
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
fn bedrock_project(place: &Place, env: &str, application: &str) {
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

const BEDROCK_ENV: &str = "DB_NAME='shop'\nDB_USER='bob'\nDB_PASSWORD='hunter2'\nDB_HOST='db.example.com'\nWP_HOME='https://shop.test'\n\
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

#[test]
fn a_copy_whose_configuration_would_lead_it_to_the_database_of_its_source_is_refused() {
    let place = Place::new();
    place.wordpress("shop");
    // What is named as the configuration is not where WordPress looks.
    place.write("shop/wp-config.php", CONFIG);
    place.write("shop/conf/live.php", CONFIG);
    let hints = Hints { config: Some(place.path("shop/conf/live.php")), ..Hints::default() };
    let recognised = recognise(&place.path("shop"), &hints).unwrap();
    let root = place.copy(&place.path("shop"), "copy");
    let refused = configured(&recognised, &root, "http://localhost:8080").unwrap_err();
    assert_eq!(refused.code, "config.elsewhere");
    assert!(
        refused.message.contains("/shop,") && refused.message.contains("/shop_copy"),
        "{}",
        refused.message
    );
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
fn a_configuration_shared_by_a_whole_machine_is_replaced_in_the_copy() {
    let place = Place::new();
    place.wordpress("shop");
    place.write(
        "shop/wp-config.php",
        "<?php $file = '/etc/wordpress/config-' . $_SERVER['HTTP_HOST'] . '.php'; require $file;",
    );
    let hints = Hints {
        database: Some(mysql("db", 3306, "x", "y")),
        prefix: Some("abc_".into()),
        ..Hints::default()
    };
    let recognised = recognise(&place.path("shop"), &hints).unwrap();
    assert_eq!(recognised.site.configuration.as_ref().unwrap().layout, Layout::Shared);
    let root = place.copy(&place.path("shop"), "copy");
    configured(&recognised, &root, "http://localhost:8080").unwrap();
    let read = php(&root.join("wp-config.php"));
    assert_eq!((read["DB_NAME"].as_str(), read["table_prefix"].as_str()), (Some("shop_copy"), Some("abc_")));
}

#[test]
fn a_network_in_constants_is_known_and_its_copy_gets_its_own() {
    let place = Place::new();
    place.wordpress("net");
    place.write(
        "net/wp-config.php",
        &CONFIG.replace(
            "$table_prefix",
            "define('MULTISITE', true); define('SUBDOMAIN_INSTALL', true); define('DOMAIN_CURRENT_SITE', 'net.test'); define('PATH_CURRENT_SITE', '/');\n$table_prefix",
        ),
    );
    let mut recognised = place.recognised("net");
    recognised.site.home = Some("https://net.test".into());
    let network = recognised.site.network.as_mut().unwrap();
    assert_eq!((network.kind, network.domain.as_str()), (NetworkKind::Subdomain, "net.test"));
    let mut add = |id, domain: &str| {
        let home = format!("https://{domain}");
        network.sites.push(NetworkSite {
            id,
            domain: domain.into(),
            path: "/".into(),
            siteurl: home.clone(),
            home,
        });
    };
    add(1, "net.test");
    add(2, "second.net.test");
    add(3, "own-domain.example");
    let root = place.copy(&place.path("net"), "copy");
    let url = preview::address(&recognised.site, 8080);
    assert_eq!(url, "http://localhost:8080");
    let found = pairs(&recognised.site, &url, &root).unwrap();
    let to = |old: &str| found.iter().find(|(from, _)| from == old).map(|(_, to)| to.as_str());
    assert_eq!(to("https://net.test"), Some("http://localhost:8080"));
    assert_eq!(to("http://second.net.test"), Some("http://second.localhost:8080"));
    assert_eq!(to("https://own-domain.example"), Some("http://own-domain-example.localhost:8080"));
    assert_eq!(to(place.path("net").to_str().unwrap()), root.to_str());
    assert_eq!(pairs(&recognised.site, "http://127.0.0.1:1", &root).unwrap_err().code, "address.refused");
    configured(&recognised, &root, &url).unwrap();
    let read = php(&root.join("wp-config.php"));
    assert_eq!(
        (read["DOMAIN_CURRENT_SITE"].as_str(), read["PATH_CURRENT_SITE"].as_str()),
        (Some("localhost:8080"), Some("/"))
    );
}

#[test]
fn a_link_in_the_copy_never_carries_a_write_to_the_source() {
    let place = Place::new();
    place.wordpress("shop");
    place.write("shared/wp-config.php", CONFIG);
    symlink(place.path("shared/wp-config.php"), place.path("shop/wp-config.php")).unwrap();
    let recognised = place.recognised("shop");
    let root = place.copy(&place.path("shop"), "copy");
    configured(&recognised, &root, "http://localhost:8080").unwrap();
    assert_eq!(
        fs::read_to_string(place.path("shared/wp-config.php")).unwrap(),
        CONFIG,
        "the shared file is as it was"
    );
    assert_eq!(php(&root.join("wp-config.php"))["DB_NAME"], "shop_copy");

    // A folder that is a link is refused.
    place.write("shared/settings/db.php", "<?php define('DB_NAME', 'shop');");
    place.wordpress("second");
    place.write(
        "second/wp-config.php",
        &CONFIG.replace("define('DB_NAME', 'shop');", "require __DIR__ . '/settings/db.php';"),
    );
    symlink(place.path("shared/settings"), place.path("second/settings")).unwrap();
    let recognised = place.recognised("second");
    let root = place.copy(&place.path("second"), "second-copy");
    assert_eq!(configured(&recognised, &root, "http://localhost:8080").unwrap_err().code, "config.outside");
    assert_eq!(
        fs::read_to_string(place.path("shared/settings/db.php")).unwrap(),
        "<?php define('DB_NAME', 'shop');"
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
