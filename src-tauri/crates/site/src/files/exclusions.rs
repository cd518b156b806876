use std::collections::BTreeMap;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde::{Deserialize, Serialize};

use super::path::shown;
use crate::{Problem, Result};

/// A pattern that is left out unless the operator takes it back in, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DefaultExclusion {
    /// A gitignore pattern; `{content}` stands for the folder that holds plugins, themes and uploads.
    pub pattern: &'static str,
    /// Why a copy does not need it, for the plan.
    pub reason: &'static str,
}

const fn leave(pattern: &'static str, reason: &'static str) -> DefaultExclusion {
    DefaultExclusion { pattern, reason }
}

const HISTORY: &str = "version history; the copy is a working site, no working tree";
const CACHE: &str = "a cache, filled again by the copy and full of the old address";
const BACKUP: &str = "archives of a backup plugin: large, and of the source";
const LOG: &str = "a log of the source";
const SYSTEM: &str = "a desktop's own bookkeeping";

/// What is left out by default. An operator's `!pattern` takes any of it back in.
pub const DEFAULT_EXCLUSIONS: &[DefaultExclusion] = &[
    leave(".git", HISTORY),
    leave(".svn", HISTORY),
    leave(".hg", HISTORY),
    leave("node_modules/", "build dependencies, installed again where a build needs them"),
    leave("debug.log", LOG),
    leave("error_log", LOG),
    leave(".DS_Store", SYSTEM),
    leave("Thumbs.db", SYSTEM),
    leave("clonedeck-caught-*/", "what was caught of an earlier copy: its mail and requests"),
    leave("/{content}/cache/", CACHE),
    leave("/{content}/et-cache/", CACHE),
    leave("/{content}/litespeed/", CACHE),
    leave("/{content}/wphb-cache/", CACHE),
    leave("/{content}/uploads/cache/wpml/", CACHE),
    leave("/{content}/upgrade/", "unpacked updates that were left behind"),
    leave("/{content}/upgrade-temp-backup/", "earlier versions kept during an update"),
    leave("/{content}/wflogs/", LOG),
    leave("/{content}/uploads/wc-logs/", LOG),
    leave("/{content}/updraft/", BACKUP),
    leave("/{content}/ai1wm-backups/", BACKUP),
    leave("/{content}/backups-dup-lite/", BACKUP),
    leave("/{content}/backups-dup-pro/", BACKUP),
    leave("/wp-snapshots/", BACKUP),
    leave("/{content}/wpvividbackups/", BACKUP),
    leave("/{content}/backup-migration/backups/", BACKUP),
    leave("/{content}/backup-db/", BACKUP),
    leave("/{content}/backups/", BACKUP),
    leave("/{content}/backupwordpress-*-backups/", BACKUP),
    leave("/{content}/uploads/backwpup*/", BACKUP),
    leave("/{content}/uploads/backupbuddy_backups/", BACKUP),
    leave("/{content}/uploads/pb_backupbuddy/", BACKUP),
    leave("/{content}/uploads/wp-staging/backups/", BACKUP),
    leave("/{content}/uploads/wp-migrate-db/", BACKUP),
    leave("/{content}/uploads/snapshots/", BACKUP),
];

/// What stays behind: the defaults, then the operator's own patterns, the last match deciding as in a `.gitignore`.
#[derive(Debug, Clone)]
pub struct Exclusions {
    matcher: Gitignore,
    patterns: Vec<String>,
}

/// What one pattern left behind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Excluded {
    /// Files, links and special files.
    pub files: u64,
    /// Bytes of the files.
    pub bytes: u64,
}

/// [`Excluded`] by pattern.
pub(super) type Tally = BTreeMap<String, Excluded>;

impl Exclusions {
    /// Nothing stays behind.
    pub fn none() -> Self {
        Self { matcher: Gitignore::empty(), patterns: Vec::new() }
    }

    /// The defaults, with `content` as the folder that holds plugins, themes and uploads (`wp-content`, `web/app`; relative to the
    /// site's root, `None` where a site has no such folder), and on top the operator's `patterns` in gitignore's language.
    ///
    /// Refuses with `exclude.bad-pattern` what is no pattern.
    pub fn new(content: Option<&Path>, patterns: &[String]) -> Result<Self> {
        let content = content.map(|content| escaped(&content.to_string_lossy()));
        let defaults = DEFAULT_EXCLUSIONS.iter().filter_map(|default| match &content {
            Some(content) => Some(default.pattern.replace("{content}", content)),
            None => (!default.pattern.contains("{content}")).then(|| default.pattern.to_owned()),
        });
        Self::of(defaults.chain(patterns.iter().cloned()).collect())
    }

    /// Only the operator's patterns.
    pub fn only(patterns: &[String]) -> Result<Self> {
        Self::of(patterns.to_vec())
    }

    fn of(patterns: Vec<String>) -> Result<Self> {
        let mut builder = GitignoreBuilder::new("");
        for pattern in &patterns {
            builder.add_line(None, pattern).map_err(|error| bad(pattern, &error))?;
        }
        let matcher = builder.build().map_err(|error| bad(&patterns.join(" "), &error))?;
        Ok(Self { matcher, patterns })
    }

