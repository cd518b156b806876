use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};

use super::progress::Patterns;

/// The commands that may be run: Clonedeck's own list and the operator's. What is not in it is refused.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pub(super) programs: BTreeMap<String, Runner>,
    pub(super) commands: BTreeMap<String, Command>,
}

/// What a command does to a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It only looks.
    Reads,
    /// It changes the site.
    Changes,
    /// It removes what cannot be brought back; asks for the site's name.
    Destroys,
}

/// A program that can be typed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Runner {
    pub name: String,
    pub says: Vec<String>,
    pub run: Vec<Vec<String>>,
    #[serde(default)]
    pub evidence: Vec<String>,
    #[serde(default)]
    pub always: Vec<String>,
    #[serde(default)]
    pub as_root: Vec<String>,
}

/// A command of the list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Its name in orders: `wp.cache-flush`.
    pub id: String,
    /// The program it belongs to.
    pub program: String,
    /// The words after the program.
    pub words: Vec<String>,
    /// What it does, for people.
    pub title: String,
    /// What it does to the site.
    pub effect: Effect,
    /// Arguments that make it only show what it would do; none when it cannot.
    #[serde(default)]
    pub dry_run: Vec<String>,
    /// Active hours after which it is ended.
    #[serde(default = "default_deadline")]
    pub deadline_hours: u32,
    /// Minutes of silence after which an alarm is given.
    #[serde(default = "default_stall")]
    pub stall_minutes: u32,
    /// How it goes on after a stop, if it can.
    pub resume: Option<Resume>,
    /// What it may be given.
    #[serde(default)]
    pub argument: Vec<Argument>,
    /// Patterns of its output that tell how far it is.
    #[serde(default)]
    pub progress: Vec<String>,
}

/// How a command goes on after it was cut off.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// Arguments to add when it handed out a checkpoint, which replaces `{checkpoint}`.
    #[serde(default)]
    pub with: Vec<String>,
    /// Arguments to add when it handed out none.
    #[serde(default)]
    pub without: Vec<String>,
}

/// Something a command may be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Its name; for options and flags the word after `--`.
    pub name: String,
    /// How it is given.
    pub kind: Kind,
    /// What it may hold; flags hold nothing.
    #[serde(default, rename = "type")]
    pub holds: Holds,
    /// The only values it may have, when there are any here.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Whether it must be given.
    #[serde(default)]
    pub required: bool,
    /// Whether it may be given more than once.
    #[serde(default)]
    pub many: bool,
    /// Smallest integer.
    pub min: Option<i64>,
    /// Largest integer.
    pub max: Option<i64>,
}

/// How an argument is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// By its place.
    Value,
    /// `--name=value`.
    Option,
    /// `--name`.
    Flag,
}

/// What an argument may hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// One line of text.
    #[default]
    Text,
    /// Letters, digits and `_ . : / -`.
    Name,
    /// A whole number.
    Integer,
    /// An `http` or `https` address.
    Url,
    /// A file or folder within the site.
    Path,
    /// A script that `package.json` or `composer.json` names.
    Script,
}

const fn default_deadline() -> u32 {
    48
}

const fn default_stall() -> u32 {
    60
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    program: Vec<Runner>,
    #[serde(default)]
    command: Vec<Command>,
}

impl Catalogue {
    /// Clonedeck's own list.
    pub fn builtin() -> Self {
        static READ: LazyLock<Catalogue> = LazyLock::new(|| {
            let mut catalogue = Catalogue { programs: BTreeMap::new(), commands: BTreeMap::new() };
            match catalogue.merge(include_str!("catalogue.toml"), "Clonedeck's own list of commands") {
                Ok(()) => catalogue,
                Err(problem) => unreachable!("{problem}"),
            }
        });
        READ.clone()
    }

    /// Clonedeck's own list and the operator's, if that file is there.
    ///
    /// # Errors
    /// When the file cannot be read or is not well formed; it is never used in part.
    pub fn with_file(file: &Path) -> Result<Self> {
        Self::with_text(Self::text_of(file)?.as_deref(), file)
    }

    /// What stands in the operator's file; nothing when it is not there.
    pub(super) fn text_of(file: &Path) -> Result<Option<String>> {
        match std::fs::read_to_string(file) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(&file.display().to_string(), &error.to_string())),
        }
    }

    /// Clonedeck's own list and what stands in the operator's file.
    pub(super) fn with_text(text: Option<&str>, file: &Path) -> Result<Self> {
        let mut catalogue = Self::builtin();
        if let Some(text) = text {
            catalogue.merge(text, &file.display().to_string())?;
        }
        Ok(catalogue)
    }

    /// Adds the entries of a text; those of a known name replace.
    pub fn merge(&mut self, text: &str, name: &str) -> Result<()> {
        let file: File = toml::from_str(text).map_err(|error| unreadable(name, &error.to_string()))?;
        let mut merged = self.clone();
        merged.programs.extend(file.program.into_iter().map(|program| (program.name.clone(), program)));
        for command in file.command {
            merged
                .admit(&command)
                .map_err(|reason| unreadable(name, &format!("{}: {reason}", command.id)))?;
            merged.commands.insert(command.id.clone(), command);
        }
        *self = merged;
        Ok(())
    }

    fn admit(&self, command: &Command) -> std::result::Result<(), String> {
        let program = self.programs.get(&command.program);
        let program = program.ok_or_else(|| format!("there is no program {}", command.program))?;
        if program.run.iter().any(Vec::is_empty) || program.run.is_empty() || program.says.is_empty() {
            return Err(format!("the program {} says nothing to run", program.name));
        }
        if command.words.is_empty() {
            return Err("it has no words".into());
        }
        if let Some(word) = command.words.iter().find(|word| word.is_empty() || word.starts_with('-')) {
            return Err(format!("its word {word:?} would be an option"));
        }
        for argument in &command.argument {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            if argument.name.is_empty()
                || !argument.name.chars().all(is_plain)
                || argument.name.starts_with('-')
            {
                return Err(format!("{:?} cannot be the name of an argument", argument.name));
            }
        }
        Patterns::new(&command.progress).map(drop)
    }

    /// A command by its id.
    pub fn get(&self, id: &str) -> Option<&Command> {
        self.commands.get(id)
    }

    /// The commands that fit the site in this folder.
    pub fn fitting(&self, site: &Path) -> Vec<&Command> {
        self.commands
            .values()
            .filter(|command| self.programs.get(&command.program).is_some_and(|program| program.fits(site)))
            .collect()
    }
}

impl Runner {
    pub fn fits(&self, site: &Path) -> bool {
        self.evidence.is_empty() || self.evidence.iter().any(|file| site.join(file).exists())
    }
}

fn unreadable(name: &str, reason: &str) -> Problem {
    Problem::needs_person("command.catalogue", format!("{name} cannot be used: {reason}"))
        .help("Correct the file; nothing of it is used until then.")
        .with("file", name)
}
