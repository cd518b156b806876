//! Building projects, and what shows them.

use clonedeck_api::typed_folder;
use clonedeck_api::wire::{BuildReport, BuildRequest, CacheUse, Preview};
use tauri::{AppHandle, command};
use tauri_plugin_dialog::DialogExt;
use tauri_plugin_opener::OpenerExt;

use super::{Answer, Here, cannot};

#[command]
pub async fn inspect_build(shell: Here<'_>, path: String) -> Answer<BuildReport> {
    shell.clonedeck()?.inspect_build(&typed_folder(&path)?).await
}

#[command]
pub async fn pick_archive(app: AppHandle, title: String) -> Answer<Option<String>> {
    let (chosen, choice) = tokio::sync::oneshot::channel();
    let dialog =
        app.dialog().file().set_title(title).add_filter("zip, tar", &["zip", "gz", "tgz", "zst", "tar"]);
    dialog.pick_file(move |file| {
        let _ = chosen.send(file);
    });
    Ok(choice
        .await
        .ok()
        .flatten()
        .and_then(|file| file.into_path().ok())
        .map(|path| path.display().to_string()))
}

#[command]
pub async fn launch_build(shell: Here<'_>, request: BuildRequest) -> Answer<String> {
    shell.clonedeck()?.launch_build(&request.typed()?).await
}

#[command]
pub async fn build_cache(shell: Here<'_>) -> Answer<CacheUse> {
    shell.clonedeck()?.build_cache().await
}

#[command]
pub async fn clear_build_cache(shell: Here<'_>) -> Answer<CacheUse> {
    shell.clonedeck()?.clear_build_cache().await
}

#[command]
pub async fn previews(shell: Here<'_>) -> Answer<Vec<Preview>> {
    shell.clonedeck()?.all_previews().await
}

#[command]
pub async fn start_preview(shell: Here<'_>, job: String) -> Answer<Preview> {
    shell.clonedeck()?.start_preview(&job).await
}

#[command]
pub async fn stop_preview(shell: Here<'_>, job: String) -> Answer<()> {
    shell.clonedeck()?.stop_preview(&job).await
}

#[command]
pub async fn restart_preview(shell: Here<'_>, job: String) -> Answer<Preview> {
    shell.clonedeck()?.restart_preview(&job).await
}

#[command]
pub async fn open_preview_log(app: AppHandle, shell: Here<'_>, job: String) -> Answer<()> {
    let log = shell.clonedeck()?.preview_log(&job).await?;
    app.opener()
        .open_path(log, None::<&str>)
        .map_err(|why| cannot("open.log", format!("The log cannot be opened: {why}.")))
}
