//! A demo that needs nothing: a small shop, shaped like WordPress on SQLite, with content and code of our own.
//!
//! It is recognised, copied, rewritten, made neutral and served like any WordPress site, and is none: a few small PHP files answer
//! for it.

mod content;
mod serialize;

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use serde_json::json;

use crate::defaults::{Login, salt};
use crate::php::literal;
use crate::{Problem, Result};

const SALTS: [&str; 8] = crate::defaults::SALTS;

/// What says that a folder is the demo's, and whether it is whole.
const MARKER: &str = "wp-content/harbour-demo.txt";
const WHOLE: &str = "This shop is a demo. Everything in it is made up.\n";

const FILES: [(&str, &str); 14] = [
    ("index.php", include_str!("files/index.php")),
    ("wp-load.php", include_str!("files/wp-load.php")),
    ("wp-settings.php", include_str!("files/wp-settings.php")),
    ("wp-login.php", include_str!("files/wp-login.php")),
    ("wp-admin/index.php", include_str!("files/wp-admin/index.php")),
    ("wp-includes/version.php", include_str!("files/wp-includes/version.php")),
    ("wp-includes/hooks.php", include_str!("files/wp-includes/hooks.php")),
    ("wp-includes/database.php", include_str!("files/wp-includes/database.php")),
    ("wp-includes/login.php", include_str!("files/wp-includes/login.php")),
    ("wp-includes/pages.php", include_str!("files/wp-includes/pages.php")),
    ("wp-content/themes/harbour/functions.php", include_str!("files/theme/functions.php")),
    ("wp-content/themes/harbour/style.css", include_str!("files/theme/style.css")),
    ("wp-content/plugins/harbour-shop/harbour-shop.php", include_str!("files/plugin/harbour-shop.php")),
    (
        "wp-content/db.php",
        "<?php\n// The demo keeps its data with SQLite, in wp-content/database/.ht.sqlite.\n",
    ),
];

/// Makes the demo in `folder`, or finds the whole one that is there already.
///
/// # Errors
/// `target.not-empty` if something else is in the folder.
pub fn make(folder: &Path) -> Result<PathBuf> {
    let marker = fs::read_to_string(folder.join(MARKER)).ok();
    if marker.as_deref() == Some(WHOLE) {
        return Ok(folder.to_owned());
    }
    if marker.is_none() && fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Problem::permanent(
            "target.not-empty",
            format!("{} holds something else.", folder.display()),
        )
        .help("Choose an empty folder for the demo.")
        .with("path", folder.display()));
    }
    write(&folder.join(MARKER), "The demo is being made here.\n")?;
    for (name, text) in FILES {
        write(&folder.join(name), text)?;
    }
    write(&folder.join("wp-config.php"), &configuration()?)?;
    write(
        &folder.join(".htaccess"),
        "RewriteEngine On\nRewriteBase /\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . /index.php [L]\n",
    )?;
    media(folder)?;
    let database = folder.join("wp-content/database/.ht.sqlite");
    write(&database, "")?;
    // A journal of a making that was cut off belongs to another file.
    let _ = fs::remove_file(database.with_file_name(".ht.sqlite-journal"));
    fill(&database).map_err(|error| {
        Problem::permanent(
            "demo.failed",
            format!("The demo's database cannot be made in {}: {error}.", database.display()),
        )
    })?;
    write(&folder.join(MARKER), WHOLE)?;
    Ok(folder.to_owned())
}

fn write(path: &Path, text: &str) -> Result<()> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    written.map_err(|error| {
        let message = format!("The demo cannot be made: {} cannot be written: {error}.", path.display());
        Problem::needs_person("demo.failed", message)
            .help("Make room, or give yourself the right to write there.")
    })
}

fn configuration() -> Result<String> {
    let mut text = String::from(
        "<?php\n/** The configuration of the demo, written like WordPress's. */\ndefine( 'DB_ENGINE', 'sqlite' );\n\
         define( 'DB_NAME', 'harbour' );\ndefine( 'DB_USER', '' );\ndefine( 'DB_PASSWORD', '' );\ndefine( 'DB_HOST', '' );\n\n",
    );
    for name in SALTS {
        text.push_str(&format!("define( '{name}', {} );\n", literal(&salt()?)));
    }
    text.push_str(
        "\n$table_prefix = 'wp_';\n\ndefine( 'WP_DEBUG', false );\n\nif ( ! defined( 'ABSPATH' ) ) {\n\tdefine( 'ABSPATH', __DIR__ . '/' );\n}\n\
         require_once ABSPATH . 'wp-settings.php';\n",
    );
    Ok(text)
}