    /// The pattern that keeps back just `path`, relative to the root: with `is_folder` a folder and nothing else of that name.
    pub fn just(path: &Path, is_folder: bool) -> String {
        format!("/{}{}", escaped(&path.to_string_lossy()), if is_folder { "/" } else { "" })
    }

    /// Every pattern in force, in the order in which they are tried (the last match decides).
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// The reason of a default pattern as it stands in [`Self::patterns`]; `None` for the operator's own.
    pub fn reason(pattern: &str) -> Option<&'static str> {
        DEFAULT_EXCLUSIONS
            .iter()
            .find(|default| match default.pattern.split_once("{content}") {
                Some((before, after)) => pattern.starts_with(before) && pattern.ends_with(after),
                None => default.pattern == pattern,
            })
            .map(|default| default.reason)
    }

    /// The pattern that keeps `path` back. Its parents are not looked at: a walk never enters a folder that is kept back.
    pub fn pattern_against(&self, path: &Path, is_folder: bool) -> Option<&str> {
        if self.matcher.is_empty() {
            return None;
        }
        match self.matcher.matched(path, is_folder) {
            Match::Ignore(glob) => Some(glob.original()),
            Match::None | Match::Whitelist(_) => None,
        }
    }
}

fn bad(pattern: &str, error: &ignore::Error) -> Problem {
    let pattern = shown(Path::new(pattern));
    Problem::permanent("exclude.bad-pattern", format!("'{pattern}' is no pattern of paths: {error}."))
        .help(
            "Patterns are written as in a .gitignore file, for instance *.zip or /wp-content/uploads/2019/.",
        )
        .with("pattern", pattern)
}

/// A path as a pattern that matches just that path.
fn escaped(path: &str) -> String {
    path.trim_matches('/').chars().fold(String::new(), |mut out, c| {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!' | '#' | ' ') {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(patterns: &[&str]) -> Exclusions {
        let patterns: Vec<_> = patterns.iter().map(ToString::to_string).collect();
        Exclusions::new(Some(Path::new("wp-content")), &patterns).unwrap()
    }

    #[test]
    fn defaults_leave_caches_backups_history_and_logs_behind() {
        let exclusions = with(&[]);
        for folder in [".git", "wp-content/plugins/x/node_modules", "wp-content/cache", "wp-content/updraft"]
        {
            assert!(exclusions.pattern_against(Path::new(folder), true).is_some(), "{folder}");
        }
        assert!(exclusions.pattern_against(Path::new("wp-content/debug.log"), false).is_some());
    }

    #[test]
    fn defaults_keep_what_a_site_needs() {
        let exclusions = with(&[]);
        for path in
            ["wp-content/uploads/cache", "wp-content/plugins/w3/cache", "cache", "wp-content/plugins/updraft"]
        {
            assert_eq!(exclusions.pattern_against(Path::new(path), true), None, "{path}");
        }
        assert_eq!(
            exclusions.pattern_against(Path::new("wp-content/uploads/elementor/css/post-1.css"), false),
            None
        );
    }

    #[test]
    fn a_moved_content_folder_moves_its_defaults() {
        let exclusions = Exclusions::new(Some(Path::new("web/app [1]")), &[]).unwrap();
        assert!(exclusions.pattern_against(Path::new("web/app [1]/cache"), true).is_some());
        assert_eq!(exclusions.pattern_against(Path::new("wp-content/cache"), true), None);
        let nowhere = Exclusions::new(None, &[]).unwrap();
        assert_eq!(nowhere.pattern_against(Path::new("wp-content/cache"), true), None);
    }

    #[test]
    fn the_operator_adds_and_takes_back() {
        let exclusions = with(&["*.zip", "!/wp-content/cache/", "/private"]);
        assert_eq!(exclusions.pattern_against(Path::new("a/b.zip"), false), Some("*.zip"));
        assert_eq!(exclusions.pattern_against(Path::new("wp-content/cache"), true), None);
        assert_eq!(exclusions.pattern_against(Path::new("a/private"), false), None);
        assert_eq!(exclusions.pattern_against(Path::new("private"), false), Some("/private"));
    }

    #[test]
    fn a_path_becomes_a_pattern_that_matches_just_it() {
        assert_eq!(Exclusions::just(Path::new("wp-content/uploads/2019"), true), "/wp-content/uploads/2019/");
        assert_eq!(Exclusions::just(Path::new("a [1]*.zip"), false), "/a\\ \\[1\\]\\*.zip");
        for name in ["a{b,c}", "!a", "#a", "a b ", r"a\b"] {
            let only = Exclusions::only(&[Exclusions::just(Path::new(name), false)]).unwrap();
            assert!(only.pattern_against(Path::new(name), false).is_some(), "{name}");
            assert_eq!(only.pattern_against(Path::new("a"), false), None, "{name}");
        }
    }

    #[test]
    fn every_default_has_its_reason_and_is_a_pattern() {
        for pattern in with(&[]).patterns() {
            assert!(Exclusions::reason(pattern).is_some(), "{pattern}");
        }
        assert_eq!(Exclusions::reason("*.zip"), None);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        assert_eq!(Exclusions::only(&["[z-a]".into()]).unwrap_err().code, "exclude.bad-pattern");
    }
}
