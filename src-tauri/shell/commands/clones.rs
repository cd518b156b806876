//! Choosing what to clone, and launching it.

use clonedeck_api::typed_folder;
use clonedeck_api::wire::{
    CloneDefaults, ClonePasswords, ClonePlan, CloneRequest, FolderPage, LaunchedBatch, SiteReport, SiteSeen,
};
use tauri::{AppHandle, command};
use tauri_plugin_dialog::DialogExt;

use super::{Answer, Here};

#[command]
pub async fn inspect(
    shell: Here<'_>,
    request: CloneRequest,
    passwords: ClonePasswords,
) -> Answer<SiteReport> {
    shell.clonedeck()?.inspect_for(&request.typed_source()?, &passwords.into()).await
}

#[command]
pub async fn folder_page(
    shell: Here<'_>,
    request: CloneRequest,
    passwords: ClonePasswords,
    folder: String,
) -> Answer<FolderPage> {
    shell.clonedeck()?.folder_page(&request.typed_source()?, &passwords.into(), &folder).await
}

#[command]
pub async fn clone_defaults(shell: Here<'_>, source: String) -> Answer<CloneDefaults> {
    shell.clonedeck()?.clone_defaults(&typed_folder(&source)?).await
}

#[command]
pub async fn plan_clone(
    shell: Here<'_>,
    request: CloneRequest,
    passwords: ClonePasswords,
) -> Answer<ClonePlan> {
    shell.clonedeck()?.plan_clone(&request.typed()?, &passwords.into()).await
}

#[command]
pub async fn launch_clone(
    shell: Here<'_>,
    request: CloneRequest,
    passwords: ClonePasswords,
) -> Answer<String> {
    shell.clonedeck()?.launch_clone(&request.typed()?, &passwords.into()).await
}

#[command]
pub async fn launch_clones(
    shell: Here<'_>,
    title: String,
    requests: Vec<(CloneRequest, ClonePasswords)>,
) -> Answer<LaunchedBatch> {
    let typed = requests.into_iter().map(|(request, passwords)| Ok((request.typed()?, passwords.into())));
    let typed = typed.collect::<Answer<Vec<_>>>()?;
    shell.clonedeck()?.launch_clones(&title, &typed).await
}

#[command]
pub async fn launch_demo(shell: Here<'_>) -> Answer<String> {
    shell.clonedeck()?.launch_demo().await
}

#[command]
pub async fn recent_sites(shell: Here<'_>) -> Answer<Vec<SiteSeen>> {
    shell.clonedeck()?.recent_sites().await
}

#[command]
pub async fn pick_folder(app: AppHandle, title: String) -> Answer<Option<String>> {
    let (chosen, choice) = tokio::sync::oneshot::channel();
    app.dialog().file().set_title(title).pick_folder(move |folder| {
        let _ = chosen.send(folder);
    });
    Ok(choice
        .await
        .ok()
        .flatten()
        .and_then(|folder| folder.into_path().ok())
        .map(|path| path.display().to_string()))
}
