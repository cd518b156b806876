//! A real WordPress for tests: Debian's package `wordpress`, set up by WordPress's own installer, with content that holds the site's
//! address in every form.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::mariadb::MariaDb;
use crate::program::built_programs;

/// The name of the owner of every site made here.
pub const OWNER: &str = "owner";
/// The owner's password.
pub const OWNER_PASSWORD: &str = "correct horse battery staple";

const PACKAGE: &str = "/usr/share/wordpress";

/// How the sites of a network are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// `http://net.test/second/`
    Subdirectory,
    /// `http://second.net.test/`
    Subdomain,
}

/// An installed site. Its files are in a folder that the test made; its database is on the test's server, or in a file below the folder.
#[derive(Debug)]
pub struct WordPress {
    /// The folder.
    pub folder: PathBuf,
    /// The name of the database; the path of its file for SQLite.
    pub database: String,
    /// The address, `http://shop.test` say.
    pub url: String,
    /// The id of the first post that holds the address.
    pub first_post: u64,
}

impl WordPress {
    /// Installs a site at `url` into the empty or missing `folder`, with a database of its own on `server`, and fills it.
    ///
    /// # Panics
    /// When WordPress's installer fails, or Debian's `wordpress` is not there.
    pub fn install(folder: &Path, server: &MariaDb, url: &str) -> Self {
        let mut site = Self::install_empty(folder, server, url);
        site.fill();
        site
    }

    /// The same without content beyond what the installer makes.
    ///
    /// # Panics
    /// See [`WordPress::install`].
    pub fn install_empty(folder: &Path, server: &MariaDb, url: &str) -> Self {
        lay_out(folder);
        let database = server.fresh_database("wordpress");
        let settings = database_settings(&database, server);
        Self::install_with(folder, database, &settings, url)
    }

    /// Installs a site that keeps its data with SQLite, by WordPress's own plugin for that, and fills it.
    ///
    /// # Panics
    /// See [`WordPress::install`]; and when `scripts/setup test` did not bring the plugin.
    pub fn install_on_sqlite(folder: &Path, url: &str) -> Self {
        lay_out(folder);
        let plugin = fixtures().join("sqlite-database-integration");
        assert!(plugin.join("load.php").is_file(), "{} is not there: run `make setup`", plugin.display());
        let content = folder.join("wp-content");
        copy_tree(&plugin, &content.join("plugins/sqlite-database-integration"));
        let dropin = fs::read_to_string(plugin.join("db.copy")).expect("the plugin's drop-in");
        let dropin = dropin
            .replace("{SQLITE_IMPLEMENTATION_FOLDER_PATH}", "wp-content/plugins/sqlite-database-integration")
            .replace("{SQLITE_PLUGIN}", "sqlite-database-integration/load.php");
        fs::write(content.join("db.php"), dropin).expect("a drop-in");
        // The plugin is for WordPress 6.4 and newer, whose database class has this property; Debian's may be older.
        let class = folder.join("wp-includes/class-wpdb.php");
        let text = fs::read_to_string(&class).expect("WordPress's database class");
        if !text.contains("$allow_unsafe_unquoted_parameters") {
            let with = "class wpdb {\n\tprivate $allow_unsafe_unquoted_parameters = true;\n";
            fs::write(&class, text.replacen("class wpdb {\n", with, 1)).expect("WordPress's database class");
        }
        let file = content.join("database/.ht.sqlite");
        let settings = "define( 'DB_ENGINE', 'sqlite' );\ndefine( 'DB_NAME', 'shop' );\ndefine( 'DB_USER', '' );\n\
             define( 'DB_PASSWORD', '' );\ndefine( 'DB_HOST', '' );\n";
        let mut site = Self::install_with(folder, file.display().to_string(), settings, url);
        site.fill();
        site
    }

    /// Installs a site whose `folder` is served, whose configuration is in the folder above, and whose content is in `assets`, which the
    /// configuration names by its own place; and fills it.
    ///
    /// # Panics
    /// See [`WordPress::install`].
    pub fn install_moved(folder: &Path, server: &MariaDb, url: &str) -> Self {
        lay_out(folder);
        fs::rename(folder.join("wp-content"), folder.join("assets")).expect("a moved folder");
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let database = server.fresh_database("wordpress");
        let settings = format!(
            "{}define( 'WP_CONTENT_DIR', __DIR__ . '/{name}/assets' );\ndefine( 'WP_CONTENT_URL', '{url}/assets' );\n",
            database_settings(&database, server)
        );
        let text = configuration(&settings).replace("__DIR__ . '/' )", &format!("__DIR__ . '/{name}/' )"));
        let above = folder.with_file_name("wp-config.php");
        fs::write(&above, text).expect("a configuration");
        let mut site = Self::install_configured(folder, database, url, false);
        site.fill();
        site
    }

