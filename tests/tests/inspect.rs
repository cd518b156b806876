//! What `clonedeck inspect` says of a site, and of one that says too little of itself when the operator fills the gaps.

use std::fs;
use std::path::Path;
use std::process::Command;

use clonedeck_tests::desk::{Desk, error_of};
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::program::{expect_code, stdout_of};
use clonedeck_tests::wordpress::WordPress;
use serde_json::Value;

fn inspect(desk: &Desk, site: &Path, words: &[&str]) -> Command {
    let mut command = desk.command();
    command.args(["--json", "inspect"]).arg(site).args(words);
    command
}

fn seen(command: &mut Command) -> Value {
    serde_json::from_str(&stdout_of(command)).expect("JSON")
}

/// What is told of a site, whatever the size of its configuration.
fn gist(site: &Value) -> [&Value; 6] {
    let database = &site["database"];
    [
        &site["platform"],
        &site["version"],
        &site["title"],
        &site["addresses"],
        &database["address"],
        &database["tables"],
    ]
}

fn code(command: &mut Command) -> String {
    error_of(&expect_code(command, 2).stdout)["code"].as_str().expect("a code").to_owned()
}

#[test]
fn a_site_is_told_of_and_what_its_configuration_leaves_open_is_given() {
    let desk = Desk::new();
    let server = MariaDb::shared();
    let site = WordPress::install_empty(&desk.path("shop"), &server, "http://shop.test");
    let folder = site.folder.as_path();
    let whole = seen(&mut inspect(&desk, folder, &[]));
    assert_eq!((&whole["platform"], &whole["title"]), (&"wordpress".into(), &"Harbour Shop".into()));
    assert_eq!(whole["addresses"], serde_json::json!(["http://shop.test"]));
    assert_eq!((&whole["database"]["tables"], &whole["notes"]), (&12.into(), &serde_json::json!([])));
    let parts: Vec<_> = whole["parts"].as_array().expect("parts").iter().map(|part| &part["part"]).collect();
    assert_eq!(parts, ["core", "modules", "themes", "media"]);
    let people = stdout_of(desk.command().arg("inspect").arg(folder));
    assert!(people.contains("Harbour Shop") && people.contains("12 tables"), "{people}");

    // The name of the database is in the environment of the web server.
    let config = folder.join("wp-config.php");
    let own = fs::read_to_string(&config).expect("a configuration");
    let name = format!("'{}'", site.database);
    fs::write(&config, own.replace(&name, "getenv('SHOP_DATABASE')")).expect("a configuration");
    assert_eq!(code(&mut inspect(&desk, folder, &[])), "config.computed");
    let mut command = inspect(&desk, folder, &["--source-env", "SHOP_DATABASE"]);
    assert_eq!(code(command.env_remove("SHOP_DATABASE")), "environment.missing");
    let given = seen(command.env("SHOP_DATABASE", &site.database));
    assert_eq!(gist(&given), gist(&whole), "with the variable it is the same site");

    // Or it is named outright, with its password apart.
    server.sql(&format!(
        "CREATE USER watcher IDENTIFIED BY 'secret'; GRANT SELECT ON `{}`.* TO watcher",
        site.database
    ));
    let address = server.address_as("watcher", &site.database);
    let mut command = inspect(&desk, folder, &["--source-db", &address]);
    assert_eq!(code(command.env("CLONEDECK_SOURCE_DB_PASSWORD", "wrong")), "database.refused-login");
    let given = seen(command.env("CLONEDECK_SOURCE_DB_PASSWORD", "secret"));
    assert_eq!(given["database"]["address"], *address);
    assert_eq!(given["title"], "Harbour Shop");
    assert!(!given.to_string().contains("secret"));

    // The configuration lies in no usual place.
    let elsewhere = desk.path("shop-settings.php");
    fs::write(&elsewhere, &own).expect("a configuration");
    fs::remove_file(&config).expect("a configuration less");
    assert_eq!(code(&mut inspect(&desk, folder, &[])), "config.missing");
    let given = seen(&mut inspect(&desk, folder, &["--source-config", &elsewhere.display().to_string()]));
    assert_eq!(gist(&given), gist(&whole));

    // Two sites in one database, and no word of which is this one.
    let tables = server.sql_in(&site.database, "SHOW TABLES");
    for table in tables.lines() {
        let other = table.replacen("wp_", "other_", 1);
        server.sql_in(
            &site.database,
            &format!("CREATE TABLE `{other}` LIKE `{table}`; INSERT INTO `{other}` SELECT * FROM `{table}`"),
        );
    }
    server.sql_in(
        &site.database,
        "UPDATE other_options SET option_value = 'Other Shop' WHERE option_name = 'blogname'",
    );
    let open = own.replace("$table_prefix = 'wp_';", "$table_prefix = getenv('SHOP_PREFIX');");
    fs::write(&config, open).expect("a configuration");
    for (prefix, title) in [("wp_", "Harbour Shop"), ("other_", "Other Shop")] {
        assert_eq!(seen(&mut inspect(&desk, folder, &["--source-prefix", prefix]))["title"], title);
    }
    assert_eq!(code(&mut inspect(&desk, folder, &[])), "database.several-sites");
}

#[test]
fn a_site_of_no_known_kind_has_the_address_and_the_database_that_it_is_given() {
    let desk = Desk::new();
    let server = MariaDb::shared();
    let site = desk.path("site");
    fs::create_dir(&site).expect("a folder");
    fs::write(site.join("index.php"), "<?php echo 'hello';").expect("a page");
    let plain = seen(&mut inspect(&desk, &site, &[]));
    assert_eq!((&plain["platform"], &plain["database"]), (&"php".into(), &Value::Null));
    assert!(plain["notes"].to_string().contains("--source-db"), "{plain}");
    let database = server.fresh_database("generic");
    server.sql_in(&database, "CREATE TABLE pages (id INT PRIMARY KEY)");
    let address = server.address(&database);
    let words = ["--source-db", &*address, "--source-url", "https://generic.test/"];
    let given = seen(&mut inspect(&desk, &site, &words));
    assert_eq!(given["addresses"], serde_json::json!(["https://generic.test"]));
    assert_eq!((&given["database"]["tables"], &given["notes"]), (&1.into(), &serde_json::json!([])));
    assert_eq!(code(&mut inspect(&desk, &site, &["--source-db", "mysql//nowhere"])), "database.address");
}
