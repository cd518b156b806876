//! What one server says that another does not understand.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::session::Session;
use crate::Result;

/// A server's product and version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Product {
    pub mariadb: bool,
    pub version: (u32, u32, u32),
}

impl Product {
    pub(super) async fn of(session: &mut Session) -> Result<Self> {
        Ok(Self::read(&session.text("SELECT VERSION()").await?))
    }

    fn read(version: &str) -> Self {
        let mut numbers = version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
        let mut next = || numbers.next().unwrap_or_default();
        Self { mariadb: version.to_ascii_lowercase().contains("mariadb"), version: (next(), next(), next()) }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.version;
        write!(f, "{} {major}.{minor}.{patch}", if self.mariadb { "MariaDB" } else { "MySQL" })
    }
}

impl Product {
    fn is_at_least(&self, mariadb: bool, version: (u32, u32, u32)) -> bool {
        self.mariadb == mariadb && self.version >= version
    }

    /// Whether it knows a collation or a type by this name.
    fn knows(&self, word: &str) -> bool {
        if word.contains("_uca1400_") {
            self.is_at_least(true, (10, 10, 1))
        } else if word.contains("_0900_") {
            self.is_at_least(false, (8, 0, 1))
        } else if word == "utf8mb3" || word.starts_with("utf8mb3_") {
            self.is_at_least(true, (10, 6, 0)) || self.is_at_least(false, (8, 0, 30))
        } else {
            true
        }
    }
}