    /// Installs a site in Bedrock's layout into `folder`: served from `web`, the code in `web/wp`, the content in `web/app`, the settings
    /// in `.env`; and fills it. What Composer would bring is a few lines of our own.
    ///
    /// # Panics
    /// See [`WordPress::install`].
    pub fn install_bedrock(folder: &Path, server: &MariaDb, url: &str) -> Self {
        let (web, core) = (folder.join("web"), folder.join("web/wp"));
        fs::create_dir_all(folder.join("config")).expect("a folder");
        fs::create_dir_all(folder.join("vendor")).expect("a folder");
        lay_out(&core);
        fs::rename(core.join("wp-content"), web.join("app")).expect("a moved folder");
        fs::rename(core.join(".htaccess"), web.join(".htaccess")).expect("a moved file");
        let database = server.fresh_database("wordpress");
        let salts: String = SALTS.map(|name| format!("{name}='generated for {name}'\n")).concat();
        let env = format!(
            "# Settings of this place\nDB_NAME='{database}'\nDB_USER='root'\nDB_PASSWORD=''\nDB_HOST='localhost:{}'\nDB_PREFIX='br_'\n\
             WP_ENV='production'\nWP_HOME='{url}'\nWP_SITEURL=\"${{WP_HOME}}/wp\"\n{salts}",
            server.socket().display()
        );
        for (name, text) in [
            (".env", env.as_str()),
            ("vendor/autoload.php", include_str!("wordpress/bedrock-autoload.php")),
            ("config/application.php", include_str!("wordpress/bedrock-application.php")),
            (
                "web/wp-config.php",
                "<?php\nrequire_once dirname(__DIR__) . '/vendor/autoload.php';\n\
                 require_once dirname(__DIR__) . '/config/application.php';\nrequire_once ABSPATH . 'wp-settings.php';\n",
            ),
            (
                "web/index.php",
                "<?php\ndefine('WP_USE_THEMES', true);\nrequire __DIR__ . '/wp/wp-blog-header.php';\n",
            ),
        ] {
            fs::write(folder.join(name), text).expect("a file");
        }
        let mut site = Self::install_configured(&core, database, url, true);
        site.fill();
        folder.clone_into(&mut site.folder);
        site
    }

    fn install_with(folder: &Path, database: String, settings: &str, url: &str) -> Self {
        fs::write(folder.join("wp-config.php"), configuration(settings)).expect("a configuration");
        Self::install_configured(folder, database, url, false)
    }

    fn install_configured(folder: &Path, database: String, url: &str, says_address: bool) -> Self {
        let site = Self { folder: folder.to_owned(), database, url: url.to_owned(), first_post: 0 };
        // The installer takes the address from here; nothing of it stays.
        let define = if says_address { String::new() } else { format!("define('WP_SITEURL','{url}');") };
        site.script_with(
            &define,
            include_str!("wordpress/install.php"),
            &["Harbour Shop", OWNER, OWNER_PASSWORD],
        );
        site
    }

    /// Installs a network: the main site at `url`, a second and a third site, told apart as `kind` says.
    ///
    /// # Panics
    /// See [`WordPress::install`].
    pub fn install_network(folder: &Path, server: &MariaDb, url: &str, kind: Network) -> Self {
        let mut site = Self::install_empty(folder, server, url);
        let rest = url.split_once("://").expect("an address").1;
        let (domain, path) = rest
            .split_once('/')
            .map_or((rest, "/".to_owned()), |(domain, path)| (domain, format!("/{path}/")));
        let subdomains = kind == Network::Subdomain;
        site.script(
            include_str!("wordpress/network.php"),
            &[domain, &path, if subdomains { "1" } else { "0" }],
        );
        let constants = format!(
            "define( 'MULTISITE', true );\ndefine( 'SUBDOMAIN_INSTALL', {subdomains} );\ndefine( 'DOMAIN_CURRENT_SITE', '{domain}' );\n\
             define( 'PATH_CURRENT_SITE', '{path}' );\ndefine( 'SITE_ID_CURRENT_SITE', 1 );\ndefine( 'BLOG_ID_CURRENT_SITE', 1 );\n"
        );
        let config = folder.join("wp-config.php");
        let text = fs::read_to_string(&config).expect("a configuration");
        fs::write(&config, text.replace("/* That's all", &format!("{constants}/* That's all")))
            .expect("a configuration");
        site.fill();
        for name in ["second", "third"] {
            let (site_domain, site_path) = match kind {
                Network::Subdirectory => (domain.to_owned(), format!("{path}{name}/")),
                Network::Subdomain => (format!("{name}.{domain}"), "/".to_owned()),
            };
            site.script(include_str!("wordpress/site.php"), &[domain, &site_domain, &site_path, name]);
        }
        site
    }

