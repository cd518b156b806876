//! What the page may ask. Each command is one line over the `api` crate; every path and address is checked there.

use clonedeck_api::typed_folder;
use clonedeck_api::wire::{
    About, BuildReport, BuildRequest, CacheUse, CloneDefaults, ClonePasswords, ClonePlan, CloneRequest,
    CommandCall, CommandDraft, CommandSite, CommandStanding, DoctorFinding, FolderPage, JobFilter, JobLimits,
    JobPage, JobSecrets, JobView, LaunchedBatch, LogPage, NewCommand, Notice, OwnCommands, Preview, Problem,
    Receipt, Settings, SiteReport, SiteSeen, Snapshot, Steer, Update, Workflow,
};
use tauri::ipc::{Channel, Invoke};
use tauri::{AppHandle, State, Wry, command};
use tauri_plugin_autostart::ManagerExt;
use tauri_plugin_dialog::DialogExt;
use tauri_plugin_opener::OpenerExt;

use crate::state::Shell;
use crate::{close, pump, tray, window};

type Answer<T> = Result<T, Problem>;
type Here<'a> = State<'a, Shell>;

/// Every command, by name.
pub fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        about,
        snapshot,
        follow,
        set_visible,
        set_looking,
        jobs_page,
        job,
        log_page,
        log_search,
        steer,
        pause_queue,
        resume_queue,
        inspect,
        folder_page,
        clone_defaults,
        plan_clone,
        launch_clone,
        launch_clones,
        launch_demo,
        command_site,
        draft_command,
        launch_command,
        command_standing,
        workflows,
        save_workflow,
        remove_workflow,
        launch_workflow,
        own_commands,
        add_own_command,
        remove_own_command,
        inspect_build,
        launch_build,
        build_cache,
        clear_build_cache,
        previews,
        start_preview,
        stop_preview,
        restart_preview,
        open_preview_log,
        receipt,
        receipt_save,
        secrets,
        open_copy,
        open_folder,
        open_log,
        lift_neutralisation,
        delete_copy_plan,
        delete_copy,
        recent_sites,
        pick_folder,
        pick_archive,
        settings,
        save_settings,
        doctor,
        notices,
        notices_read,
        hide,
        leave_heard,
        ask_quit,
        quit
    ]
}

fn cannot(code: &str, message: String) -> Problem {
    Problem {
        code: code.into(),
        message,
        help: String::new(),
        context: std::collections::BTreeMap::new(),
        retryable: false,
    }
}

#[command]
async fn about(shell: Here<'_>) -> Answer<About> {
    shell.clonedeck()?.about(tray::host_is_there().await).await
}

#[command]
async fn snapshot(shell: Here<'_>) -> Answer<Snapshot> {
    shell.clonedeck()?.snapshot().await
}

#[command]
async fn follow(app: AppHandle, channel: Channel<Update>, after: u64) -> Answer<()> {
    pump::follow(app, channel, after).await
}

#[command]
fn set_visible(shell: Here<'_>, visible: bool) {
    shell.set_visible(visible);
}

#[command]
fn set_looking(shell: Here<'_>, job: Option<String>) {
    shell.set_looking(job);
}

#[command]
async fn jobs_page(shell: Here<'_>, filter: JobFilter, after: Option<String>, limit: u32) -> Answer<JobPage> {
    shell.clonedeck()?.jobs_page(&filter, after.as_deref(), limit).await
}

#[command]
async fn job(shell: Here<'_>, id: String) -> Answer<JobView> {
    shell.clonedeck()?.job(&id).await
}

#[command]
async fn log_page(shell: Here<'_>, id: String, from: u64, count: u32) -> Answer<LogPage> {
    shell.clonedeck()?.log_page(&id, from, count).await
}

#[command]
async fn log_search(
    shell: Here<'_>,
    id: String,
    text: String,
    from: u64,
    backwards: bool,
) -> Answer<Option<u64>> {
    shell.clonedeck()?.log_search(&id, &text, from, backwards).await
}

#[command]
async fn steer(shell: Here<'_>, ids: Vec<String>, action: Steer) -> Answer<Vec<Problem>> {
    shell.clonedeck()?.steer_all(&ids, action).await
}

#[command]
async fn pause_queue(shell: Here<'_>) -> Answer<()> {
    shell.clonedeck()?.pause_queue().await
}

#[command]
async fn resume_queue(shell: Here<'_>) -> Answer<()> {
    shell.clonedeck()?.resume_queue().await
}

#[command]
async fn inspect(shell: Here<'_>, request: CloneRequest, passwords: ClonePasswords) -> Answer<SiteReport> {
    shell.clonedeck()?.inspect_for(&request.typed_source()?, &passwords.into()).await
}

