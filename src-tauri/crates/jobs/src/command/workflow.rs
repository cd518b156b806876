use std::path::PathBuf;

use clonedeck_queue::{Ctx, Done, Job, Line, Needs, Policy, Step, StepError, Undone};
use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::carry::{self, Cursor, Outcome};
use super::job;
use super::shelf::Commands;
use crate::Bounds;

/// How many commands a workflow may have, dry runs included.
pub const LONGEST_WORKFLOW: usize = 50;

/// Commands of a site, in order, as one job: each is a step; the first that fails ends it, and a retry goes on there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WorkflowOrder {
    /// The site's folder.
    pub site: PathBuf,
    /// Its name, for lists.
    pub title: String,
    /// What to run, with the titles of the commands.
    pub calls: Vec<(String, Call)>,
    /// Limits of each command.
    #[serde(default)]
    pub bounds: Bounds,
}

impl WorkflowOrder {
    /// An order that may be added. With `dry_run_first` every command that can only show what it would do does so before anything
    /// is done for real.
    ///
    /// # Errors
    /// With the reason, when a command may not be run, none is there, or they are too many.
    pub fn new(
        commands: &Commands,
        site: PathBuf,
        title: &str,
        calls: &[Call],
        dry_run_first: bool,
        confirm: Option<&str>,
    ) -> Result<Self> {
        let catalogue = commands.catalogue()?;
        let (mut shown, mut real) = (Vec::new(), Vec::new());
        for call in calls {
            let checked = catalogue.check(&site, call)?;
            checked.confirmed(confirm, call.dry_run)?;
            let title = &checked.command.title;
            if dry_run_first && !call.dry_run && !checked.command.dry_run.is_empty() {
                shown.push((format!("{title} (only shown)"), Call { dry_run: true, ..call.clone() }));
            }
            real.push((title.clone(), call.clone()));
        }
        shown.append(&mut real);
        if shown.is_empty() || shown.len() > LONGEST_WORKFLOW {
            return Err(Problem::permanent(
                "workflow.length",
                format!(
                    "A workflow has 1 to {LONGEST_WORKFLOW} commands; this one has {}, dry runs included.",
                    shown.len()
                ),
            ));
        }
        let site = site.canonicalize().unwrap_or(site);
        let title = format!("{title}: {}", job::name_of(&site));
        Ok(Self { site, title, calls: shown, bounds: Bounds::default() })
    }

    /// Sets limits of each command.
    pub fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }
}

/// The job kind `workflow`.
#[derive(Debug, Clone)]
pub struct WorkflowJob {
    /// What its steps share.
    pub commands: Commands,
}

impl Job for WorkflowJob {
    const KIND: &'static str = "workflow";
    type Spec = WorkflowOrder;

    fn title(&self, order: &WorkflowOrder) -> String {
        order.title.clone()
    }

    fn steps(&self, line: &mut Line<Self>) {
        for (place, (title, _)) in line.order().calls.iter().enumerate() {
            let run = RunCall { commands: self.commands.clone(), place };
            line.step_named(format!("command-{}", place + 1), title, run);
        }
    }

    fn needs(&self, order: &WorkflowOrder) -> Needs {
        job::needs(&order.site, order.bounds)
    }

    fn policy(&self) -> Policy {
        job::policy()
    }
}

/// One command of a workflow, by its place.
struct RunCall {
    commands: Commands,
    place: usize,
}

impl Step for RunCall {
    type Job = WorkflowJob;
    type Cursor = Cursor;
    type Output = Outcome;
    const NAME: &'static str = "command";
    const TITLE: &'static str = "Command";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<Outcome>, StepError> {
        let order = ctx.spec();
        let (title, call) = order.calls[self.place].clone();
        let (site, bounds) = (order.site.clone(), order.bounds);
        ctx.log(clonedeck_queue::Level::Info, format!("== {title}"));
        carry::carry(ctx, &self.commands, &site, &call, bounds).await
    }

    async fn undo(&self, ctx: &mut Ctx<Self>) -> Result<Undone, StepError> {
        Ok(carry::abandon(ctx, &self.commands).await)
    }
}
