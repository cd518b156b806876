/** A job, its steps and what came out; several jobs at once. */
import { plural } from './common';

export const filter = {
  text: 'Name or folder',
  all: 'All',
  active: 'Open',
  ready: 'Ready',
  failed: 'Failed',
  cancelled: 'Cancelled',
  state: 'Which jobs',
  kind: 'Which kinds',
  site: 'Of which site',
  anySite: 'Any site',
  kinds: { clone: 'Clones', command: 'Commands', build: 'Builds' } as Record<string, string>,
};

export const job = {
  none: 'Choose a job on the left to watch it.',
  loading: 'Loading the job…',
  pause: 'Pause',
  resume: 'Resume',
  cancel: 'Cancel…',
  clearUp: 'Take back what it made…',
  takesBack: 'Taking back',
  retry: 'Retry',
  retryStep: 'Retry this step',
  retryNow: 'Try now',
  goOn: 'Go on',
  fromStart: 'Retry from the first step',
  cloneAgain: 'Clone again…',
  up: 'Priority up',
  down: 'Priority down',
  more: 'More actions',
  elapsed: 'elapsed',
  took: 'at work',
  left: 'left',
  unknownLeft: 'working out how long…',
  into: (database: string) => `database ${database}`,
  started: (time: string) => `started ${time}`,
  ended: (time: string) => `ended ${time}`,
  added: (time: string) => `added ${time}`,
  resumed: (n: number) => (n === 1 ? 'went on once after a restart' : `went on ${n} times after restarts`),
  throughput: 'Throughput over time',
  progress: 'Progress of the job',
  priority: (n: number) => `Priority ${n > 0 ? '+' : ''}${n}`,
  again: (clock: string) => `trying again in ${clock}`,
  any: 'trying again any moment',
  why: 'Why it is not running',
  step: (n: number, all: number) => `Step ${n} of ${all}`,
};

export const stepper = {
  label: 'Steps',
  tries: (n: number) => `${n} tries`,
  ofWhole: (percent: string) => `${percent} of this step`,
  skipped: 'skipped',
  undone: 'taken back',
};

export const tabs = { steps: 'Steps', log: 'Log', plan: 'Plan', receipt: 'Receipt', details: 'Details', label: 'About this job' };

export const result = {
  ready: 'The copy is ready',
  deleted: 'The copy was deleted',
  clean: 'Checked; nothing was found.',
  findings: (n: number, text: string) => `Checked; ${plural(n, 'finding is', 'findings are', text)} in the receipt.`,
  open: 'Open copy',
  folder: 'Open folder',
  address: 'Address',
  folderLabel: 'Folder',
  database: 'Database',
  user: 'User',
  password: 'Password',
  reveal: 'Show the password',
  hide: 'Hide the password',
  hidesIn: (seconds: number) => `hidden again in ${seconds} s`,
  receipt: 'Receipt',
  lift: 'Lift neutralisation…',
  remove: 'Delete this copy…',
  noPassword: 'No password was kept for this job.',
};

export const plan = {
  source: 'Source',
  target: 'Copy',
  address: 'Address',
  database: 'Database',
  preview: 'a preview address on this machine',
  beside: 'beside the source’s',
  skip: 'Parts left out',
  exclude: 'Files left out',
  verify: 'Compare byte for byte',
  sampled: 'a sample of the files',
  full: 'every file',
  replace: 'What is in the target',
  replaceYes: 'is put aside',
  replaceNo: 'the target must be empty',
  priority: 'Priority',
  nothing: 'nothing',
};

export const facts = {
  id: 'Job',
  kind: 'Kind',
  created: 'Added',
  started: 'Begun',
  finished: 'Ended',
  active: 'Time at work',
  attempts: 'Tries of steps',
  resumed: 'Went on after a stop',
  crashes: 'Took the program down',
  limits: 'Limits',
  batch: 'Batch',
  asked: 'As it was asked for',
  never: 'not yet',
};

export const select = {
  many: (n: number, text: string) => `${plural(n, 'job', 'jobs', text)} selected`,
  clear: 'Clear the selection',
  pause: (n: string) => `Pause ${n}`,
  resume: (n: string) => `Resume ${n}`,
  cancel: (n: string) => `Cancel ${n}…`,
  retry: (n: string) => `Retry ${n}`,
};

export const batch = {
  title: (n: string) => `Batch of ${n}`,
  members: 'Jobs of this batch',
  retryFailed: (n: string) => `Retry ${n} failed`,
  running: (n: string) => `${n} at work`,
};
