//! What an argument may hold, and how it becomes words that no program can misread.

use std::path::{Component, Path};

use super::catalogue::{Argument, Holds, Kind, Runner};

const LONGEST: usize = 4096;

impl Argument {
    pub(super) fn words(
        &self,
        values: &[String],
        site: &Path,
        program: &Runner,
    ) -> std::result::Result<Vec<String>, String> {
        if self.kind == Kind::Flag {
            return if values.is_empty() {
                Ok(vec![format!("--{}", self.name)])
            } else {
                Err(format!("--{} takes no value", self.name))
            };
        }
        if values.is_empty() || (values.len() > 1 && !self.many) {
            return Err(format!("{} is given {} times", spelled(self), values.len()));
        }
        for value in values {
            self.fits(value, site, program)
                .map_err(|reason| format!("{}: {value:?} {reason}", spelled(self)))?;
        }
        let word = |value: &String| {
            if self.kind == Kind::Value { value.clone() } else { format!("--{}={value}", self.name) }
        };
        Ok(values.iter().map(word).collect())
    }

    /// Whether a value is what the argument may hold. No value of a place can pass for an option.
    fn fits(&self, value: &str, site: &Path, program: &Runner) -> std::result::Result<(), String> {
        if value.len() > LONGEST {
            return Err(format!("is longer than {LONGEST} bytes"));
        }
        if value.chars().any(char::is_control) {
            return Err("holds control characters".into());
        }
        if self.kind == Kind::Value && (value.is_empty() || value.starts_with(['-', '@'])) {
            return Err("could be taken for an option".into());
        }
        if !self.choices.is_empty() {
            let is_choice = self.choices.iter().any(|choice| choice == value);
            return if is_choice { Ok(()) } else { Err(format!("is none of {}", self.choices.join(", "))) };
        }
        match self.holds {
            Holds::Text => Ok(()),
            Holds::Name => {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.:/-".contains(c);
                let is_name = !value.is_empty()
                    && value.chars().all(is_plain)
                    && !value.starts_with('-')
                    && !value.contains("..");
                is_name.then_some(()).ok_or_else(|| "may hold letters, digits and _ . : / - only".into())
            }
            Holds::Integer => {
                let number: i64 = value.parse().map_err(|_| "is no whole number".to_owned())?;
                let fits =
                    self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max);
                fits.then_some(()).ok_or_else(|| "is out of range".into())
            }
            Holds::Url => {
                let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
                let is_address = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
                    && !value.contains(char::is_whitespace);
                is_address.then_some(()).ok_or_else(|| "is no http address".into())
            }
            Holds::Path => within(site, Path::new(value)),
            Holds::Script => {
                let file = program.manifest();
                let scripts = program.scripts(site);
                scripts.iter().any(|script| script == value).then_some(()).ok_or_else(|| {
                    format!(
                        "is no script of {file}; there are: {}",
                        if scripts.is_empty() { "none".into() } else { scripts.join(", ") }
                    )
                })
            }
        }
    }
}

impl Runner {
    /// The file that names its scripts.
    fn manifest(&self) -> &'static str {
        if self.name == "composer" { "composer.json" } else { "package.json" }
    }

    pub(super) fn scripts(&self, site: &Path) -> Vec<String> {
        let text = std::fs::read(site.join(self.manifest())).unwrap_or_default();
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        json["scripts"].as_object().map(|scripts| scripts.keys().cloned().collect()).unwrap_or_default()
    }

    /// What is run: the first choice that is there. A word with a slash is a file of the site.
    pub(super) fn found(&self, site: &Path) -> Vec<String> {
        let place = |words: &Vec<String>| {
            let mut words = words.clone();
            let file = site.join(&words[0]);
            if words[0].contains('/') {
                words[0] = file.is_file().then(|| file.to_string_lossy().into_owned())?;
            }
            Some(words)
        };
        self.run.iter().find_map(place).unwrap_or_else(|| self.run[self.run.len() - 1].clone())
    }
}

/// Whether a path stays within the site, links followed as far as it exists.
fn within(site: &Path, path: &Path) -> std::result::Result<(), String> {
    if path.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err("leads out of the site".into());
    }
    let mut known = site.join(path);
    while !known.exists() && known.symlink_metadata().is_err() {
        if !known.pop() {
            break;
        }
    }
    match known.canonicalize() {
        Ok(real) if real.starts_with(site) => Ok(()),
        _ => Err("leads out of the site".into()),
    }
}

pub(super) fn spelled(argument: &Argument) -> String {
    if argument.kind == Kind::Value { format!("<{}>", argument.name) } else { format!("--{}", argument.name) }
}
