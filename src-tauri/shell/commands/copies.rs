//! What a clone made, and what can be done with it.

use clonedeck_api::wire::{JobSecrets, Receipt};
use tauri::{AppHandle, command};
use tauri_plugin_opener::OpenerExt;

use super::{Answer, Here, cannot};

#[command]
pub async fn receipt(shell: Here<'_>, id: String) -> Answer<Receipt> {
    shell.clonedeck()?.receipt(&id).await
}

#[command]
pub async fn receipt_save(shell: Here<'_>, id: String, format: String) -> Answer<String> {
    shell.clonedeck()?.receipt_save(&id, &format).await
}

#[command]
pub async fn secrets(shell: Here<'_>, id: String) -> Answer<JobSecrets> {
    shell.clonedeck()?.secrets(&id).await
}

#[command]
pub async fn open_copy(app: AppHandle, shell: Here<'_>, id: String) -> Answer<()> {
    let address = shell.clonedeck()?.copy_address(&id).await?;
    app.opener()
        .open_url(address, None::<&str>)
        .map_err(|why| cannot("open.browser", format!("No browser could be opened: {why}.")))
}

#[command]
pub async fn open_folder(app: AppHandle, shell: Here<'_>, id: String) -> Answer<()> {
    let folder = shell.clonedeck()?.copy_folder(&id).await?;
    app.opener()
        .open_path(folder, None::<&str>)
        .map_err(|why| cannot("open.folder", format!("The folder cannot be opened: {why}.")))
}

#[command]
pub async fn lift_neutralisation(shell: Here<'_>, id: String) -> Answer<Vec<String>> {
    shell.clonedeck()?.lift_neutralisation(&id).await
}

#[command]
pub async fn delete_copy_plan(shell: Here<'_>, id: String) -> Answer<Vec<String>> {
    shell.clonedeck()?.delete_copy_plan(&id).await
}

#[command]
pub async fn delete_copy(shell: Here<'_>, id: String, confirm: String) -> Answer<()> {
    shell.clonedeck()?.delete_copy(&id, &confirm).await
}
