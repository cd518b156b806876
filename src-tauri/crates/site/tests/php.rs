//! Reading and editing PHP configuration.

use std::path::{Path, PathBuf};
use std::process::Command;

use clonedeck_site::php::{Document, Edit, Environment, Reading, Value, literal};

fn read(text: &str) -> Reading {
    read_with(text, &Environment::default())
}

fn read_with(text: &str, environment: &Environment) -> Reading {
    let document = Document::parse(Path::new("/srv/shop/wp-config.php"), text.as_bytes().to_vec()).unwrap();
    Reading::of_document(document, environment, &[("ABSPATH", "/srv/shop/")]).unwrap()
}

fn text(reading: &Reading, name: &str) -> String {
    reading.constant(name).unwrap().unwrap_or_else(|| panic!("{name} is not defined")).text()
}

#[test]
fn constants_are_read_in_every_way_of_writing_them() {
    let reading = read(
        r#"<?php
        // define('DB_NAME', 'not this one');
        /* define('DB_NAME', 'nor this'); */
        define( 'DB_NAME', 'it\'s' );
        DEFINE("DB_USER", "a\tb\x41\u{e9}\$c");
        const DB_HOST = 'local' . "host";
        $name = 'shop';
        define('GREETING', "hello $name and {$name}");
        \define('PLUGINS', dirname(__DIR__) . '/plugins');
        defined('DB_HOST') or define('DB_HOST', 'another');
        if ( ! defined('LATE') ) { define('LATE', 010 + 0 === 8 ? 'x' : 'y'); }
        if (!defined('ONCE')): define('ONCE', true); endif;
        define('ONCE', false);
        define('NOWDOC', <<<'END'
line one
line two
END
        );
        $table_prefix = 'first_';
        $table_prefix  = "wp_";
        require_once ABSPATH . 'wp-settings.php';
        define('AFTER', 1);
        "#,
    );
    assert_eq!(text(&reading, "DB_NAME"), "it's");
    assert_eq!(text(&reading, "DB_USER"), "a\tbAé$c");
    assert_eq!(text(&reading, "DB_HOST"), "localhost");
    assert_eq!(text(&reading, "GREETING"), "hello shop and shop");
    assert_eq!(text(&reading, "PLUGINS"), "/srv/plugins");
    assert_eq!(text(&reading, "ONCE"), "1");
    assert_eq!(text(&reading, "NOWDOC"), "line one\nline two");
    assert_eq!(reading.variable("table_prefix").unwrap().unwrap().text(), "wp_");
    assert_eq!(reading.constant("AFTER"), Ok(None), "nothing after the platform took over counts");
}

#[test]
fn what_only_run_time_knows_is_said_with_its_reason() {
    let reading = read(
        r"<?php
        define('DB_NAME', getenv_docker('WORDPRESS_DB_NAME', 'wordpress'));
        define('DB_USER', $_ENV['USER']);
        define('WP_HOME', 'http://' . $_SERVER['HTTP_HOST']);
        if ($_SERVER['SERVER_NAME'] == 'a.test') { define('DB_HOST', 'one'); } else { define('DB_HOST', 'two'); }
        define('DB_PASSWORD', file_get_contents('/run/secrets/password'));
        ",
    );
    assert!(reading.constant("DB_NAME").unwrap_err().contains("environment variable WORDPRESS_DB_NAME"));
    assert!(reading.constant("DB_USER").unwrap_err().contains("environment variable USER"));
    assert!(reading.constant("WP_HOME").unwrap_err().contains("HTTP_HOST of the request"));
    assert!(reading.constant("DB_HOST").unwrap_err().contains("condition about SERVER_NAME"));
    assert!(reading.constant("DB_PASSWORD").unwrap_err().contains("file_get_contents()"));
    assert_eq!(reading.constants["DB_HOST"].places.len(), 2, "both definitions are known to an edit");
}

#[test]
fn every_branch_of_a_choice_that_only_a_request_decides_is_known_to_an_edit() {
    let reading = read(
        r"<?php
        switch ($_SERVER['HTTP_HOST']) {
            case 'a.test': define('DB_NAME', 'a'); break;
            case 'b.test': define('DB_NAME', 'b'); define('DB_USER', 'b'); break;
            default: define('DB_NAME', 'c');
        }
        foreach ($all as $one) { $table_prefix = $one; }
        ",
    );
    assert!(reading.constant("DB_NAME").unwrap_err().contains("`switch`"));
    assert_eq!(reading.constants["DB_NAME"].places.len(), 3);
    assert_eq!(reading.constants["DB_USER"].places.len(), 1);
    assert!(reading.variable("table_prefix").unwrap_err().contains("`foreach`"));
}

