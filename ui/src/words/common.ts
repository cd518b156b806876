/** Words that every screen needs, and the states of jobs and steps. */
import type { JobState } from '../backend/wire/JobState';
import type { StepState } from '../backend/wire/StepState';

export const plural = (count: number, one: string, many: string, text: string) => `${text} ${count === 1 ? one : many}`;

export const states: Record<JobState, string> = {
  queued: 'In line',
  running: 'Running',
  waiting: 'Waiting',
  paused: 'Paused',
  completed: 'Ready',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

export const stepStates: Record<StepState, string> = {
  pending: 'to come',
  running: 'at work',
  waiting: 'waiting',
  completed: 'done',
  skipped: 'skipped',
  failed: 'failed',
  undone: 'taken back',
};

export const common = {
  app: 'Clonedeck',
  loading: 'Opening the queue…',
  close: 'Close',
  cancel: 'Never mind',
  copy: 'Copy',
  copied: 'Copied',
  tryAgain: 'Try again',
  back: 'Back',
  details: 'Details',
  code: 'Code',
  dismiss: 'Dismiss',
  showText: 'Show',
  hideText: 'Hide',
};