    /// Runs PHP code inside this WordPress (`wp-load.php` is loaded) and answers what it prints.
    ///
    /// # Panics
    /// When PHP ends with an error.
    pub fn php(&self, code: &str) -> String {
        let prelude = "<?php $_SERVER['HTTP_HOST'] = getenv('SITE_HOST'); $_SERVER['REQUEST_URI'] = '/'; \
                       require $argv[1] . '/wp-load.php'; ";
        self.script(&format!("{prelude}{code}"), &[])
    }

    /// Adds rows as a shop has them, a fifth of them posts, the others fields of posts: long and short, plain and serialized, many
    /// with the address.
    pub fn grow(&self, server: &MariaDb, rows: u64) {
        server.sql_in(
            &self.database,
            &format!(
                "INSERT INTO wp_posts (post_author, post_date, post_date_gmt, post_content, post_title, post_excerpt, post_status,
                   post_name, to_ping, pinged, post_modified, post_modified_gmt, post_content_filtered, guid, post_type)
                 SELECT 1, '2024-01-01', '2024-01-01', IF(seq % 3 = 0, CONCAT('<a href=\"http://shop.test/p/', seq, '\">', REPEAT('word ', seq % 90), '</a>'), REPEAT('text ', seq % 90)),
                   CONCAT('Post ', seq), '', 'draft', CONCAT('post-', seq), '', '', '2024-01-01', '2024-01-01', '', CONCAT('http://shop.test/?p=', seq), 'post'
                 FROM seq_1_to_{posts};
                 INSERT INTO wp_postmeta (post_id, meta_key, meta_value)
                 SELECT seq % {posts}, CONCAT('key_', seq % 9), CASE seq % 10 WHEN 0 THEN CONCAT('a:1:{{s:3:\"url\";s:', LENGTH(CONCAT('http://shop.test/', seq)), ':\"http://shop.test/', seq, '\";}}')
                   WHEN 1 THEN CONCAT('{{\"u\":\"http:\\\\/\\\\/shop.test\\\\/', seq, '\"}}') WHEN 2 THEN CONCAT('see http://shop.test/', seq) ELSE REPEAT(CHAR(97 + seq % 26), seq % 120) END
                 FROM seq_1_to_{meta}",
                posts = (rows / 5).max(1),
                meta = (rows - rows / 5).max(1)
            ),
        );
    }

    fn fill(&mut self) {
        let first = self.script(include_str!("wordpress/content.php"), &[]);
        self.first_post = first.trim().parse().unwrap_or_else(|_| panic!("content.php: {first}"));
    }

    fn script(&self, text: &str, arguments: &[&str]) -> String {
        self.script_with("", text, arguments)
    }

    fn script_with(&self, first: &str, text: &str, arguments: &[&str]) -> String {
        let script = tempfile::Builder::new().suffix(".php").tempfile().expect("a temporary file");
        fs::write(&script, text.replacen("<?php", &format!("<?php {first}"), 1)).expect("a script");
        let rest = self.url.split_once("://").expect("an address").1;
        let output = Command::new("php")
            .args(["-d", "sendmail_path=/bin/true", "-d", "display_errors=stderr", "-d", "memory_limit=512M"])
            .arg(script.path())
            .arg(&self.folder)
            .args(arguments)
            .env("SITE_HOST", rest.split('/').next().unwrap_or(rest))
            .output()
            .expect("php (Debian package php-cli) starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !stderr.contains("Fatal"), "php failed:\n{stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// Copies a tree with every link replaced by what it leads to; links that lead nowhere are left out.
///
/// # Panics
/// When something cannot be read or written.
pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from)
        .unwrap_or_else(|why| panic!("{} (Debian package wordpress): {why}", from.display()))
    {
        let entry = entry.expect("an entry");
        let Ok(metadata) = fs::metadata(entry.path()) else { continue };
        let target = to.join(entry.file_name());
        if metadata.is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a copied file");
            fs::set_permissions(&target, fs::Permissions::from_mode(0o644)).expect("a mode");
        }
    }
}

