//! Console commands of a site, and workflows of them.

use std::path::Path;
use std::sync::Arc;

use clonedeck_jobs::command::{
    self, Call, Catalogue, Command as CommandEntry, CommandJob, CommandOrder, Effect, SavedWorkflow,
    SavedWorkflows, Standing, WorkflowJob, WorkflowOrder,
};
use clonedeck_queue::AddOptions;

use crate::wire::{
    ArgumentHolds, ArgumentKind, CommandArgument, CommandCall, CommandDraft, CommandEffect, CommandSite,
    CommandStanding, JobLimits, Problem, SiteCommand, Workflow,
};
use crate::{Clonedeck, convert, problem};

impl Clonedeck {
    /// A site with the commands that fit it.
    pub async fn command_site(&self, site: &Path) -> Result<CommandSite, Problem> {
        let folder = site.canonicalize().ok().filter(|folder| folder.is_dir()).ok_or_else(|| {
            problem(
                "command.site",
                format!("There is no folder {}.", site.display()),
                "Choose the folder of a site on this machine.",
            )
        })?;
        let catalogue = self.catalogue()?;
        let commands: Vec<SiteCommand> = catalogue
            .fitting(&folder)
            .into_iter()
            .map(|command| told(&catalogue, command, Some(&folder)))
            .collect();
        if commands.is_empty() {
            return Err(problem(
                "command.none",
                format!("No command of the list fits {}.", folder.display()),
                "Choose a folder with a WordPress, Drupal, Laravel or Craft site, a composer.json or a package.json.",
            ));
        }
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
        Ok(CommandSite { path: folder.display().to_string(), name, commands })
    }

    /// What a call would run, and what is wrong with it. Runs nothing.
    pub async fn draft_command(&self, site: &Path, call: &CommandCall) -> Result<CommandDraft, Problem> {
        let drafted = self.catalogue()?.draft(site, &order(call)).map_err(convert::site_problem)?;
        Ok(CommandDraft {
            words: drafted.words,
            problems: drafted.faults.into_iter().map(convert::site_problem).collect(),
            confirm: drafted.confirm,
        })
    }

    /// What words as they are typed (`wp cache flush`) mean in a site.
    ///
    /// # Errors
    /// With the reason, when they are no allowed command.
    pub fn understand_command(&self, site: &Path, words: &[String]) -> Result<CommandCall, Problem> {
        self.catalogue()?.parse(site, words).map(|call| spoken(&call)).map_err(convert::site_problem)
    }

    /// Adds a command. When this returns, the job is on the disk. `confirm` is the name of the site, typed for a command that destroys.
    pub async fn launch_command(
        &self,
        site: &Path,
        call: &CommandCall,
        confirm: Option<String>,
        limits: Option<JobLimits>,
        priority: i32,
    ) -> Result<String, Problem> {
        let bounds = crate::limits::bounds(limits)?;
        let order = CommandOrder::new(&self.commands, site.to_owned(), order(call), confirm)
            .map_err(convert::site_problem)?
            .bounds(bounds);
        let id = self.queue.add::<CommandJob>(&order, AddOptions::default().priority(priority)).await;
        Ok(id.map_err(convert::queue_problem)?.to_string())
    }

    /// Adds a workflow: commands in order, one step each. The limits are those of each command.
    pub async fn launch_workflow(
        &self,
        site: &Path,
        workflow: &Workflow,
        confirm: Option<&str>,
        limits: Option<JobLimits>,
    ) -> Result<String, Problem> {
        let bounds = crate::limits::bounds(limits)?;
        let calls: Vec<Call> = workflow.calls.iter().map(order).collect();
        let order = WorkflowOrder::new(
            &self.commands,
            site.to_owned(),
            workflow.title.trim(),
            &calls,
            workflow.dry_run_first,
            confirm,
        );
        let order = order.map_err(convert::site_problem)?.bounds(bounds);
        let id = self.queue.add::<WorkflowJob>(&order, AddOptions::default()).await;
        Ok(id.map_err(convert::queue_problem)?.to_string())
    }

    /// The workflows that are kept for a site.
    pub async fn workflows(&self, site: &Path) -> Result<Vec<Workflow>, Problem> {
        let kept = SavedWorkflows::of(&self.data_dir).list(site).map_err(convert::site_problem)?;
        let told = |kept: SavedWorkflow| Workflow {
            title: kept.title,
            calls: kept.calls.iter().map(spoken).collect(),
            dry_run_first: kept.dry_run_first,
        };
        Ok(kept.into_iter().map(told).collect())
    }

    /// Keeps a workflow for a site; one of the same title is replaced. Arguments may be settled later, the commands may not.
    pub async fn save_workflow(&self, site: &Path, workflow: &Workflow) -> Result<(), Problem> {
        let title = workflow.title.trim();
        if title.is_empty() || title.chars().any(char::is_control) {
            return Err(problem("workflow.title", "The workflow has no name.", "Give it one."));
        }
        if workflow.calls.is_empty() {
            return Err(problem("workflow.empty", "The workflow has no command.", "Add one."));
        }
        let catalogue = self.catalogue()?;
        let calls: Vec<Call> = workflow.calls.iter().map(order).collect();
        for call in &calls {
            catalogue.draft(site, call).map_err(convert::site_problem)?;
        }
        let kept = SavedWorkflow { title: title.to_owned(), calls, dry_run_first: workflow.dry_run_first };
        SavedWorkflows::of(&self.data_dir).save(site, kept).map_err(convert::site_problem)
    }

