use std::path::PathBuf;

use clonedeck_queue::{Ctx, Done, Job, Line, Needs, Policy, Step, StepError, Undone};
use clonedeck_site::Result;
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::carry::{self, Cursor, Outcome};
use super::shelf::Commands;
use crate::{Bounds, step_error};

/// One command of a site.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CommandOrder {
    /// The site's folder.
    pub site: PathBuf,
    /// What to run.
    pub call: Call,
    /// The name that was typed for a command that destroys.
    pub confirm: Option<String>,
    /// Its title, for lists.
    pub title: String,
    /// Limits.
    #[serde(default)]
    pub bounds: Bounds,
}

impl CommandOrder {
    /// An order that may be added: everything about it was looked at.
    ///
    /// # Errors
    /// With the reason, when the command is not allowed, an argument does not fit, or the name was not typed.
    pub fn new(commands: &Commands, site: PathBuf, call: Call, confirm: Option<String>) -> Result<Self> {
        let catalogue = commands.catalogue()?;
        let checked = catalogue.check(&site, &call)?;
        checked.confirmed(confirm.as_deref(), call.dry_run)?;
        let dry = if call.dry_run { ", only shown" } else { "" };
        let title = format!("{}{dry}: {}", checked.command.title, name_of(&checked.site));
        Ok(Self { site: checked.site, call, confirm, title, bounds: Bounds::default() })
    }

    /// Sets limits.
    pub fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }
}

/// The job kind `command`.
#[derive(Debug, Clone)]
pub struct CommandJob {
    /// What its steps share.
    pub commands: Commands,
}

impl Job for CommandJob {
    const KIND: &'static str = "command";
    type Spec = CommandOrder;

    fn title(&self, order: &CommandOrder) -> String {
        order.title.clone()
    }

    fn steps(&self, line: &mut Line<Self>) {
        line.step(Check(self.commands.clone())).step(Run(self.commands.clone()));
    }

    fn needs(&self, order: &CommandOrder) -> Needs {
        needs(&order.site, order.bounds)
    }

    fn policy(&self) -> Policy {
        policy()
    }
}

/// A command takes 256 MiB unless more is allowed to it, and no two jobs work in one site at a time.
pub(super) fn needs(site: &std::path::Path, bounds: Bounds) -> Needs {
    Needs::nothing()
        .memory(bounds.memory.unwrap_or(256 << 20))
        .exclusive(format!("target:{}", site.display()))
}

/// A command is never tried again by itself: it may have changed the site. Its own deadline ends it before the job's.
pub(super) fn policy() -> Policy {
    Policy { tries: 1, deadline: std::time::Duration::from_hours(24 * 365), ..Policy::default() }
}

pub(super) fn name_of(site: &std::path::Path) -> String {
    site.file_name().map_or_else(|| site.display().to_string(), |name| name.to_string_lossy().into_owned())
}

struct Check(Commands);

impl Step for Check {
    type Job = CommandJob;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "check";
    const TITLE: &'static str = "Check";

    fn weight(&self, _: &CommandOrder) -> f64 {
        0.01
    }

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        let order = ctx.spec();
        let catalogue = self.0.catalogue().map_err(step_error)?;
        let checked = catalogue.check(&order.site, &order.call).map_err(step_error)?;
        checked.confirmed(order.confirm.as_deref(), order.call.dry_run).map_err(step_error)?;
        Ok(Done::Completed(()))
    }
}

struct Run(Commands);

impl Step for Run {
    type Job = CommandJob;
    type Cursor = Cursor;
    type Output = Outcome;
    const NAME: &'static str = "run";
    const TITLE: &'static str = "Run";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<Outcome>, StepError> {
        let CommandOrder { site, call, bounds, .. } = ctx.spec().clone();
        carry::carry(ctx, &self.0, &site, &call, bounds).await
    }

    async fn undo(&self, ctx: &mut Ctx<Self>) -> Result<Undone, StepError> {
        Ok(carry::abandon(ctx, &self.0).await)
    }
}