/// The files of a site without a configuration: Debian's WordPress and a theme of our own.
fn lay_out(folder: &Path) {
    copy_tree(Path::new(PACKAGE), folder);
    fs::remove_file(folder.join("wp-config.php")).expect("Debian's configuration");
    let _ = fs::remove_file(folder.join(".htaccess"));
    fs::write(folder.join(".htaccess"), HTACCESS).expect("an .htaccess");
    for folder_of_content in ["uploads", "mu-plugins"] {
        fs::create_dir_all(folder.join("wp-content").join(folder_of_content)).expect("a folder");
    }
    let theme = folder.join("wp-content/themes/fixture");
    fs::create_dir_all(&theme).expect("a theme");
    fs::write(theme.join("style.css"), "/*\nTheme Name: Fixture\nVersion: 1\n*/\nbody { margin: 2em }\n")
        .expect("a style");
    fs::write(theme.join("index.php"), include_str!("wordpress/theme-index.php")).expect("a template");
    fs::write(theme.join("functions.php"), include_str!("wordpress/theme-functions.php")).expect("functions");
}

/// What `scripts/setup test` fetched, beside the folder of the built programs.
fn fixtures() -> PathBuf {
    built_programs().parent().expect("a folder of builds").join("fixtures")
}

fn database_settings(database: &str, server: &MariaDb) -> String {
    format!(
        "// Database: define( 'DB_NAME', 'in a comment' );\ndefine( 'DB_NAME', '{database}' );\ndefine( 'DB_USER', 'root' );\n\
         define( 'DB_PASSWORD', '' );\ndefine( 'DB_HOST', 'localhost:{}' );\n",
        server.socket().display()
    )
}

const SALTS: [&str; 8] = [
    "AUTH_KEY",
    "SECURE_AUTH_KEY",
    "LOGGED_IN_KEY",
    "NONCE_KEY",
    "AUTH_SALT",
    "SECURE_AUTH_SALT",
    "LOGGED_IN_SALT",
    "NONCE_SALT",
];

fn configuration(settings: &str) -> String {
    let salts: String =
        SALTS.map(|name| format!("define( '{name}', 'the source\\'s own {name}' );\n")).concat();
    format!(
        "<?php\n/** The configuration of a site in tests. */\n\n{settings}\
         define( 'DB_CHARSET', 'utf8mb4' );\ndefine( 'DB_COLLATE', '' );\n\n{salts}\n\
         define( 'WP_DEFAULT_THEME', 'fixture' );\n$table_prefix = 'wp_';\n\ndefine( 'WP_DEBUG', false );\n\n\
         /* That's all, stop editing! Happy publishing. */\n\nif ( ! defined( 'ABSPATH' ) ) {{\n\tdefine( 'ABSPATH', __DIR__ . '/' );\n}}\n\
         require_once ABSPATH . 'wp-settings.php';\n"
    )
}

const HTACCESS: &str = "# BEGIN WordPress\n<IfModule mod_rewrite.c>\nRewriteEngine On\nRewriteBase /\nRewriteRule ^index\\.php$ - [L]\n\
    RewriteCond %{REQUEST_FILENAME} !-f\nRewriteCond %{REQUEST_FILENAME} !-d\nRewriteRule . /index.php [L]\n</IfModule>\n# END WordPress\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_wordpress_is_installed_and_holds_its_address_in_many_forms() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = MariaDb::shared();
        let site = WordPress::install(&folder.path().join("shop"), &server, "http://shop.test");
        assert_eq!(
            site.php("echo home_url(), ' ', wp_get_theme()->get('Name'), ' ', wp_count_posts()->publish;"),
            "http://shop.test Fixture 13"
        );
        let nested = server.sql_in(
            &site.database,
            "SELECT option_value FROM wp_options WHERE option_name='clonetest_nested'",
        );
        assert!(nested.contains("s:16:\"http://shop.test\";"), "{nested}");
        assert!(site.folder.join("wp-content/uploads").read_dir().expect("uploads").count() >= 2);
    }

    #[test]
    fn a_network_is_installed_with_three_sites() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = MariaDb::shared();
        let site = WordPress::install_network(
            &folder.path().join("net"),
            &server,
            "http://net.test",
            Network::Subdirectory,
        );
        assert_eq!(
            server.sql_in(&site.database, "SELECT CONCAT(domain, path) FROM wp_blogs ORDER BY blog_id"),
            "net.test/\nnet.test/second/\nnet.test/third/\n"
        );
        assert_eq!(
            server
                .sql_in(&site.database, "SELECT option_value FROM wp_2_options WHERE option_name='home'")
                .trim(),
            "http://net.test/second"
        );
    }
}