/// A definition as the target's product takes it, and in words what was changed for that.
pub(super) fn adapt(definition: &str, from: &Product, to: &Product) -> (String, Vec<String>) {
    let mut changes = Vec::new();
    let mut note = |change: String| {
        if !changes.contains(&change) {
            changes.push(change);
        }
    };
    let mut out = String::with_capacity(definition.len());
    let mut rest = definition;
    while let Some(sign) = rest.chars().next() {
        if let Some((option, length)) = ["DATA DIRECTORY=", "INDEX DIRECTORY="].iter().find_map(|option| {
            let after = rest.strip_prefix(option)?;
            Some((option.trim_end_matches('='), option.len() + quoted_length(after)))
        }) {
            // Its files would lie where the source's do.
            note(format!("without {option}"));
            rest = &rest[length..];
            continue;
        }
        if let Some((words, length)) = of_mysql(rest).filter(|_| !from.mariadb && to.mariadb) {
            match instead_of_comment(words, &out, to) {
                Some(known) => out.push_str(known),
                None => note(format!("without {words}")),
            }
            rest = &rest[length..];
            continue;
        }
        if from.mariadb && !to.mariadb {
            let lost =
                ["PAGE_CHECKSUM=", "TRANSACTIONAL=", "`PAGE_COMPRESSED`=", "`ENCRYPTED`=", "`IETF_QUOTES`="];
            if let Some(option) = lost.into_iter().find(|option| rest.starts_with(option)) {
                let value = &rest[option.len()..];
                let length = if value.starts_with(['\'', '`']) {
                    quoted_length(value)
                } else {
                    value.find(|sign: char| !sign.is_alphanumeric()).unwrap_or(value.len())
                };
                note(format!("without {}", option.trim_matches(['`', '='])));
                rest = &value[length..];
                continue;
            }
        }
        let length = match sign {
            '\'' | '`' | '"' => quoted_length(rest),
            sign if sign.is_ascii_alphanumeric() || sign == '_' => {
                rest.find(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_')).unwrap_or(rest.len())
            }
            sign => sign.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        let quoted = matches!(sign, '\'' | '`' | '"');
        match (!quoted).then(|| instead(word, &out, from, to)).flatten() {
            Some(new) => {
                note(format!("{new} instead of {word}"));
                out.push_str(&new);
            }
            None => out.push_str(word),
        }
        rest = after;
    }
    (out, changes)
}

/// What stands in the copy for a word that the target does not know.
fn instead(word: &str, before: &str, from: &Product, to: &Product) -> Option<String> {
    if !to.knows(word) {
        return Some(nearest(word, to));
    }
    if from.mariadb && !to.mariadb {
        let after = |end: &str| before.trim_end().ends_with(end);
        return match word {
            "Aria" if after("ENGINE=") => Some("InnoDB".to_owned()),
            // Only where a type stands: right after the name of a column.
            "uuid" if after("`") => Some("char(36)".to_owned()),
            "inet6" if after("`") => Some("varchar(39)".to_owned()),
            "inet4" if after("`") => Some("varchar(15)".to_owned()),
            _ => None,
        };
    }
    None
}

/// What a comment says to versions of MySQL that MariaDB does not follow: it skips such words without a warning. And the bytes of the
/// comment.
fn of_mysql(text: &str) -> Option<(&str, usize)> {
    let inside = text.strip_prefix("/*!")?;
    let (inside, _) = inside.split_once("*/")?;
    let words = inside.trim_start_matches(|sign: char| sign.is_ascii_digit());
    let version: u32 = inside[..inside.len() - words.len()].parse().ok()?;
    (50_700..100_000).contains(&version).then(|| (words.trim(), "/*!*/".len() + inside.len()))
}

/// How MariaDB says the words of such a comment, where it can.
fn instead_of_comment(words: &str, before: &str, to: &Product) -> Option<&'static str> {
    let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
    let of_column = line.starts_with('`');
    match words {
        "INVISIBLE" if of_column && to.is_at_least(true, (10, 3, 3)) => Some("INVISIBLE"),
        "INVISIBLE" if !of_column && to.is_at_least(true, (10, 6, 0)) => Some("IGNORED"),
        _ => None,
    }
}

/// The collation or character set that comes nearest to one that a product does not know.
fn nearest(word: &str, to: &Product) -> String {
    if let Some(rest) = word.strip_prefix("utf8mb3") {
        if word.contains("_uca1400_") {
            let set = if to.knows("utf8mb3") { "utf8mb3" } else { "utf8" };
            return format!("{set}_unicode_520_ci");
        }
        return format!("utf8{rest}");
    }
    let modern_mariadb = to.knows("utf8mb4_uca1400_ai_ci");
    let modern_mysql = to.knows("utf8mb4_0900_ai_ci");
    let strength = ["_as_cs", "_as_ci", "_ai_ci"].into_iter().find(|end| word.ends_with(end));
    match strength {
        Some(end) if modern_mariadb => format!("utf8mb4_uca1400{end}"),
        Some(end) if modern_mysql => format!("utf8mb4_0900{end}"),
        Some("_as_ci" | "_ai_ci") => "utf8mb4_unicode_520_ci".to_owned(),
        _ => "utf8mb4_bin".to_owned(),
    }
}

/// The bytes of a text that starts with a quote, with both quotes; nothing where it starts with none.
pub(super) fn quoted_length(text: &str) -> usize {
    let Some(quote) = text.chars().next().filter(|sign| matches!(sign, '\'' | '`' | '"')) else { return 0 };
    let mut escaped = false;
    for (at, sign) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if sign == '\\' && quote != '`' {
            escaped = true;
        } else if sign == quote {
            return at + sign.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapted(definition: &str, from: &str, to: &str) -> (String, Vec<String>) {
        adapt(definition, &Product::read(from), &Product::read(to))
    }

    #[test]
    fn products_are_told_by_their_versions() {
        assert_eq!(Product::read("10.11.14-MariaDB-0+deb12u2").to_string(), "MariaDB 10.11.14");
        assert_eq!(Product::read("8.0.36").to_string(), "MySQL 8.0.36");
    }

    #[test]
    fn a_definition_of_mysql_is_taken_by_mariadb() {
        let text = "CREATE TABLE `utf8mb4_0900_ai_ci` (`a` text COLLATE utf8mb4_0900_as_cs COMMENT 'utf8mb4_0900_ai_ci') \
                    ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci";
        let (new, changes) = adapted(text, "8.0.36", "10.11.14-MariaDB");
        assert_eq!(
            new,
            "CREATE TABLE `utf8mb4_0900_ai_ci` (`a` text COLLATE utf8mb4_uca1400_as_cs COMMENT 'utf8mb4_0900_ai_ci') \
             ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_uca1400_ai_ci"
        );
        assert_eq!(changes.len(), 2);
        let (old, _) = adapted("COLLATE=utf8mb4_0900_ai_ci CHARSET=utf8mb3", "8.0.36", "10.3.1-MariaDB");
        assert_eq!(old, "COLLATE=utf8mb4_unicode_520_ci CHARSET=utf8");
    }

    #[test]
    fn what_only_mysql_reads_is_said_so_that_mariadb_reads_it_or_told_to_be_missing() {
        let text = "CREATE TABLE `t` (\n  `a` point /*!80003 SRID 4326 */ DEFAULT NULL,\n  `b` int DEFAULT '7' /*!80023 INVISIBLE */,\n  \
                    KEY `k` (`b`) /*!80000 INVISIBLE */,\n  KEY `l` (`b`) COMMENT '/*!80000 INVISIBLE */'\n) /*!50100 PARTITION BY HASH (`b`) */";
        let (new, changes) = adapted(text, "8.0.36", "10.11.14-MariaDB");
        assert_eq!(
            new,
            "CREATE TABLE `t` (\n  `a` point  DEFAULT NULL,\n  `b` int DEFAULT '7' INVISIBLE,\n  KEY `k` (`b`) IGNORED,\n  \
             KEY `l` (`b`) COMMENT '/*!80000 INVISIBLE */'\n) /*!50100 PARTITION BY HASH (`b`) */"
        );
        assert_eq!(changes, ["without SRID 4326"]);
        assert_eq!(adapted(text, "8.0.36", "9.7.4"), (text.to_owned(), Vec::new()));
        let (_, changes) = adapted(text, "8.0.36", "10.3.1-MariaDB");
        assert_eq!(changes, ["without SRID 4326", "without INVISIBLE"]);
    }

    #[test]
    fn a_definition_of_mariadb_is_taken_by_mysql() {
        let text = "CREATE TABLE `uuid` (`id` uuid NOT NULL DEFAULT uuid(), `ip` inet6) ENGINE=Aria COLLATE=utf8mb4_uca1400_ai_ci \
                    PAGE_CHECKSUM=1 `PAGE_COMPRESSED`='ON'";
        let (new, changes) = adapted(text, "11.4.2-MariaDB", "8.4.0");
        assert_eq!(
            new.trim_end(),
            "CREATE TABLE `uuid` (`id` char(36) NOT NULL DEFAULT uuid(), `ip` varchar(39)) ENGINE=InnoDB COLLATE=utf8mb4_0900_ai_ci"
        );
        assert_eq!(changes.len(), 6, "{changes:?}");
    }

    #[test]
    fn the_same_product_takes_a_definition_as_it_is_but_for_folders() {
        let text = "CREATE TABLE `t` (`a` int DEFAULT 1 COMMENT 'it''s DATA DIRECTORY=1') ENGINE=Aria PAGE_CHECKSUM=1 COLLATE=utf8mb4_uca1400_ai_ci";
        assert_eq!(adapted(text, "11.4.2-MariaDB", "11.4.2-MariaDB"), (text.to_owned(), Vec::new()));
        let (new, changes) = adapted(
            "ENGINE=InnoDB DATA DIRECTORY='/srv/x' COMMENT='c'",
            "10.11.1-MariaDB",
            "10.11.1-MariaDB",
        );
        assert_eq!((new.as_str(), changes.len()), ("ENGINE=InnoDB  COMMENT='c'", 1));
    }
}
