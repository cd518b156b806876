//! Paths as a person types them in the window, whose working directory means nothing to anybody.

use std::path::{Path, PathBuf};

use crate::problem;
use crate::wire::{BuildRequest, CloneRequest, Problem};

/// Longest path that is looked at, bytes.
const LONGEST: usize = 4096;

/// A folder as it was typed: whole, from the root of the file system, or from the home folder (`~/sites/shop`).
///
/// # Errors
/// `path.relative` and `path.unusable`.
pub fn typed_folder(text: &str) -> Result<PathBuf, Problem> {
    let text = text.trim();
    let unusable = |why: &str| problem("path.unusable", format!("This is no folder's path: {why}."), "");
    if text.is_empty() {
        return Err(problem("path.unusable", "No folder was given.", "Choose one, or type its path."));
    }
    if text.len() > LONGEST {
        return Err(unusable("it is too long"));
    }
    if text.chars().any(char::is_control) {
        return Err(unusable("it holds characters that cannot be seen"));
    }
    let home = || directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    let path = match text.strip_prefix('~') {
        Some("") => home().unwrap_or_default(),
        Some(rest) if rest.starts_with(std::path::is_separator) => {
            home().unwrap_or_default().join(rest.trim_start_matches(std::path::is_separator))
        }
        _ => PathBuf::from(text),
    };
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(problem(
            "path.relative",
            format!("{text} does not say where it begins."),
            format!("Type the whole path, such as {}.", example().display()),
        ))
    }
}

fn example() -> &'static Path {
    Path::new(if cfg!(windows) { r"C:\sites\shop" } else { "/home/you/sites/shop" })
}

impl BuildRequest {
    /// The same order with a whole path.
    ///
    /// # Errors
    /// When the source is no whole path.
    pub fn typed(mut self) -> Result<Self, Problem> {
        self.source = typed_folder(&self.source)?.display().to_string();
        Ok(self)
    }
}

impl CloneRequest {
    /// The same order with whole paths.
    ///
    /// # Errors
    /// When source or target is no whole path.
    pub fn typed(mut self) -> Result<Self, Problem> {
        self.source = typed_folder(&self.source)?.display().to_string();
        self.target = typed_folder(&self.target)?.display().to_string();
        Ok(self)
    }

    /// The same for a request of which only the source is known as yet.
    ///
    /// # Errors
    /// When the source is no whole path.
    pub fn typed_source(mut self) -> Result<Self, Problem> {
        self.source = typed_folder(&self.source)?.display().to_string();
        Ok(self)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_whole_or_begins_at_home() {
        assert_eq!(typed_folder(" /srv/shop ").unwrap(), PathBuf::from("/srv/shop"));
        let home = directories::BaseDirs::new().unwrap().home_dir().to_owned();
        assert_eq!(typed_folder("~/shop").unwrap(), home.join("shop"));
        assert_eq!(typed_folder("~").unwrap(), home);
    }

    #[test]
    fn what_depends_on_where_the_program_was_started_is_refused() {
        for text in ["shop", "./shop", "../shop", "~other/shop", "file:///srv/shop"] {
            assert_eq!(typed_folder(text).unwrap_err().code, "path.relative", "{text}");
        }
        for text in ["", "  ", "/srv/\0shop", "/srv/sh\nop"] {
            assert_eq!(typed_folder(text).unwrap_err().code, "path.unusable", "{text:?}");
        }
        assert_eq!(typed_folder(&format!("/{}", "x".repeat(5000))).unwrap_err().code, "path.unusable");
    }
}