fn media(folder: &Path) -> Result<()> {
    let uploads = folder.join("wp-content/uploads");
    let products = content::products();
    for product in &products {
        for (size, width) in content::SIZES {
            let name = format!("{}/{}-{size}.svg", product.month, product.slug);
            write(&uploads.join(name), &product.drawing(width))?;
        }
        let css = format!(".product-{}{{background-image:url({})}}\n", product.slug, product.picture("full"));
        write(&uploads.join(format!("builder/css/{}.css", product.slug)), &css)?;
    }
    write(&uploads.join("2024/01/banner.svg"), &products[0].drawing(1200))
}

fn fill(path: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    let work = connection.transaction()?;
    work.execute_batch(include_str!("schema.sql"))?;
    for (name, value) in content::options() {
        work.execute(
            "INSERT INTO wp_options (option_name, option_value) VALUES (?1, ?2)",
            params![name, value],
        )?;
    }
    // Nobody knows this password: the source is only looked at, and its copy gets a login of its own.
    let hash = Login::new("keeper").and_then(|login| login.hash()).unwrap_or_else(|_| "!".into());
    work.execute(
        "INSERT INTO wp_users (user_login, user_pass, user_nicename, user_email, user_url, user_registered, display_name) \
         VALUES ('keeper', ?1, 'keeper', 'keeper@harbour-shop.test', ?2, '2024-01-01 08:00:00', 'The keeper')",
        params![hash, content::URL],
    )?;
    for (key, value) in [
        ("wp_capabilities", serialize::serialize(&json!({"administrator": true}))),
        ("wp_user_level", "10".into()),
        (
            "session_tokens",
            serialize::serialize(&json!({"0a1b": {"expiration": 1_900_000_000, "ip": "192.0.2.7"}})),
        ),
    ] {
        work.execute(
            "INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES (1, ?1, ?2)",
            params![key, value],
        )?;
    }
    for (title, name, text, kind) in content::pages() {
        post(&work, title, name, &text, kind)?;
    }
    for product in content::products() {
        let link = format!("<p>{} <a href=\"{}/\">Back to the shelf</a></p>", product.text, content::URL);
        let id = post(&work, &product.title, &product.slug, &link, "product")?;
        let pictures: serde_json::Map<_, _> = content::SIZES
            .iter()
            .map(|(size, _)| ((*size).to_owned(), json!(product.picture(size))))
            .collect();
        for (key, value) in [
            ("_price", product.price.clone()),
            ("_picture", serialize::serialize(&json!(pictures))),
            ("_elementor_data", product.builder()),
            (
                "_elementor_page_settings",
                serialize::serialize(
                    &json!({"background": {"url": product.picture("full")}, "padding": {"top": "2", "isLinked": true}}),
                ),
            ),
        ] {
            work.execute(
                "INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES (?1, ?2, ?3)",
                params![id, key, value],
            )?;
        }
        work.execute(
            "INSERT INTO wp_comments (comment_post_ID, comment_author, comment_author_url, comment_date, comment_content) \
             VALUES (?1, 'Ines', ?2, '2024-03-01 12:00:00', ?3)",
            params![id, format!("{}/ines", content::URL), format!("Mine came from <a href=\"{0}/product/{1}/\">{0}</a> and still works.", content::URL, product.slug)],
        )?;
        work.execute(
            "INSERT INTO wp_term_relationships (object_id, term_taxonomy_id) VALUES (?1, ?2)",
            params![id, 1 + id % 3],
        )?;
    }
    for (name, slug) in [("Light", "light"), ("Deck", "deck"), ("Galley", "galley")] {
        work.execute("INSERT INTO wp_terms (name, slug) VALUES (?1, ?2)", params![name, slug])?;
    }
    work.commit()
}

fn post(work: &Connection, title: &str, name: &str, text: &str, kind: &str) -> rusqlite::Result<i64> {
    work.execute(
        "INSERT INTO wp_posts (post_author, post_date, post_content, post_title, post_name, post_modified, guid, post_type) \
         VALUES (1, '2024-02-01 09:00:00', ?1, ?2, ?3, '2024-02-01 09:00:00', ?4, ?5)",
        params![text, title, name, format!("{}/?name={name}", content::URL), kind],
    )?;
    Ok(work.last_insert_rowid())
}
