//! Running the commands of a site, and keeping workflows of them.

use clonedeck_api::typed_folder;
use clonedeck_api::wire::{
    CommandCall, CommandDraft, CommandSite, CommandStanding, JobLimits, NewCommand, OwnCommands, Workflow,
};
use tauri::command;

use super::{Answer, Here};

#[command]
pub async fn command_site(shell: Here<'_>, path: String) -> Answer<CommandSite> {
    shell.clonedeck()?.command_site(&typed_folder(&path)?).await
}

#[command]
pub async fn draft_command(shell: Here<'_>, site: String, call: CommandCall) -> Answer<CommandDraft> {
    shell.clonedeck()?.draft_command(&typed_folder(&site)?, &call).await
}

#[command]
pub async fn launch_command(
    shell: Here<'_>,
    site: String,
    call: CommandCall,
    confirm: Option<String>,
    limits: Option<JobLimits>,
) -> Answer<String> {
    shell.clonedeck()?.launch_command(&typed_folder(&site)?, &call, confirm, limits, 0).await
}

#[command]
pub async fn command_standing(shell: Here<'_>, id: String) -> Answer<Vec<CommandStanding>> {
    shell.clonedeck()?.command_standing(&id).await
}

#[command]
pub async fn workflows(shell: Here<'_>, site: String) -> Answer<Vec<Workflow>> {
    shell.clonedeck()?.workflows(&typed_folder(&site)?).await
}

#[command]
pub async fn save_workflow(shell: Here<'_>, site: String, workflow: Workflow) -> Answer<()> {
    shell.clonedeck()?.save_workflow(&typed_folder(&site)?, &workflow).await
}

#[command]
pub async fn remove_workflow(shell: Here<'_>, site: String, title: String) -> Answer<bool> {
    shell.clonedeck()?.remove_workflow(&typed_folder(&site)?, &title).await
}

#[command]
pub async fn launch_workflow(
    shell: Here<'_>,
    site: String,
    workflow: Workflow,
    confirm: Option<String>,
    limits: Option<JobLimits>,
) -> Answer<String> {
    shell.clonedeck()?.launch_workflow(&typed_folder(&site)?, &workflow, confirm.as_deref(), limits).await
}

#[command]
pub async fn own_commands(shell: Here<'_>) -> Answer<OwnCommands> {
    shell.clonedeck()?.own_commands().await
}

#[command]
pub async fn add_own_command(shell: Here<'_>, new: NewCommand) -> Answer<String> {
    shell.clonedeck()?.add_own_command(&new).await
}

#[command]
pub async fn remove_own_command(shell: Here<'_>, id: String) -> Answer<bool> {
    shell.clonedeck()?.remove_own_command(&id).await
}
