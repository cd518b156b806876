use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clonedeck_site::process::is_root;
use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};

use super::argument::spelled;
use super::catalogue::{Argument, Catalogue, Command, Effect, Holds, Kind};

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

/// The folder of a site, as the system names it.
fn real_folder(site: &Path) -> Result<PathBuf> {
    site.canonicalize().ok().filter(|site| site.is_dir()).ok_or_else(|| {
        Problem::permanent("command.site", format!("There is no site in {}.", site.display()))
            .help("Choose the folder of a site.")
            .with("path", site.display())
    })
}

impl Catalogue {
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

pub(super) fn refused(command: &Command, reason: impl Into<String>) -> Problem {
    Problem::permanent("command.refused", format!("{} cannot be run: {}.", command.id, reason.into()))
        .help("Nothing was run. `clonedeck run SITE` lists what may be run there, with its arguments.")
        .with("command", &command.id)
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
