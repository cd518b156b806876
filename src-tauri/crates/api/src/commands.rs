//! Console commands of a site, and workflows of them.

use std::path::Path;

use clonedeck_jobs::command::{
    Call, CommandJob, CommandOrder, Commands, SavedWorkflow, SavedWorkflows, WorkflowJob, WorkflowOrder,
};
use clonedeck_queue::AddOptions;

use crate::wire::Problem;
use crate::{Clonedeck, convert};

pub use clonedeck_jobs::command::{
    Call as CommandCall, Command as CommandEntry, Effect, SavedWorkflow as Workflow,
};

impl Clonedeck {
    /// The commands that fit the site in a folder.
    pub fn commands(&self, site: &Path) -> Result<Vec<CommandEntry>, Problem> {
        let catalogue = self.command_shelf().catalogue().map_err(convert::site_problem)?;
        Ok(catalogue.fitting(site).into_iter().cloned().collect())
    }

    /// What words as they are typed (`wp cache flush`) mean in a site.
    ///
    /// # Errors
    /// With the reason, when they are no allowed command.
    pub fn understand_command(&self, site: &Path, words: &[String]) -> Result<Call, Problem> {
        let catalogue = self.command_shelf().catalogue().map_err(convert::site_problem)?;
        catalogue.parse(site, words).map_err(convert::site_problem)
    }

    /// Adds a command. When this returns, the job is on the disk. `confirm` is the name of the site, typed for a command that destroys.
    pub async fn launch_command(
        &self,
        site: &Path,
        call: Call,
        confirm: Option<String>,
        priority: i32,
    ) -> Result<String, Problem> {
        let order = CommandOrder::new(&self.command_shelf(), site.to_owned(), call, confirm)
            .map_err(convert::site_problem)?;
        let id = self.queue.add::<CommandJob>(&order, AddOptions::default().priority(priority)).await;
        Ok(id.map_err(convert::queue_problem)?.to_string())
    }

    /// Adds a workflow: commands in order, one step each.
    pub async fn launch_workflow(
        &self,
        site: &Path,
        workflow: &SavedWorkflow,
        confirm: Option<&str>,
    ) -> Result<String, Problem> {
        let order = WorkflowOrder::new(
            &self.command_shelf(),
            site.to_owned(),
            &workflow.title,
            &workflow.calls,
            workflow.dry_run_first,
            confirm,
        );
        let order = order.map_err(convert::site_problem)?;
        let id = self.queue.add::<WorkflowJob>(&order, AddOptions::default()).await;
        Ok(id.map_err(convert::queue_problem)?.to_string())
    }

    /// The workflows that are kept for a site.
    pub fn workflows(&self, site: &Path) -> Result<Vec<SavedWorkflow>, Problem> {
        SavedWorkflows::of(&self.data_dir).list(site).map_err(convert::site_problem)
    }

    /// Keeps a workflow for a site; one of the same title is replaced.
    pub fn save_workflow(&self, site: &Path, workflow: SavedWorkflow) -> Result<(), Problem> {
        SavedWorkflows::of(&self.data_dir).save(site, workflow).map_err(convert::site_problem)
    }

    /// Forgets a workflow of a site. Answers whether there was one.
    pub fn remove_workflow(&self, site: &Path, title: &str) -> Result<bool, Problem> {
        SavedWorkflows::of(&self.data_dir).remove(site, title).map_err(convert::site_problem)
    }

    fn command_shelf(&self) -> Commands {
        Commands::new(&self.data_dir)
    }
}
