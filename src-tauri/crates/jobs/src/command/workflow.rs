use std::path::PathBuf;

use clonedeck_queue::{Ctx, Done, Job, Line, Needs, Policy, Step, StepError, Undone};
use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::carry::{self, Bounds, Cursor, Outcome};
use super::job;
use super::shelf::Commands;

/// How many commands a workflow may have.
pub const LONGEST_WORKFLOW: usize = 10;

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
        line.step(Command1(self.commands.clone()))
            .step(Command2(self.commands.clone()))
            .step(Command3(self.commands.clone()))
            .step(Command4(self.commands.clone()))
            .step(Command5(self.commands.clone()))
            .step(Command6(self.commands.clone()))
            .step(Command7(self.commands.clone()))
            .step(Command8(self.commands.clone()))
            .step(Command9(self.commands.clone()))
            .step(Command10(self.commands.clone()));
    }

    fn needs(&self, order: &WorkflowOrder) -> Needs {
        job::needs(&order.site, order.bounds)
    }

    fn policy(&self) -> Policy {
        job::policy()
    }
}

async fn run_place<S>(ctx: &mut Ctx<S>, commands: &Commands, place: usize) -> Result<Done<Outcome>, StepError>
where
    S: Step<Job = WorkflowJob, Cursor = Cursor, Output = Outcome>,
{
    let order = ctx.spec();
    let Some((title, call)) = order.calls.get(place).cloned() else {
        return Ok(Done::Skipped { reason: "not part of this workflow".into(), output: Outcome::default() });
    };
    let (site, bounds) = (order.site.clone(), order.bounds);
    ctx.message(&title);
    ctx.log(clonedeck_queue::Level::Info, format!("== {title}"));
    carry::carry(ctx, commands, &site, &call, bounds).await
}

/// A kind's line is the same for all of its jobs, so a workflow has a step for each place that may be taken.
macro_rules! place {
    ($place:literal, $name:ident, $stable:literal, $title:literal) => {
        struct $name(Commands);

        impl Step for $name {
            type Job = WorkflowJob;
            type Cursor = Cursor;
            type Output = Outcome;
            const NAME: &'static str = $stable;
            const TITLE: &'static str = $title;

            fn weight(&self, order: &WorkflowOrder) -> f64 {
                if $place < order.calls.len() { 1.0 } else { 0.0 }
            }

            async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<Outcome>, StepError> {
                run_place(ctx, &self.0, $place).await
            }

            async fn undo(&self, ctx: &mut Ctx<Self>) -> Result<Undone, StepError> {
                Ok(carry::abandon(ctx, &self.0).await)
            }
        }
    };
}

place!(0, Command1, "command-1", "Command 1");
place!(1, Command2, "command-2", "Command 2");
place!(2, Command3, "command-3", "Command 3");
place!(3, Command4, "command-4", "Command 4");
place!(4, Command5, "command-5", "Command 5");
place!(5, Command6, "command-6", "Command 6");
place!(6, Command7, "command-7", "Command 7");
place!(7, Command8, "command-8", "Command 8");
place!(8, Command9, "command-9", "Command 9");
place!(9, Command10, "command-10", "Command 10");
