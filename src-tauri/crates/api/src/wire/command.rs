use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Problem;

/// What a command does to a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum CommandEffect {
    /// It only looks.
    Reads,
    /// It changes the site.
    Changes,
    /// It removes what cannot be brought back; asks for the site's name.
    Destroys,
}

/// How an argument is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum ArgumentKind {
    /// By its place.
    Value,
    /// `--name=value`.
    Option,
    /// `--name`.
    Flag,
}

/// What an argument may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum ArgumentHolds {
    /// One line of text.
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

/// Something a command may be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CommandArgument {
    /// Its name; for options and flags the word after `--`.
    pub name: String,
    /// How it is given.
    pub kind: ArgumentKind,
    /// What it may hold; flags hold nothing.
    pub holds: ArgumentHolds,
    /// The only values it may have; any that fits `holds` when there are none.
    pub choices: Vec<String>,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it may be given more than once.
    pub many: bool,
    /// Smallest integer.
    pub min: Option<i64>,
    /// Largest integer.
    pub max: Option<i64>,
}

/// A command of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SiteCommand {
    /// Its name in orders: `wp.cache-flush`.
    pub id: String,
    /// The program it belongs to: `wp`, `drush`, `artisan`, `craft`, `composer`, `npm`, or one of the operator's.
    pub program: String,
    /// What an operator would type, without arguments: `wp cache flush`.
    pub typed: String,
    /// What it does, for people.
    pub title: String,
    /// What it does to the site.
    pub effect: CommandEffect,
    /// Whether it can only show what it would do.
    pub dry_run: bool,
    /// Whether it goes on by itself after it was cut off.
    pub resumable: bool,
    /// Active hours after which it is ended.
    pub deadline_hours: u32,
    /// Minutes without output after which an alarm is given.
    pub stall_minutes: u32,
    /// What it may be given.
    pub arguments: Vec<CommandArgument>,
}

/// A site with the commands that fit it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CommandSite {
    /// Its folder, as the system names it.
    pub path: String,
    /// Its name: that of the folder.
    pub name: String,
    /// The commands, by program.
    pub commands: Vec<SiteCommand>,
}

/// A command with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CommandCall {
    /// The command's id.
    pub command: String,
    /// Values by the argument's name; a flag that is given has none.
    #[ts(type = "Record<string, string[]>")]
    pub arguments: BTreeMap<String, Vec<String>>,
    /// Only show what would be done.
    pub dry_run: bool,
}

/// What a call would run, looked at while it is put together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CommandDraft {
    /// The program and its arguments, one by one: nothing of it is read by a shell.
    pub words: Vec<String>,
    /// What is wrong with the arguments; the context `argument` names the one. It may be run when there is nothing.
    pub problems: Vec<Problem>,
    /// The name to type before it is run, where it destroys.
    pub confirm: Option<String>,
}

/// Commands of a site in order, kept for it; run as one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Workflow {
    /// Its name; unique for the site.
    pub title: String,
    /// What it runs, in order.
    pub calls: Vec<CommandCall>,
    /// Whether everything that can is shown first and done then.
    pub dry_run_first: bool,
}

/// A call of a job, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CommandStanding {
    /// The job's step that carries it out.
    pub step: String,
    /// What the command does, for people.
    pub title: String,
    /// The program and its arguments; empty when the site or the list has changed so that it cannot be told.
    pub words: Vec<String>,
    /// What it does to the site, where that is known.
    pub effect: Option<CommandEffect>,
    /// Whether it goes on by itself after it was cut off.
    pub resumable: bool,
    /// Whether it only shows what it would do.
    pub dry_run: bool,
    /// The phase it is in, or was.
    pub phase: Option<String>,
    /// Where it could go on.
    pub checkpoint: Option<String>,
    /// Counts by name.
    #[ts(type = "Record<string, number>")]
    pub stats: BTreeMap<String, u64>,
}

/// A command that an operator adds to the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct NewCommand {
    /// The program, by its name in the list.
    pub program: String,
    /// The words after the program, with blanks between: `user list`.
    pub words: String,
    /// What it does, for people.
    pub title: String,
    /// What it does to the site.
    pub effect: CommandEffect,
    /// Options that make it only show what it would do; empty when it cannot.
    pub dry_run: String,
    /// Options that make it go on, `{checkpoint}` for what it handed out last; none when it cannot.
    pub resume: Option<String>,
    /// Active hours after which it is ended.
    pub deadline_hours: u32,
    /// What it may be given.
    pub arguments: Vec<CommandArgument>,
}

/// The operator's own part of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OwnCommands {
    /// The file that holds it; it may be written by hand.
    pub file: String,
    /// The commands in it.
    pub commands: Vec<SiteCommand>,
    /// Programs that a command may belong to, with what an operator types for each: `artisan`, `php artisan`.
    #[ts(type = "Record<string, string>")]
    pub programs: BTreeMap<String, String>,
    /// Why the file cannot be used, if it cannot.
    pub problem: Option<Problem>,
}
