/** The real program behind the window. The only file that knows Tauri. */
import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import { getCurrentWebview } from '@tauri-apps/api/webview';
import type { Backend, Leave } from './backend';
import type { Update } from './wire/Update';

/** Fetches one message of a feed after the other. One that cannot be used does not hold up the next. */
async function take(feed: number, onUpdate: (update: Update) => void): Promise<void> {
  for (;;) {
    const update = await invoke<Update | null>('next_update', { feed });
    if (!update) return;
    try {
      onUpdate(update);
    } catch (mistake) {
      reportError(mistake);
    }
  }
}

export const tauri: Backend = {
  about: () => invoke('about'),
  openAgain: () => invoke('open_again'),
  snapshot: () => invoke('snapshot'),
  follow: async (onUpdate, after) => {
    const feed = await invoke<number>('follow', { after });
    void take(feed, onUpdate);
  },
  setVisible: (visible) => invoke('set_visible', { visible }),
  setLooking: (job) => invoke('set_looking', { job }),

  jobsPage: (filter, after, limit) => invoke('jobs_page', { filter, after, limit }),
  job: (id) => invoke('job', { id }),
  logPage: (id, from, count) => invoke('log_page', { id, from, count }),
  logSearch: (id, text, from, backwards) => invoke('log_search', { id, text, from, backwards }),

  steer: (ids, action) => invoke('steer', { ids, action }),
  pauseQueue: () => invoke('pause_queue'),
  resumeQueue: () => invoke('resume_queue'),

  inspect: (request, passwords) => invoke('inspect', { request, passwords }),
  folderPage: (request, passwords, folder) => invoke('folder_page', { request, passwords, folder }),
  cloneDefaults: (source) => invoke('clone_defaults', { source }),
  planClone: (request, passwords) => invoke('plan_clone', { request, passwords }),
  launchClone: (request, passwords) => invoke('launch_clone', { request, passwords }),
  launchClones: (title, requests) => invoke('launch_clones', { title, requests }),
  launchDemo: () => invoke('launch_demo'),

  commandSite: (path) => invoke('command_site', { path }),
  draftCommand: (site, call) => invoke('draft_command', { site, call }),
  launchCommand: (site, call, confirm, limits) => invoke('launch_command', { site, call, confirm, limits }),
  commandStanding: (id) => invoke('command_standing', { id }),
  workflows: (site) => invoke('workflows', { site }),
  saveWorkflow: (site, workflow) => invoke('save_workflow', { site, workflow }),
  removeWorkflow: (site, title) => invoke('remove_workflow', { site, title }),
  launchWorkflow: (site, workflow, confirm, limits) => invoke('launch_workflow', { site, workflow, confirm, limits }),
  ownCommands: () => invoke('own_commands'),
  addOwnCommand: (command) => invoke('add_own_command', { new: command }),
  removeOwnCommand: (id) => invoke('remove_own_command', { id }),

  inspectBuild: (path) => invoke('inspect_build', { path }),
  launchBuild: (request) => invoke('launch_build', { request }),
  buildCache: () => invoke('build_cache'),
  clearBuildCache: () => invoke('clear_build_cache'),
  previews: () => invoke('previews'),
  startPreview: (job) => invoke('start_preview', { job }),
  stopPreview: (job) => invoke('stop_preview', { job }),
  restartPreview: (job) => invoke('restart_preview', { job }),
  openPreviewLog: (job) => invoke('open_preview_log', { job }),

  receipt: (id) => invoke('receipt', { id }),
  receiptSave: (id, format) => invoke('receipt_save', { id, format }),
  secrets: (id) => invoke('secrets', { id }),
  openCopy: (id) => invoke('open_copy', { id }),
  openFolder: (id) => invoke('open_folder', { id }),
  openLog: (id) => invoke('open_log', { id }),
  liftNeutralisation: (id) => invoke('lift_neutralisation', { id }),
  deleteCopyPlan: (id) => invoke('delete_copy_plan', { id }),
  deleteCopy: (id, confirm) => invoke('delete_copy', { id, confirm }),

  recentSites: () => invoke('recent_sites'),
  pickFolder: (title) => invoke('pick_folder', { title }),
  pickArchive: (title) => invoke('pick_archive', { title }),
  settings: () => invoke('settings'),
  saveSettings: (settings) => invoke('save_settings', { settings }),
  doctor: () => invoke('doctor'),
  notices: () => invoke('notices'),
  noticesRead: () => invoke('notices_read'),
  hide: () => invoke('hide'),
  askClose: () => invoke('ask_close'),
  askQuit: () => invoke('ask_quit'),
  quit: () => invoke('quit'),

  onDrop: (handler) => {
    void getCurrentWebview().onDragDropEvent(({ payload }) => {
      if (payload.type === 'drop') handler({ phase: 'dropped', paths: payload.paths });
      else handler({ phase: payload.type === 'leave' ? 'left' : 'over' });
    });
  },
  onLeaveAsked: (handler) =>
    void listen<Leave>('leave-asked', ({ payload }) => {
      handler(payload);
      void invoke('leave_heard');
    }),
};