#[test]
fn given_environment_variables_are_used() {
    let mut environment = Environment::default();
    environment.values.insert("WORDPRESS_DB_NAME".into(), "shop".into());
    let text_of = "<?php define('DB_NAME', getenv_docker('WORDPRESS_DB_NAME', 'wordpress'));
        define('DB_HOST', getenv_docker('WORDPRESS_DB_HOST', 'mysql'));";
    let reading = read_with(text_of, &environment);
    assert_eq!(text(&reading, "DB_NAME"), "shop");
    assert!(reading.constant("DB_HOST").is_err());
    environment.complete = true;
    assert_eq!(text(&read_with(text_of, &environment), "DB_HOST"), "mysql");
}

#[test]
fn included_files_are_followed_where_php_would() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("wp-config.php");
    std::fs::write(folder.path().join("local.php"), "<?php define('DB_NAME', 'local');").unwrap();
    std::fs::write(
        &main,
        "<?php if (file_exists(__DIR__ . '/local.php')) { include __DIR__ . '/local.php'; } else { define('DB_NAME', 'live'); }
        if (is_readable(__DIR__ . '/missing.php')) { require 'missing.php'; } else { define('DB_USER', 'me'); }",
    )
    .unwrap();
    let reading = Reading::of(&main, &Environment::default(), &[]).unwrap();
    assert_eq!(text(&reading, "DB_NAME"), "local");
    assert_eq!(text(&reading, "DB_USER"), "me");
    assert_eq!(reading.files.len(), 2);
}

#[test]
fn an_edit_changes_the_value_and_no_other_byte() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("wp-config.php");
    let before = "<?php\r\n// A comment: define('DB_NAME', 'x');\r\ndefine ( 'DB_NAME' ,  getenv('X') ) ; # tail\r\n\
        if ( $a ) { define('DB_HOST', 'one'); } else { define('DB_HOST', 'two'); }\r\n/** Prefix. */\r\n$table_prefix  = 'wp_';\r\n";
    let mut before = before.as_bytes().to_vec();
    before.extend_from_slice(
        b"// no UTF-8: \xff
"
        .as_slice(),
    );
    std::fs::write(&main, &before).unwrap();
    let reading = Reading::of(&main, &Environment::default(), &[]).unwrap();
    let mut edit = Edit::new(&reading);
    edit.constant("DB_NAME", &"it's \\ new".into());
    edit.constant("DB_HOST", &"three".into());
    edit.constant("WP_ENVIRONMENT_TYPE", &"local".into());
    edit.variable("table_prefix", &"x_".into());
    let changed = edit.finish().unwrap();
    let [(path, after)] = &changed[..] else { panic!("one file changes") };
    assert_eq!(*path, main);
    let expected = String::from_utf8_lossy(&before)
        .replace("getenv('X')", r"'it\'s \\ new'")
        .replace("'one'", "'three'")
        .replace("'two'", "'three'")
        .replace("'wp_'", "'x_'")
        .replace("/** Prefix. */", "define( 'WP_ENVIRONMENT_TYPE', 'local' );\n/** Prefix. */");
    assert_eq!(String::from_utf8_lossy(after), expected);
}

#[test]
fn a_literal_reads_back_in_php_as_the_text_it_was_made_from() {
    let folder = tempfile::tempdir().unwrap();
    for value in [
        "plain",
        "it's",
        r"back\slash",
        r"ends with \",
        "$dollar {$x} \"quoted\"",
        "line\nfeed",
        "<?php ?>",
        "é ∆",
    ] {
        let file: PathBuf = folder.path().join("literal.php");
        std::fs::write(&file, format!("<?php echo bin2hex({});", literal(value))).unwrap();
        let output = Command::new("php").arg("-n").arg(&file).output().unwrap();
        let hex = value.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        assert_eq!(String::from_utf8_lossy(&output.stdout), hex, "for {value:?}");
        let reading = read(&format!("<?php define('X', {});", literal(value)));
        assert_eq!(text(&reading, "X"), value);
    }
}

#[test]
fn no_text_of_a_configuration_is_shown_when_it_is_printed() {
    let reading =
        read("<?php define('DB_PASSWORD', 'hunter2'); define('OTHER', decode('hunter2', x('hunter2')));");
    assert!(!format!("{reading:?}").contains("hunter2"));
    assert_eq!(format!("{:?}", Value::from("hunter2")), "Text(7 bytes)");
}
