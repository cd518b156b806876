use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap};

use super::family::Family;
use super::identity::Identity;
use super::record::Records;
use super::running::Running;
use super::scope::{Keeper, Toll};
use super::{MARK, environment, text};
use crate::{Problem, Result, Secret};

/// How much a program may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Bytes of memory, the whole family together. Over it, the family is ended.
    pub memory: Option<u64>,
    /// Processors' worth of time, such as 0.5. Over it, the family is held until it is within again.
    pub cpu: Option<f64>,
    /// Active time; held time does not count. Over it, the family is ended.
    pub deadline: Option<Duration>,
    /// How long it may be silent before an alarm is given.
    pub stall: Option<Duration>,
    /// How long it has to end when asked, before it is ended by force.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: None, cpu: None, deadline: None, stall: None, grace: Duration::from_secs(10) }
    }
}

/// Where a program's output goes.
#[derive(Debug)]
pub enum Output {
    /// To whoever drives it, line by line.
    Lines,
    /// To a file, so that it can outlive Clonedeck.
    File(File),
}

/// What to run.
#[derive(Clone)]
pub struct Program {
    program: OsString,
    arguments: Vec<OsString>,
    folder: PathBuf,
    variables: Vec<(OsString, OsString)>,
    secrets: Vec<Secret>,
    limits: Limits,
    keeper: Keeper,
    keep: bool,
    note: String,
    before: Duration,
}

impl Program {
    /// A program by name or path, to be run in `folder`.
    pub fn new(program: impl Into<OsString>, folder: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            folder: folder.into(),
            variables: Vec::new(),
            secrets: Vec::new(),
            limits: Limits::default(),
            keeper: Keeper::default(),
            keep: false,
            note: String::new(),
            before: Duration::ZERO,
        }
    }

    /// One more argument, handed over as it is. No shell ever sees it. Never a secret: everybody can read arguments.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// More arguments.
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// A variable for its environment, beside the few that it gets anyway.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// A secret for its environment; it is masked wherever the program writes it.
    pub fn secret_env(self, name: impl Into<OsString>, secret: &Secret) -> Self {
        self.env(name, secret.reveal()).hide(secret)
    }

    /// A text that is masked wherever the program writes it.
    pub fn hide(mut self, secret: &Secret) -> Self {
        self.secrets.push(secret.clone());
        self
    }

    /// How much it may take.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Who keeps it within its limits of memory and processors; Clonedeck, unless this is said.
    pub fn kept_by(mut self, keeper: Keeper) -> Self {
        self.keeper = keeper;
        self
    }

    /// Active time of earlier runs that this one goes on with: it counts towards the deadline.
    pub fn goes_on_after(mut self, before: Duration) -> Self {
        self.before = before;
        self
    }

    /// What is written down beside its record: whose it is.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// It outlives whoever started it: dropping its [`Running`] leaves it alone, and a sweep hands it on instead of ending it.
    pub fn keep(mut self) -> Self {
        self.keep = true;
        self
    }

    /// The program and its arguments as one line for people.
    pub fn shown(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.arguments);
        words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
    }

    /// Starts it, in a session of its own, its input closed. With `records` it is written down before it starts, so that no crash
    /// can leave it unknown.
    ///
    /// # Errors
    /// When the folder is not there, or the program is not there or cannot be started.
    pub fn start(&self, output: Output, records: Option<&Records>) -> Result<Running> {
        if !self.folder.is_dir() {
            let folder = self.folder.display();
            return Err(Problem::permanent("process.folder", format!("The folder {folder} is not there."))
                .with("path", folder));
        }
        let mark = new_mark()?;
        let mut record = records.map(|records| records.begin(&mark, &self.note, self.keep)).transpose()?;
        let mut child = self.spawn(&mark, &output).map_err(|error| self.not_started(&error))?;
        let leader = child.id().and_then(Identity::of);
        if let (Some(record), Some(leader)) = (&mut record, &leader)
            && let Err(problem) = record.started(leader)
        {
            let _ = child.start_kill();
            return Err(problem);
        }
        let secrets =
            self.secrets.iter().map(|secret| secret.reveal().to_owned()).chain(environment::secrets());
        let toll = self.keeper.is_kernel().then(|| Toll::of(leader.as_ref()));
        let family = Family::of_child(leader, mark);
        let kept = (self.limits, toll, self.before);
        Ok(Running::new(child, family, record, kept, text::forms(secrets), self.keep))
    }

    fn spawn(&self, mark: &str, output: &Output) -> std::io::Result<Box<dyn ChildWrapper>> {
        let (out, err) = match output {
            Output::Lines => (Stdio::piped(), Stdio::piped()),
            Output::File(file) => (file.try_clone()?.into(), file.try_clone()?.into()),
        };
        let words = self.words()?;
        let mut command = CommandWrap::with_new(&words[0], |command| {
            command
                .args(&words[1..])
                .current_dir(&self.folder)
                .env_clear()
                .envs(environment::passed())
                .envs(self.variables.iter().map(|(name, value)| (name, value)))
                .env(MARK, mark)
                .stdin(Stdio::null())
                .stdout(out)
                .stderr(err);
        });
        #[cfg(unix)]
        command.wrap(process_wrap::tokio::ProcessSession);
        #[cfg(windows)]
        command.wrap(process_wrap::tokio::JobObject);
        command.spawn()
    }

    /// What is run: the program with its arguments, within a scope where the kernel keeps its limits.
    fn words(&self) -> std::io::Result<Vec<OsString>> {
        let mut words = vec![self.program.clone()];
        words.extend_from_slice(&self.arguments);
        let scoped = self.keeper.words(&self.limits, &words);
        if scoped.len() > words.len() && !self.is_there() {
            // The scope would be made all the same, and its failure would not say what is missing.
            return Err(std::io::ErrorKind::NotFound.into());
        }
        Ok(scoped)
    }

    /// Whether the program is where it will be looked for.
    fn is_there(&self) -> bool {
        if Path::new(&self.program).components().count() > 1 {
            return self.folder.join(&self.program).is_file();
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(&self.program).is_file())
    }

    fn not_started(&self, error: &std::io::Error) -> Problem {
        use std::io::ErrorKind as K;
        let name =
            Path::new(&self.program).file_name().unwrap_or(OsStr::new("?")).to_string_lossy().into_owned();
        match error.kind() {
            K::NotFound => Problem::needs_person("process.missing", format!("{name} is not installed."))
                .help(format!(
                    "Install {name} so that it is found in the search path (PATH), then let the job go on."
                )),
            K::PermissionDenied => {
                Problem::permanent("process.permission", format!("{name} may not be run by this user."))
                    .help("Give the file the right to be executed.")
            }
            K::WouldBlock | K::OutOfMemory => Problem::transient(
                "process.resources",
                format!("The machine has no room to start {name}: {error}."),
            ),
            _ => Problem::permanent("process.start", format!("{name} could not be started: {error}.")),
        }
        .with("program", Path::new(&self.program).display())
    }
}

impl std::fmt::Debug for Program {
    /// Without the environment, which can hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("runs", &self.shown())
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

fn new_mark() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Problem::permanent("process.random", format!("The system gives no random numbers: {error}."))
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
