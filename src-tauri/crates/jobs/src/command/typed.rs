//! Words as an operator types them.

use std::collections::BTreeMap;
use std::path::Path;

use clonedeck_site::{Problem, Result};

use super::call::{Call, refused};
use super::catalogue::{Catalogue, Command, Kind, Runner};

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

    /// What to say when words, or the name of a command or a program, are not in the list.
    pub(super) fn not_allowed(&self, words: &[String]) -> Problem {
        let typed = words.join(" ");
        // Those of the very program that was meant, else of all that begin alike: `php` is two.
        let begins = |program: &Runner, length: usize| {
            length > 0 && words.len() >= length && program.says.iter().take(length).eq(&words[..length])
        };
        let is_meant = self.programs.values().any(|program| begins(program, program.says.len()));
        let near: Vec<String> = self
            .commands
            .values()
            .filter_map(|command| Some((self.programs.get(&command.program)?, command)))
            .filter(|(program, _)| begins(program, if is_meant { program.says.len() } else { 1 }))
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

fn starts_with(words: &[String], says: &[String], command: &[String]) -> bool {
    let expected = says.len() + command.len();
    words.len() >= expected
        && words.iter().zip(says.iter().chain(command)).all(|(word, expected)| word == expected)
}
