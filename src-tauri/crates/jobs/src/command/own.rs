use std::fs;
use std::path::{Path, PathBuf};

use clonedeck_site::files::write_whole;
use clonedeck_site::{Problem, Result};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

use super::catalogue::{Argument, Catalogue, Command, Effect, Holds, Kind, Resume};

/// The operator's own commands: the file `commands.toml`, which may also be written by hand. What is changed here leaves the rest
/// of it as it is, comments included.
#[derive(Debug, Clone)]
pub struct OwnCommands {
    file: PathBuf,
}

/// A command that an operator adds. Its id follows from the program and the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommand {
    /// The program, by its name in the list.
    pub program: String,
    /// The words after the program.
    pub words: Vec<String>,
    /// What it does, for people.
    pub title: String,
    /// What it does to the site.
    pub effect: Effect,
    /// Arguments that make it only show what it would do; none when it cannot.
    pub dry_run: Vec<String>,
    /// How it goes on after a stop; `None` when it cannot.
    pub resume: Option<Vec<String>>,
    /// Active hours after which it is ended.
    pub deadline_hours: u32,
    /// What it may be given.
    pub arguments: Vec<Argument>,
}

impl OwnCommands {
    /// The commands in a file that need not be there.
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The commands that the file adds to Clonedeck's own, by id.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn list(&self) -> Result<Vec<Command>> {
        let catalogue = Catalogue::with_file(&self.file)?;
        let document = self.read()?;
        let ids = document.get("command").and_then(Item::as_array_of_tables).into_iter().flatten();
        let ids = ids.filter_map(|table| table.get("id")?.as_str());
        Ok(ids.filter_map(|id| catalogue.get(id).cloned()).collect())
    }

    /// Adds a command; answers its id. Nothing is written unless the whole list is good with it.
    ///
    /// # Errors
    /// `command.own.…` with what is wrong; the context `field` names the part.
    pub fn add(&self, new: &NewCommand) -> Result<String> {
        let mut catalogue = Catalogue::with_file(&self.file)?;
        new.admit(&catalogue)?;
        let id = new.id();
        if let Some(known) = catalogue.get(&id) {
            let problem = Problem::permanent(
                "command.own.known",
                format!("{} is in the list already: “{}”.", catalogue.typed(known).join(" "), known.title),
            );
            return Err(problem.help("Remove that one first if it is your own.").with("field", "words"));
        }
        let mut document = self.read()?;
        let commands = document.entry("command").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        let Some(commands) = commands.as_array_of_tables_mut() else {
            return Err(self.unusable("its “command” is no list of tables"));
        };
        commands.push(new.table(&id));
        let text = document.to_string();
        catalogue.merge(&text, &self.file.display().to_string())?;
        self.write(&text)?;
        Ok(id)
    }

    /// Removes a command of the file. Answers whether there was one.
    pub fn remove(&self, id: &str) -> Result<bool> {
        let mut document = self.read()?;
        let Some(commands) = document.get_mut("command").and_then(Item::as_array_of_tables_mut) else {
            return Ok(false);
        };
        let before = commands.len();
        commands.retain(|table| table.get("id").and_then(Item::as_str) != Some(id));
        let is_removed = commands.len() < before;
        if is_removed {
            self.write(&document.to_string())?;
        }
        Ok(is_removed)
    }

    fn read(&self) -> Result<DocumentMut> {
        match fs::read_to_string(&self.file) {
            Ok(text) => text.parse().map_err(|error| self.unusable(&error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(DocumentMut::new()),
            Err(error) => Err(self.unusable(&error)),
        }
    }

    fn write(&self, text: &str) -> Result<()> {
        write_whole(&self.file, text.as_bytes()).map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, reason: impl std::fmt::Display) -> Problem {
        Problem::needs_person(
            "command.catalogue",
            format!("{} cannot be used: {reason}.", self.file.display()),
        )
        .help("Correct the file; nothing of it is used until then.")
        .with("file", self.file.display())
    }
}

impl NewCommand {
    fn id(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        format!("{}.{}", self.program, self.words.join("-").chars().map(plain).collect::<String>())
    }

    /// What the list itself does not look at, said of the part that is wrong.
    fn admit(&self, catalogue: &Catalogue) -> Result<()> {
        let wrong = |field: &str, reason: &str| {
            Err(Problem::permanent("command.own.refused", reason.to_owned())
                .help("Nothing was changed.")
                .with("field", field))
        };
        if !catalogue.programs().contains_key(&self.program) {
            return wrong("program", "Choose one of the programs of the list.");
        }
        if self.words.is_empty() {
            return wrong("words", "Say which words come after the program, such as “user list”.");
        }
        let is_word = |word: &String| {
            !word.starts_with('-') && word.chars().all(|c| c.is_ascii_alphanumeric() || "_.:/-".contains(c))
        };
        if !self.words.iter().all(is_word) {
            return wrong(
                "words",
                "Words hold letters, digits and _ . : / - and do not begin with a dash; what does is an argument.",
            );
        }
        if self.title.trim().is_empty() || self.title.chars().any(char::is_control) {
            return wrong("title", "Say in a few words what it does.");
        }
        let is_option = |word: &String| word.starts_with('-') && !word.chars().any(char::is_control);
        if !self.dry_run.iter().all(is_option) {
            return wrong("dry_run", "What makes it only show is an option, such as --dry-run.");
        }
        if self.resume.iter().flatten().any(|word| word.chars().any(char::is_control)) {
            return wrong("resume", "Options that make it go on hold no control characters.");
        }
        if !(1..=720).contains(&self.deadline_hours) {
            return wrong("deadline_hours", "A deadline is from 1 to 720 hours.");
        }
        for (index, argument) in self.arguments.iter().enumerate() {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            let is_name = !argument.name.is_empty()
                && argument.name.chars().all(is_plain)
                && !argument.name.starts_with('-');
            if !is_name {
                return wrong(
                    "arguments",
                    "An argument has a name of letters, digits, - and _; without the dashes before it.",
                );
            }
            if self.arguments[..index].iter().any(|other| other.name == argument.name) {
                return wrong("arguments", &format!("“{}” is there twice.", argument.name));
            }
        }
        Ok(())
    }

    fn table(&self, id: &str) -> Table {
        let mut table = Table::new();
        table["id"] = value(id);
        table["program"] = value(&self.program);
        table["words"] = value(list(&self.words));
        table["title"] = value(self.title.trim());
        table["effect"] = value(match self.effect {
            Effect::Reads => "reads",
            Effect::Changes => "changes",
            Effect::Destroys => "destroys",
        });
        if !self.dry_run.is_empty() {
            table["dry_run"] = value(list(&self.dry_run));
        }
        table["deadline_hours"] = value(i64::from(self.deadline_hours));
        if let Some(resume) = self.resume.as_ref().map(|words| resume(words)) {
            let mut inline = InlineTable::new();
            inline.insert("with", list(&resume.with).into());
            inline.insert("without", list(&resume.without).into());
            table["resume"] = value(inline);
        }
        if !self.arguments.is_empty() {
            table["argument"] = value(self.arguments.iter().map(described).collect::<Array>());
        }
        table
    }
}

/// The same words with a checkpoint and, where there is none, those that do not speak of one.
fn resume(words: &[String]) -> Resume {
    let speaks = |word: &String| word.contains("{checkpoint}");
    let mut without: Vec<String> = Vec::new();
    for word in words {
        if !speaks(word) {
            without.push(word.clone());
        } else if word.as_str() == "{checkpoint}" {
            // It was the value of the word before.
            without.pop();
        }
    }
    Resume { with: words.to_vec(), without }
}

fn described(argument: &Argument) -> Value {
    let mut table = InlineTable::new();
    table.insert("name", argument.name.as_str().into());
    table.insert(
        "kind",
        match argument.kind {
            Kind::Value => "value",
            Kind::Option => "option",
            Kind::Flag => "flag",
        }
        .into(),
    );
    if argument.kind != Kind::Flag {
        let holds = match argument.holds {
            Holds::Text => "text",
            Holds::Name => "name",
            Holds::Integer => "integer",
            Holds::Url => "url",
            Holds::Path => "path",
            Holds::Script => "script",
        };
        table.insert("type", holds.into());
    }
    if !argument.choices.is_empty() {
        table.insert("choices", list(&argument.choices).into());
    }
    if argument.required {
        table.insert("required", true.into());
    }
    if argument.many {
        table.insert("many", true.into());
    }
    for (name, bound) in [("min", argument.min), ("max", argument.max)] {
        if let Some(bound) = bound {
            table.insert(name, bound.into());
        }
    }
    table.into()
}

fn list(words: &[String]) -> Array {
    words.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> NewCommand {
        NewCommand {
            program: "wp".into(),
            words: vec!["user".into(), "list".into()],
            title: "List the users".into(),
            effect: Effect::Reads,
            dry_run: Vec::new(),
            resume: None,
            deadline_hours: 48,
            arguments: vec![Argument {
                name: "role".into(),
                kind: Kind::Option,
                holds: Holds::Name,
                choices: Vec::new(),
                required: false,
                many: false,
                min: None,
                max: None,
            }],
        }
    }

    #[test]
    fn a_command_is_added_beside_what_was_written_by_hand_and_removed_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("commands.toml");
        let by_hand = "# ours\n[[command]]\nid = \"wp.mine\"\nprogram = \"wp\"\nwords = [\"mine\"] # all of it\n\
                       title = \"Mine\"\neffect = \"changes\"\n";
        fs::write(&file, by_hand).unwrap();
        let own = OwnCommands::new(file.clone());
        assert_eq!(own.add(&users()).unwrap(), "wp.user-list");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with(by_hand), "{text}");
        let ids: Vec<String> = own.list().unwrap().into_iter().map(|command| command.id).collect();
        assert_eq!(ids, ["wp.mine", "wp.user-list"]);
        let catalogue = Catalogue::with_file(&file).unwrap();
        assert_eq!(catalogue.get("wp.user-list").unwrap().argument[0].name, "role");
        assert_eq!(own.add(&users()).unwrap_err().code, "command.own.known");
        assert!(own.remove("wp.user-list").unwrap());
        assert!(!own.remove("wp.user-list").unwrap());
        assert_eq!(fs::read_to_string(&file).unwrap(), by_hand);
    }

    #[test]
    fn a_command_that_could_be_more_than_it_says_is_refused_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let own = OwnCommands::new(folder.path().join("commands.toml"));
        type Spoil = fn(&mut NewCommand);
        let refused: [(&str, Spoil); 8] = [
            ("program", |new| new.program = "sh".into()),
            ("words", |new| new.words.clear()),
            ("words", |new| new.words = vec!["eval".into(), "--exec=x".into()]),
            ("words", |new| new.words = vec!["a;b".into()]),
            ("title", |new| new.title = " ".into()),
            ("dry_run", |new| new.dry_run = vec!["rm".into()]),
            ("deadline_hours", |new| new.deadline_hours = 0),
            ("arguments", |new| new.arguments[0].name = "--role".into()),
        ];
        for (field, spoil) in refused {
            let mut new = users();
            spoil(&mut new);
            let problem = own.add(&new).unwrap_err();
            assert_eq!((problem.code, problem.context["field"].as_str()), ("command.own.refused", field));
        }
        assert_eq!(
            own.add(&NewCommand { words: vec!["cache".into(), "flush".into()], ..users() }).unwrap_err().code,
            "command.own.known"
        );
        assert!(!own.file().exists());
    }

    #[test]
    fn a_command_goes_on_with_its_checkpoint_and_without_one() {
        let words: Vec<String> = ["--resume", "--checkpoint", "{checkpoint}"].map(str::to_owned).into();
        let made = resume(&words);
        assert_eq!((made.with.len(), made.without), (3, vec!["--resume".to_owned()]));
    }
}
