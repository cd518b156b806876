use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};

use super::catalogue::{Argument, Catalogue, Command, Effect, Holds, Kind, Runner};

/// A command with its arguments, as it is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The command's id.
    pub command: String,
    /// Values by the argument's name; a flag that is given has none.
    #[serde(default)]
    pub arguments: BTreeMap<String, Vec<String>>,
    /// Only show what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// A call that may be run: everything about it was looked at.
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    /// The entry of the list.
    pub command: &'a Command,
    /// The site's folder, as the system names it.
    pub site: PathBuf,
    /// The program and its first words.
    pub(super) program: Vec<String>,
    /// The arguments.
    pub(super) arguments: Vec<String>,
}

/// A call that is being put together.
#[derive(Debug, Clone)]
pub struct Drafted {
    /// The program and its arguments, one by one, as they would be run.
    pub words: Vec<String>,
    /// What is wrong with its arguments; the context `argument` names the one. Empty when it may be run.
    pub faults: Vec<Problem>,
    /// The name to type before it is run, where it destroys.
    pub confirm: Option<String>,
}

const LONGEST: usize = 4096;

/// The folder of a site, as the system names it.
fn real_folder(site: &Path) -> Result<PathBuf> {
    site.canonicalize().ok().filter(|site| site.is_dir()).ok_or_else(|| {
        Problem::permanent("command.site", format!("There is no site in {}.", site.display()))
            .help("Choose the folder of a site.")
            .with("path", site.display())
    })
}

impl Catalogue {
    /// Understands words as they are typed: `wp cache flush`. Answers the call that they mean.
    ///
    /// # Errors
    /// With the reason, when the words are no command of the list or an argument does not fit.
    pub fn parse(&self, site: &Path, words: &[String]) -> Result<Call> {
        let mut candidates: Vec<(&Runner, &Command)> = self
            .commands
            .values()
            .filter_map(|command| Some((self.programs.get(&command.program)?, command)))
            .filter(|(program, command)| starts_with(words, &program.says, &command.words))
            .collect();
        candidates.sort_by_key(|(program, command)| program.says.len() + command.words.len());
        let Some((program, command)) = candidates.pop() else { return Err(self.not_allowed(words)) };
        let mut call = Call { command: command.id.clone(), arguments: BTreeMap::new(), dry_run: false };
        let mut rest = words[program.says.len() + command.words.len()..].iter();
        let mut places = command.argument.iter().filter(|argument| argument.kind == Kind::Value).peekable();
        while let Some(word) = rest.next() {
            if command.dry_run.contains(word) {
                call.dry_run = true;
            } else if let Some(option) = word.strip_prefix("--") {
                let (name, value) =
                    option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
                let known = command
                    .argument
                    .iter()
                    .find(|argument| argument.kind != Kind::Value && argument.name == name);
                let argument = known.ok_or_else(|| refused(command, format!("it has no option --{name}")))?;
                let values = call.arguments.entry(name.to_owned()).or_default();
                match (argument.kind, value) {
                    (Kind::Flag, None) => {}
                    (Kind::Flag, Some(_)) => {
                        return Err(refused(command, format!("--{name} takes no value")));
                    }
                    (_, Some(value)) => values.push(value.to_owned()),
                    (_, None) => values.push(
                        rest.next()
                            .ok_or_else(|| refused(command, format!("--{name} needs a value")))?
                            .clone(),
                    ),
                }
            } else if word.starts_with('-') {
                return Err(refused(command, format!("it has no option {word}")));
            } else {
                let place = places
                    .peek()
                    .ok_or_else(|| refused(command, format!("nothing is left to be {word:?}")))?;
                call.arguments.entry(place.name.clone()).or_default().push(word.clone());
                if !place.many {
                    places.next();
                }
            }
        }
        self.check(site, &call)?;
        Ok(call)
    }

