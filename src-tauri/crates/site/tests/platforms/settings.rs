//! What the configuration of a copy says.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use clonedeck_site::Secret;
use clonedeck_site::defaults::{Target, changes, configure, written};
use clonedeck_site::platforms::{Hints, Layout, NetworkKind, NetworkSite, pairs, recognise};
use clonedeck_site::preview;

use crate::bedrock::{BEDROCK_ENV, bedrock_project};
use crate::{CONFIG, Place, configured, mysql, php};

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
    assert!(refused.message.contains("/shop,"), "{}", refused.message);
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
    assert_eq!(
        to("http://www.own-domain.example"),
        to("https://own-domain.example"),
        "the other name of a host"
    );
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
fn a_copy_whose_database_was_left_out_has_none() {
    let without = |place: &Place, folder: &str| {
        let recognised = place.recognised(folder);
        let root = place.copy(&place.path(folder), "copy");
        let password = Secret::default();
        let url = "http://localhost:8080";
        let target = Target {
            site: &recognised.site,
            root: &root,
            url,
            database: None,
            password: &password,
            debug: None,
        };
        configure(&target).unwrap();
        root
    };
    let place = Place::new();
    place.wordpress("shop");
    place.write("shop/wp-config.php", CONFIG);
    let root = without(&place, "shop");
    assert_eq!(php(&root.join("wp-config.php"))["DB_NAME"], "database_was_left_out");

    let place = Place::new();
    bedrock_project(&place, BEDROCK_ENV, "");
    let root = without(&place, "site");
    assert_eq!(php(&root.join("web/wp-config.php"))["DB_NAME"], "database_was_left_out");

    let place = Place::new();
    place.wordpress("lite");
    place.write("lite/wp-content/db.php", "<?php // sqlite");
    let folder = place.path("lite/wp-content/data").display().to_string();
    place.write(
        "lite/wp-config.php",
        &CONFIG.replace("$table_prefix", &format!("define('DB_DIR', '{folder}');\n$table_prefix")),
    );
    let root = without(&place, "lite");
    let due = format!("{}/", root.join("wp-content/data").display());
    assert_eq!(php(&root.join("wp-config.php"))["DB_DIR"], *due);
}

#[test]
fn a_host_is_known_by_its_name_with_www_and_without() {
    let place = Place::new();
    place.wordpress("shop");
    place.write("shop/wp-config.php", CONFIG);
    let mut site = place.recognised("shop").site;
    let mut to = |home: &str, url: &str, old: &str| {
        site.home = Some(home.into());
        let found = pairs(&site, url, Path::new("/srv/copy")).unwrap();
        found.into_iter().find(|(from, _)| from == old).map(|(_, to)| to)
    };
    let here = "http://127.0.0.1:8080";
    assert_eq!(to("https://shop.test/eu", here, "http://www.shop.test/eu").as_deref(), Some(here));
    assert_eq!(to("https://www.shop.test", here, "https://shop.test").as_deref(), Some(here));
    assert_eq!(
        to("https://shop.test", "https://www.shop.test", "https://www.shop.test"),
        None,
        "that is the copy"
    );
    for home in ["http://localhost", "http://shop.localhost", "http://192.0.2.7", "http://intranet"] {
        let twin = home.replace("://", "://www.");
        assert_eq!(to(home, "https://copy.test", &twin), None, "{home}");
    }
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
