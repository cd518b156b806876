/** The frame of the window: the list on the left, the palette, the bell, the first start. */
import { plural } from './common';

export const side = {
  label: 'Jobs',
  newClone: 'New clone',
  demo: 'Try it with a demo shop',
  more: 'More',
  search: 'Search or go to…',
  filter: 'Filter jobs',
  sites: 'Sites',
  settings: 'Settings',
  pauseQueue: 'Pause the queue',
  resumeQueue: 'Resume the queue',
  list: 'Queue and history',
  openList: 'Show the jobs',
  closeList: 'Hide the jobs',
  slots: (running: string, slots: string) => `${running} of ${slots} slots`,
  needsYou: 'Needs you',
  running: 'Running',
  waiting: 'Waiting',
  queued: 'In line',
  paused: 'Paused',
  today: 'Today',
  yesterday: 'Yesterday',
  week: 'This week',
  none: 'No jobs yet',
  noneFound: 'No job matches',
  clearFilter: 'Clear the filter',
  more_: 'Loading older jobs…',
  saved: 'all saved',
  savedHint: 'Every change of the queue is on disk; the program can end at any time.',
  elsewhere: 'run elsewhere',
  elsewhereHint: (who: string) => `Jobs are run by ${who}; here you can watch and steer them.`,
  cpu: (percent: string) => `CPU ${percent}`,
  findings: (n: number, text: string) => plural(n, 'finding', 'findings', text),
  batchOf: (n: number, text: string) => plural(n, 'job', 'jobs', text),
  batchDone: (done: string, all: string) => `${done} of ${all} done`,
  batchCancelled: (n: string) => `${n} cancelled`,
  batchNeedYou: (n: number, text: string) => plural(n, 'needs you', 'need you', text),
  batchFailed: (n: string) => `${n} failed`,
  priority: (n: number) => `priority ${n > 0 ? '+' : ''}${n}`,
  prepares: 'Preparing…',
};

export const bar = {
  paused: 'The queue is paused.',
  pausedMore: (running: number, text: string) =>
    running
      ? `Nothing new starts; ${plural(running, 'job that runs goes', 'jobs that run go', text)} on to the end.`
      : 'Nothing starts until you resume it.',
  resume: 'Resume the queue',
};

export const drop = { title: 'Drop the folder to clone it', hint: 'You see the plan before anything is copied.' };

export const first = {
  title: 'Clone a site, and have it proved.',
  body: 'Clonedeck copies a web site with its database, rewrites its addresses, keeps the copy quiet and checks it. What is stopped goes on where it stood.',
  clone: 'Clone a folder…',
  demo: 'Try it with a demo shop',
  demoHint: 'Makes a small shop on this machine and clones it; takes less than a minute.',
  drop: 'Or drop a folder on this window.',
};

export const broken = { title: 'The queue could not be opened' };

export const palette = {
  title: 'Go anywhere',
  hint: 'A job, a site, or what you want to do',
  actions: 'Actions',
  jobs: 'Jobs',
  sites: 'Sites',
  none: 'Nothing matches',
  theme: (theme: string) => `Colours: ${theme}`,
  doctor: 'Check this machine',
  quit: 'Quit Clonedeck',
  clone: (name: string) => `Clone ${name}`,
  keys: 'Keyboard',
};

export const inbox = {
  title: 'Notices',
  open: (n: number) => (n ? `Notices, ${n} unread` : 'Notices'),
  none: 'Nothing has happened that you should know of.',
  unread: 'unread',
};

export const keys = {
  title: 'Keyboard',
  rows: [
    ['Ctrl N', 'New clone'],
    ['Ctrl J', 'Run a command'],
    ['Ctrl B', 'New build'],
    ['Ctrl K', 'Go anywhere'],
    ['Ctrl F', 'Find in the log'],
    ['Ctrl ,', 'Settings'],
    ['Ctrl W', 'Close the window'],
    ['Ctrl Q', 'Quit'],
    ['↑ ↓', 'Choose a job; with Shift several'],
    ['P', 'Pause or resume'],
    ['R', 'Retry'],
    ['+ −', 'Priority up or down'],
    ['Delete', 'Cancel'],
    ['O', 'Open the copy'],
    ['Ctrl Shift P', 'Pause or resume the queue'],
    ['Ctrl + −', 'Larger or smaller; Ctrl 0 as before'],
    ['F6', 'From the list to the job and back'],
  ] as [string, string][],
};
