//! What the page may ask, by what a person does: each command is one line over the `api` crate, which checks every path and address.

mod builds;
mod clones;
mod copies;
mod program;
mod queue;
mod site_commands;

use clonedeck_api::wire::Problem;
use tauri::ipc::Invoke;
use tauri::{State, Wry};

use crate::state::Shell;

type Answer<T> = Result<T, Problem>;
type Here<'a> = State<'a, Shell>;

/// Every command, by name.
pub fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        queue::snapshot,
        queue::follow,
        queue::next_update,
        queue::set_visible,
        queue::set_looking,
        queue::jobs_page,
        queue::job,
        queue::log_page,
        queue::log_search,
        queue::open_log,
        queue::steer,
        queue::pause_queue,
        queue::resume_queue,
        queue::notices,
        queue::notices_read,
        clones::inspect,
        clones::folder_page,
        clones::clone_defaults,
        clones::plan_clone,
        clones::launch_clone,
        clones::launch_clones,
        clones::launch_demo,
        clones::recent_sites,
        clones::pick_folder,
        copies::receipt,
        copies::receipt_save,
        copies::secrets,
        copies::open_copy,
        copies::open_folder,
        copies::lift_neutralisation,
        copies::delete_copy_plan,
        copies::delete_copy,
        site_commands::command_site,
        site_commands::draft_command,
        site_commands::launch_command,
        site_commands::command_standing,
        site_commands::workflows,
        site_commands::save_workflow,
        site_commands::remove_workflow,
        site_commands::launch_workflow,
        site_commands::own_commands,
        site_commands::add_own_command,
        site_commands::remove_own_command,
        builds::inspect_build,
        builds::pick_archive,
        builds::launch_build,
        builds::build_cache,
        builds::clear_build_cache,
        builds::previews,
        builds::start_preview,
        builds::stop_preview,
        builds::restart_preview,
        builds::open_preview_log,
        program::about,
        program::open_again,
        program::settings,
        program::save_settings,
        program::doctor,
        program::hide,
        program::leave_heard,
        program::ask_close,
        program::ask_quit,
        program::quit
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