    /// Looks at everything about a call: the list, the site, each argument.
    ///
    /// # Errors
    /// With the reason, when it may not be run.
    pub fn check(&self, site: &Path, call: &Call) -> Result<Checked<'_>> {
        let (checked, faults) = self.look(site, call)?;
        faults.into_iter().next().map_or(Ok(checked), Err)
    }

    /// What a call would run, for somebody who is still putting it together: arguments that do not fit yet are left out, or stand
    /// as `<name>` where they must be given.
    ///
    /// # Errors
    /// With the reason, when the command may not be run in this site whatever its arguments are.
    pub fn draft(&self, site: &Path, call: &Call) -> Result<Drafted> {
        let (checked, faults) = self.look(site, call)?;
        let mut words = checked.program.clone();
        words.extend(checked.arguments.iter().cloned());
        let confirm = (checked.command.effect == Effect::Destroys && !call.dry_run).then(|| checked.name());
        Ok(Drafted { words, faults, confirm })
    }

    /// A call with the arguments that fit, and why the others do not.
    fn look(&self, site: &Path, call: &Call) -> Result<(Checked<'_>, Vec<Problem>)> {
        let command = self
            .commands
            .get(&call.command)
            .ok_or_else(|| self.not_allowed(std::slice::from_ref(&call.command)))?;
        let site = real_folder(site)?;
        let program = self
            .programs
            .get(&command.program)
            .ok_or_else(|| self.not_allowed(std::slice::from_ref(&command.program)))?;
        if !program.fits(&site) {
            let files = program.evidence.join(", ");
            return Err(refused(command, format!("the site has none of the files it needs ({files})")));
        }
        if call.dry_run && command.dry_run.is_empty() {
            return Err(refused(command, "it cannot show what it would do without doing it"));
        }
        let mut faults: Vec<Problem> = call
            .arguments
            .keys()
            .filter(|name| command.argument.iter().all(|argument| argument.name != **name))
            .map(|name| refused(command, format!("it has no argument {name:?}")).with("argument", name))
            .collect();
        let mut arguments = command.words.clone();
        let mut places = Vec::new();
        for argument in &command.argument {
            let given = match call.arguments.get(&argument.name) {
                Some(values) => argument.words(values, &site, program),
                None if argument.required && !(call.dry_run && argument.kind == Kind::Flag) => {
                    Err(format!("it needs {}", spelled(argument)))
                }
                None => continue,
            };
            let words = given.unwrap_or_else(|reason| {
                faults.push(refused(command, reason).with("argument", &argument.name));
                if argument.required { vec![spelled(argument)] } else { Vec::new() }
            });
            if argument.kind == Kind::Value { places.extend(words) } else { arguments.extend(words) }
        }
        if call.dry_run {
            arguments.extend(command.dry_run.iter().cloned());
        }
        arguments.extend(program.always.iter().cloned());
        if is_root() {
            arguments.extend(program.as_root.iter().cloned());
        }
        // Values stand right after the words, before any option.
        arguments.splice(command.words.len()..command.words.len(), places);
        Ok((Checked { command, program: program.found(&site), site, arguments }, faults))
    }

    /// The words that an operator types for a command, without its arguments.
    pub fn typed(&self, command: &Command) -> Vec<String> {
        let says =
            self.programs.get(&command.program).map(|program| program.says.clone()).unwrap_or_default();
        says.into_iter().chain(command.words.iter().cloned()).collect()
    }

    /// The only values that an argument may have in a site; any that fits its type when there are none.
    pub fn choices(&self, command: &Command, argument: &Argument, site: &Path) -> Vec<String> {
        match (argument.holds, self.programs.get(&command.program)) {
            (Holds::Script, Some(program)) if argument.choices.is_empty() => program.scripts(site),
            _ => argument.choices.clone(),
        }
    }

    /// The programs of the list by name, with the words an operator types for each.
    pub fn programs(&self) -> BTreeMap<String, Vec<String>> {
        self.programs.values().map(|program| (program.name.clone(), program.says.clone())).collect()
    }

    fn not_allowed(&self, words: &[String]) -> Problem {
        let typed = words.join(" ");
        let first = words.first().map_or("", String::as_str);
        let near: Vec<String> = self
            .commands
            .values()
            .filter_map(|command| Some((self.programs.get(&command.program)?, command)))
            .filter(|(program, _)| program.says.first().is_some_and(|word| word == first))
            .map(|(program, command)| format!("{} {}", program.says.join(" "), command.words.join(" ")))
            .collect();
        let help = if near.is_empty() {
            "Allowed programs: wp, drush, php artisan, php craft, composer, npm. Add others to commands.toml in the data folder.".into()
        } else {
            format!("Allowed: {}. Add others to commands.toml in the data folder.", near.join(" · "))
        };
        Problem::permanent(
            "command.not-allowed",
            format!("{typed:?} is not in the list of allowed commands."),
        )
        .help(help)
    }
}