    /// Forgets a workflow of a site. Answers whether there was one.
    pub async fn remove_workflow(&self, site: &Path, title: &str) -> Result<bool, Problem> {
        SavedWorkflows::of(&self.data_dir).remove(site, title).map_err(convert::site_problem)
    }

    /// The calls of a command or a workflow, and where each stands.
    pub async fn command_standing(&self, id: &str) -> Result<Vec<CommandStanding>, Problem> {
        let id = convert::job_id(id)?;
        let job = self.queue.job(id).await.map_err(convert::queue_problem)?;
        let strange = |why: serde_json::Error| {
            problem("job.spec", format!("What this job was asked for cannot be read: {why}."), "")
        };
        // The step with this index carries out this call.
        let (site, calls): (_, Vec<(usize, String, Call)>) = match job.kind.as_str() {
            "command" => {
                let order: CommandOrder = serde_json::from_value(job.spec).map_err(strange)?;
                (order.site, vec![(1, String::new(), order.call)])
            }
            "workflow" => {
                let order: WorkflowOrder = serde_json::from_value(job.spec).map_err(strange)?;
                let calls = order.calls.into_iter().enumerate();
                (order.site, calls.map(|(index, (title, call))| (index, title, call)).collect())
            }
            _ => return Ok(Vec::new()),
        };
        // A list that cannot be read does not keep anybody from looking at what ran.
        let catalogue = self.catalogue().unwrap_or_else(|_| Arc::new(Catalogue::builtin()));
        let mut told = Vec::with_capacity(calls.len());
        for (index, title, call) in calls {
            let Some(step) = job.steps.get(index) else { continue };
            let kept = self.queue.kept(id, index).await.map_err(convert::queue_problem)?;
            let standing = Standing::read(kept.cursor.as_deref(), kept.output.as_deref());
            let command = catalogue.get(&call.command);
            let named = || command.map_or_else(|| call.command.clone(), |command| command.title.clone());
            told.push(CommandStanding {
                step: step.name.clone(),
                title: if title.is_empty() { named() } else { title },
                words: catalogue.check(&site, &call).map(|checked| checked.words()).unwrap_or_default(),
                effect: command.map(|command| effect(command.effect)),
                resumable: command.is_some_and(|command| command.resume.is_some()),
                dry_run: call.dry_run,
                phase: standing.phase,
                checkpoint: standing.checkpoint,
                stats: standing.stats,
            });
        }
        Ok(told)
    }

    pub(crate) fn catalogue(&self) -> Result<Arc<Catalogue>, Problem> {
        self.commands.catalogue().map_err(convert::site_problem)
    }
}

fn order(call: &CommandCall) -> Call {
    let CommandCall { command, arguments, dry_run } = call.clone();
    Call { command, arguments, dry_run }
}

fn spoken(call: &Call) -> CommandCall {
    let Call { command, arguments, dry_run } = call.clone();
    CommandCall { command, arguments, dry_run }
}

pub(crate) fn effect(effect: Effect) -> CommandEffect {
    match effect {
        Effect::Reads => CommandEffect::Reads,
        Effect::Changes => CommandEffect::Changes,
        Effect::Destroys => CommandEffect::Destroys,
    }
}

/// An entry of the list as it crosses the border; with a site, arguments that name its scripts have them as choices.
pub(crate) fn told(catalogue: &Catalogue, command: &CommandEntry, site: Option<&Path>) -> SiteCommand {
    SiteCommand {
        id: command.id.clone(),
        program: command.program.clone(),
        typed: catalogue.typed(command).join(" "),
        title: command.title.clone(),
        effect: effect(command.effect),
        dry_run: !command.dry_run.is_empty(),
        resumable: command.resume.is_some(),
        deadline_hours: command.deadline_hours,
        stall_minutes: command.stall_minutes,
        arguments: command
            .argument
            .iter()
            .map(|argument| CommandArgument {
                name: argument.name.clone(),
                kind: match argument.kind {
                    command::Kind::Value => ArgumentKind::Value,
                    command::Kind::Option => ArgumentKind::Option,
                    command::Kind::Flag => ArgumentKind::Flag,
                },
                holds: match argument.holds {
                    command::Holds::Text => ArgumentHolds::Text,
                    command::Holds::Name => ArgumentHolds::Name,
                    command::Holds::Integer => ArgumentHolds::Integer,
                    command::Holds::Url => ArgumentHolds::Url,
                    command::Holds::Path => ArgumentHolds::Path,
                    command::Holds::Script => ArgumentHolds::Script,
                },
                choices: site.map_or_else(
                    || argument.choices.clone(),
                    |site| catalogue.choices(command, argument, site),
                ),
                required: argument.required,
                many: argument.many,
                min: argument.min,
                max: argument.max,
            })
            .collect(),
    }
}
