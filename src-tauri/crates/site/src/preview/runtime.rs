use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Problem, Result};

/// The PHP of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Php {
    /// The program.
    pub path: PathBuf,
    /// Its version, `8.2.36` say.
    pub version: String,
    /// Its extensions, in lower case.
    pub extensions: Vec<String>,
}

impl Php {
    /// The first PHP of the search path that runs; `CLONEDECK_PHP` names another one.
    ///
    /// # Errors
    /// `php.missing`.
    pub fn find() -> Result<Self> {
        let named = std::env::var_os("CLONEDECK_PHP").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let names = ["php", "php8.4", "php8.3", "php8.2", "php8.1", "php.exe"];
        let found = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
        named
            .into_iter()
            .chain(found)
            .filter(|program| program.is_file())
            .find_map(|program| Self::ask(&program))
            .ok_or_else(Self::missing)
    }

    /// Asks a program for its version and extensions.
    pub fn ask(program: &Path) -> Option<Self> {
        let output = Command::new(program)
            .args(["-r", "echo PHP_VERSION, \"\\n\", implode(\"\\n\", get_loaded_extensions());"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let mut lines = text.lines();
        let version =
            lines.next().filter(|version| output.status.success() && version.contains('.'))?.to_owned();
        Some(Self { path: program.to_owned(), version, extensions: lines.map(str::to_lowercase).collect() })
    }

    fn missing() -> Problem {
        Problem::needs_person("php.missing", "PHP is not installed, so the copy cannot be shown on this machine.").help(
            "Install PHP's command line with the extensions for MySQL and SQLite (Debian and Ubuntu: php-cli, php-mysql, php-sqlite3, \
             php-gd, php-mbstring, php-xml, php-curl; macOS: brew install php), then start the preview again.",
        )
    }

    /// Asks for an extension.
    ///
    /// # Errors
    /// `php.extension-missing`.
    pub fn needs(&self, extension: &str) -> Result<()> {
        if self.extensions.iter().any(|own| own == extension) {
            return Ok(());
        }
        let package = match extension {
            "mysqli" => "php-mysql",
            "pdo_sqlite" | "sqlite3" => "php-sqlite3",
            other => other,
        };
        Err(Problem::needs_person(
            "php.extension-missing",
            format!(
                "PHP {} in {} lacks the extension {extension}, which this site needs.",
                self.version,
                self.path.display()
            ),
        )
        .help(format!("Install it (Debian and Ubuntu: {package}), then start the preview again.")))
    }
}