impl Checked<'_> {
    /// What the site is called where its name has to be typed: the name of its folder.
    pub fn name(&self) -> String {
        self.site.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The program and its arguments, one by one.
    pub fn words(&self) -> Vec<String> {
        self.program.iter().chain(&self.arguments).cloned().collect()
    }

    /// Refuses a destroying command unless the name of the site's folder was typed.
    pub fn confirmed(&self, typed: Option<&str>, dry_run: bool) -> Result<()> {
        let name = self.name();
        if self.command.effect != Effect::Destroys || dry_run || typed == Some(&*name) {
            return Ok(());
        }
        Err(Problem::permanent(
            "command.confirm",
            format!("{}: this removes what cannot be brought back.", self.command.title),
        )
        .help(format!("Type the name of the site to go on: {name}"))
        .with("name", name))
    }
}

impl Argument {
    fn words(
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

    fn scripts(&self, site: &Path) -> Vec<String> {
        let text = std::fs::read(site.join(self.manifest())).unwrap_or_default();
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        json["scripts"].as_object().map(|scripts| scripts.keys().cloned().collect()).unwrap_or_default()
    }

    /// What is run: the first choice that is there. A word with a slash is a file of the site.
    fn found(&self, site: &Path) -> Vec<String> {
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

fn starts_with(words: &[String], says: &[String], command: &[String]) -> bool {
    let expected = says.len() + command.len();
    words.len() >= expected
        && words.iter().zip(says.iter().chain(command)).all(|(word, expected)| word == expected)
}

fn spelled(argument: &Argument) -> String {
    if argument.kind == Kind::Value { format!("<{}>", argument.name) } else { format!("--{}", argument.name) }
}

fn refused(command: &Command, reason: impl Into<String>) -> Problem {
    Problem::permanent("command.refused", format!("{} cannot be run: {}.", command.id, reason.into()))
        .help("Nothing was run. See the command's arguments in the list of commands.")
        .with("command", &command.id)
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(command: &str, given: &[(&str, &str)]) -> Call {
        let arguments = given.iter().map(|(name, value)| ((*name).into(), vec![(*value).into()])).collect();
        Call { command: command.into(), arguments, dry_run: false }
    }

    #[test]
    fn a_draft_names_every_argument_that_does_not_fit_and_a_check_refuses_the_call() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("wp-config.php"), "").unwrap();
        let catalogue = Catalogue::builtin();
        let wrong = call("wp.search-replace", &[("old", "--exec=x"), ("table", "a b"), ("more", "1")]);
        let drafted = catalogue.draft(folder.path(), &wrong).unwrap();
        let at_fault: Vec<&str> =
            drafted.faults.iter().map(|fault| fault.context["argument"].as_str()).collect();
        assert_eq!(at_fault, ["more", "old", "new", "table"]);
        assert_eq!(drafted.words[..4], ["wp", "search-replace", "<old>", "<new>"]);
        assert!(!drafted.words.iter().any(|word| word.contains("exec") || word == "a b"));
        assert_eq!(catalogue.check(folder.path(), &wrong).unwrap_err().code, "command.refused");

        let right = call("wp.search-replace", &[("old", "a b"), ("new", "; rm -rf /")]);
        let drafted = catalogue.draft(folder.path(), &right).unwrap();
        assert!(drafted.faults.is_empty() && drafted.confirm.is_none());
        assert_eq!(drafted.words, catalogue.check(folder.path(), &right).unwrap().words());
        assert_eq!(drafted.words[2..4], ["a b", "; rm -rf /"]);
    }

    #[test]
    fn a_draft_asks_for_the_name_of_the_site_where_the_command_destroys() {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("shop");
        std::fs::create_dir(&site).unwrap();
        std::fs::write(site.join("wp-config.php"), "").unwrap();
        let reset = Call {
            command: "wp.db-reset".into(),
            arguments: BTreeMap::from([("yes".into(), Vec::new())]),
            dry_run: false,
        };
        assert_eq!(Catalogue::builtin().draft(&site, &reset).unwrap().confirm.as_deref(), Some("shop"));
    }
}
