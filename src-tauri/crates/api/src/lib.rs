//! What the window and the command line may ask of Clonedeck.
//!
//! [`Clonedeck`] is the queue in a data directory, open for one program: it adds jobs, looks, steers, and runs the queue where nobody
//! else does ([`Clonedeck::work`]). One function for each thing an operator can do; the types that cross the border are in [`wire`];
//! every failure is the one [`wire::Problem`], with a stable code and a sentence.

#![warn(missing_docs)]

pub mod wire;

mod announce;
mod builds;
mod clones;
mod commands;
mod convert;
mod copies;
mod demo;
mod doctor;
mod estimate;
mod follow;
mod inbox;
mod jobs;
mod limits;
mod offer;
mod own_commands;
mod place;
mod previews;
mod receipt_page;
mod run;
mod settings;
mod sizes;
mod typed;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clonedeck_jobs::build::Builds;
use clonedeck_jobs::command::Commands;
use clonedeck_jobs::{Previews, Programs, Secrets};
use clonedeck_queue::{Options, Queue};
use tokio::sync::watch;

pub use announce::Announcements;
pub use clonedeck_jobs::words;
pub use clones::Given;
pub use follow::Follower;
pub use run::Runner;
pub use typed::typed_folder;

use wire::Problem;

/// How the queue is opened.
#[derive(Debug, Clone, Default)]
pub struct Open {
    /// The data directory; the platform's own when none.
    pub data_dir: Option<PathBuf>,
    /// What this program calls itself to others when it runs the queue.
    pub holder: String,
    /// Whether previews of copies outlive this program.
    pub previews_go_on: bool,
    /// How much of what happens inside is said on stderr: 0 nothing, 1 the course of things, 2 everything.
    pub verbose: u8,
}

/// The queue in a data directory. Clones share it.
#[derive(Debug, Clone)]
pub struct Clonedeck {
    queue: Queue,
    data_dir: PathBuf,
    secrets: Secrets,
    programs: Programs,
    commands: Commands,
    previews: Previews,
    builds: Builds,
    sizes: sizes::Sizes,
    inbox: inbox::Inbox,
    nudge: watch::Sender<u64>,
}

impl Clonedeck {
    /// Opens the queue, making the data directory where there is none.
    pub async fn open(open: Open) -> Result<Self, Problem> {
        let data_dir = place::data_dir(open.data_dir.as_deref())?;
        let settings = settings::read(&data_dir);
        let secrets = Secrets::of(&data_dir);
        let options = Options {
            holder: open.holder,
            slots: settings.slots as usize,
            cpu_limit: settings.cpu_limit_percent as f32,
            memory_budget: settings::memory_budget(&settings),
            keep_for: std::time::Duration::from_secs(u64::from(settings.retention_days) * 24 * 3600),
            keep_jobs: settings.retention_jobs as usize,
            vault: Some(Arc::new(secrets.clone())),
            ..Options::default()
        };
        let previews = Previews::of(&data_dir, open.previews_go_on);
        let programs = Programs::of(&data_dir);
        let commands = Commands::new(&programs);
        let builds = Builds::new(&programs, &previews);
        settings::apply(&settings, &builds);
        let registry = clonedeck_jobs::registry(&commands, &previews, &builds);
        let folder = data_dir.clone();
        let queue = tokio::task::spawn_blocking(move || Queue::open(&folder, registry, options))
            .await
            .map_err(convert::lost_thread)?
            .map_err(convert::queue_problem)?;
        previews.lease_from(&queue);
        place::begin_log(&data_dir, open.verbose);
        let inbox = inbox::Inbox::of(&data_dir);
        Ok(Self {
            queue,
            data_dir,
            secrets,
            programs,
            commands,
            previews,
            builds,
            sizes: sizes::Sizes::default(),
            inbox,
            nudge: watch::Sender::new(0),
        })
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }
}

/// A problem that trying again does not help.
pub(crate) fn problem(code: &str, message: impl Into<String>, help: impl Into<String>) -> Problem {
    Problem {
        code: code.to_owned(),
        message: message.into(),
        help: help.into(),
        context: std::collections::BTreeMap::new(),
        retryable: false,
    }
}