#[command]
async fn folder_page(
    shell: Here<'_>,
    request: CloneRequest,
    passwords: ClonePasswords,
    folder: String,
) -> Answer<FolderPage> {
    shell.clonedeck()?.folder_page(&request.typed_source()?, &passwords.into(), &folder).await
}

#[command]
async fn clone_defaults(shell: Here<'_>, source: String) -> Answer<CloneDefaults> {
    shell.clonedeck()?.clone_defaults(&typed_folder(&source)?).await
}

#[command]
async fn plan_clone(shell: Here<'_>, request: CloneRequest, passwords: ClonePasswords) -> Answer<ClonePlan> {
    shell.clonedeck()?.plan_clone(&request.typed()?, &passwords.into()).await
}

#[command]
async fn launch_clone(shell: Here<'_>, request: CloneRequest, passwords: ClonePasswords) -> Answer<String> {
    shell.clonedeck()?.launch_clone(&request.typed()?, &passwords.into()).await
}

#[command]
async fn launch_clones(
    shell: Here<'_>,
    title: String,
    requests: Vec<(CloneRequest, ClonePasswords)>,
) -> Answer<LaunchedBatch> {
    let typed = requests.into_iter().map(|(request, passwords)| Ok((request.typed()?, passwords.into())));
    let typed = typed.collect::<Answer<Vec<_>>>()?;
    shell.clonedeck()?.launch_clones(&title, &typed).await
}

#[command]
async fn launch_demo(shell: Here<'_>) -> Answer<String> {
    shell.clonedeck()?.launch_demo().await
}

#[command]
async fn command_site(shell: Here<'_>, path: String) -> Answer<CommandSite> {
    shell.clonedeck()?.command_site(path.as_ref()).await
}

#[command]
async fn draft_command(shell: Here<'_>, site: String, call: CommandCall) -> Answer<CommandDraft> {
    shell.clonedeck()?.draft_command(site.as_ref(), &call).await
}

#[command]
async fn launch_command(
    shell: Here<'_>,
    site: String,
    call: CommandCall,
    confirm: Option<String>,
    limits: Option<JobLimits>,
) -> Answer<String> {
    shell.clonedeck()?.launch_command(site.as_ref(), &call, confirm, limits, 0).await
}

#[command]
async fn command_standing(shell: Here<'_>, id: String) -> Answer<Vec<CommandStanding>> {
    shell.clonedeck()?.command_standing(&id).await
}

#[command]
async fn workflows(shell: Here<'_>, site: String) -> Answer<Vec<Workflow>> {
    shell.clonedeck()?.workflows(site.as_ref()).await
}

#[command]
async fn save_workflow(shell: Here<'_>, site: String, workflow: Workflow) -> Answer<()> {
    shell.clonedeck()?.save_workflow(site.as_ref(), &workflow).await
}

#[command]
async fn remove_workflow(shell: Here<'_>, site: String, title: String) -> Answer<bool> {
    shell.clonedeck()?.remove_workflow(site.as_ref(), &title).await
}

#[command]
async fn launch_workflow(
    shell: Here<'_>,
    site: String,
    workflow: Workflow,
    confirm: Option<String>,
    limits: Option<JobLimits>,
) -> Answer<String> {
    shell.clonedeck()?.launch_workflow(site.as_ref(), &workflow, confirm.as_deref(), limits).await
}

#[command]
async fn own_commands(shell: Here<'_>) -> Answer<OwnCommands> {
    shell.clonedeck()?.own_commands().await
}

#[command]
async fn add_own_command(shell: Here<'_>, new: NewCommand) -> Answer<String> {
    shell.clonedeck()?.add_own_command(&new).await
}

#[command]
async fn remove_own_command(shell: Here<'_>, id: String) -> Answer<bool> {
    shell.clonedeck()?.remove_own_command(&id).await
}

#[command]
async fn inspect_build(shell: Here<'_>, path: String) -> Answer<BuildReport> {
    shell.clonedeck()?.inspect_build(path.as_ref()).await
}

#[command]
async fn launch_build(shell: Here<'_>, request: BuildRequest) -> Answer<String> {
    shell.clonedeck()?.launch_build(&request).await
}

#[command]
async fn build_cache(shell: Here<'_>) -> Answer<CacheUse> {
    shell.clonedeck()?.build_cache().await
}

#[command]
async fn clear_build_cache(shell: Here<'_>) -> Answer<CacheUse> {
    shell.clonedeck()?.clear_build_cache().await
}

#[command]
async fn previews(shell: Here<'_>) -> Answer<Vec<Preview>> {
    shell.clonedeck()?.all_previews().await
}

#[command]
async fn start_preview(shell: Here<'_>, job: String) -> Answer<Preview> {
    shell.clonedeck()?.start_preview(&job).await
}

