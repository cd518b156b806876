/** What a person may do with a job in its state, with the word and the key for it. */
import type { JobRow } from '../backend/wire/JobRow';
import { hasEnded } from './job.svelte';

export type Verb = 'pause' | 'resume' | 'retry' | 'cancel' | 'up' | 'down';

export function can(verb: Verb, row: JobRow): boolean {
  switch (verb) {
    case 'pause':
      return row.state === 'running' || row.state === 'queued' || row.state === 'waiting';
    case 'resume':
      return row.state === 'paused';
    case 'retry':
      return row.state === 'failed' || row.state === 'waiting' || row.state === 'cancelled';
    case 'cancel':
      // What a failed job left behind can be taken back as well.
      return !hasEnded(row) || row.state === 'failed';
    case 'up':
      return !hasEnded(row) && row.priority < 10;
    case 'down':
      return !hasEnded(row) && row.priority > -10;
  }
}