#[command]
async fn stop_preview(shell: Here<'_>, job: String) -> Answer<()> {
    shell.clonedeck()?.stop_preview(&job).await
}

#[command]
async fn restart_preview(shell: Here<'_>, job: String) -> Answer<Preview> {
    shell.clonedeck()?.restart_preview(&job).await
}

#[command]
async fn open_preview_log(app: AppHandle, shell: Here<'_>, job: String) -> Answer<()> {
    let log = shell.clonedeck()?.preview_log(&job).await?;
    app.opener()
        .open_path(log, None::<&str>)
        .map_err(|why| cannot("open.log", format!("The log cannot be opened: {why}.")))
}

#[command]
async fn receipt(shell: Here<'_>, id: String) -> Answer<Receipt> {
    shell.clonedeck()?.receipt(&id).await
}

#[command]
async fn receipt_save(shell: Here<'_>, id: String, format: String) -> Answer<String> {
    shell.clonedeck()?.receipt_save(&id, &format).await
}

#[command]
async fn secrets(shell: Here<'_>, id: String) -> Answer<JobSecrets> {
    shell.clonedeck()?.secrets(&id).await
}

#[command]
async fn open_copy(app: AppHandle, shell: Here<'_>, id: String) -> Answer<()> {
    let address = shell.clonedeck()?.copy_address(&id).await?;
    app.opener()
        .open_url(address, None::<&str>)
        .map_err(|why| cannot("open.browser", format!("No browser could be opened: {why}.")))
}

#[command]
async fn open_folder(app: AppHandle, shell: Here<'_>, id: String) -> Answer<()> {
    let folder = shell.clonedeck()?.copy_folder(&id).await?;
    app.opener()
        .open_path(folder, None::<&str>)
        .map_err(|why| cannot("open.folder", format!("The folder cannot be opened: {why}.")))
}

#[command]
async fn open_log(app: AppHandle, shell: Here<'_>, id: String) -> Answer<()> {
    let file = shell.clonedeck()?.log_as_file(&id).await?;
    app.opener()
        .open_path(file, None::<&str>)
        .map_err(|why| cannot("open.log", format!("The log cannot be opened: {why}.")))
}

#[command]
async fn lift_neutralisation(shell: Here<'_>, id: String) -> Answer<Vec<String>> {
    shell.clonedeck()?.lift_neutralisation(&id).await
}

#[command]
async fn delete_copy_plan(shell: Here<'_>, id: String) -> Answer<Vec<String>> {
    shell.clonedeck()?.delete_copy_plan(&id).await
}

#[command]
async fn delete_copy(shell: Here<'_>, id: String, confirm: String) -> Answer<()> {
    shell.clonedeck()?.delete_copy(&id, &confirm).await
}

#[command]
async fn recent_sites(shell: Here<'_>) -> Answer<Vec<SiteSeen>> {
    shell.clonedeck()?.recent_sites().await
}

#[command]
async fn pick_folder(app: AppHandle, title: String) -> Answer<Option<String>> {
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

#[command]
async fn pick_archive(app: AppHandle, title: String) -> Answer<Option<String>> {
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
async fn settings(shell: Here<'_>) -> Answer<Settings> {
    shell.clonedeck()?.settings().await
}

#[command]
async fn save_settings(app: AppHandle, shell: Here<'_>, settings: Settings) -> Answer<()> {
    shell.clonedeck()?.save_settings(&settings).await?;
    window::dress(&app, settings.theme);
    let start = app.autolaunch();
    let changed = if settings.start_at_login {
        start.enable()
    } else if start.is_enabled().unwrap_or(false) {
        start.disable()
    } else {
        Ok(())
    };
    changed.map_err(|why| {
        cannot("settings.start-at-login", format!("Starting at login cannot be changed: {why}."))
    })
}

#[command]
async fn doctor(shell: Here<'_>) -> Answer<Vec<DoctorFinding>> {
    clonedeck_api::Clonedeck::doctor(Some(shell.clonedeck()?.data_dir())).await
}

#[command]
async fn notices(shell: Here<'_>) -> Answer<Vec<Notice>> {
    shell.clonedeck()?.notices().await
}

#[command]
async fn notices_read(shell: Here<'_>) -> Answer<()> {
    shell.clonedeck()?.notices_read().await
}

#[command]
fn hide(app: AppHandle) {
    close::hide(&app);
}

#[command]
fn leave_heard(app: AppHandle) {
    close::heard(&app);
}

#[command]
async fn ask_quit(app: AppHandle) {
    close::ask_quit(&app).await;
}

#[command]
async fn quit(app: AppHandle) {
    close::quit(&app).await;
}
