/** Short sentences about a job, for its row and its page. */
import type { JobRow } from '../backend/wire/JobRow';

import { at, briefly, count, duration, eta, percent } from '../kit/format';
import { states, words } from '../words';
import { type Job, needsPerson } from './job.svelte';

/** `Copy database · wp_postmeta · 2–3 min left` and its like. */
export function summary(job: Job, now: number): string {
  const { row, tick } = job;
  switch (row.state) {
    case 'running':
      return unbroken(
        [row.current_title, tick?.message || row.message, eta(tick?.eta_seconds ?? row.eta_seconds)]
          .filter(Boolean)
          .join(' · ') || words.side.prepares,
      );
    case 'waiting':
    case 'queued':
      return briefly(whyNot(row, now)) || row.current_title || '';
    case 'paused':
      return row.current_title ?? '';
    case 'completed':
      return [
        states.completed,
        row.kind === 'clone' ? words.side.findings(row.findings, count(row.findings)) : '',
        row.finished_at ? at(row.finished_at, now, true) : '',
      ]
        .filter(Boolean)
        .join(' · ');
    case 'failed':
      return briefly(row.error?.message ?? '');
    case 'cancelled':
      return [states.cancelled, row.finished_at ? at(row.finished_at, now, true) : ''].filter(Boolean).join(' · ');
  }
}

/**
 * The same text without a place to break it. WebKit keeps the places of every text of two words or more until it has had no new one for
 * ten seconds, or until they take some 25 MB; a line that changes ten times a second leaves it no such time.
 */
function unbroken(text: string): string {
  return text.replaceAll(' ', '\u00a0');
}

/** Why a job is not running, with the time left until it goes on by itself. */
export function whyNot(row: Pick<JobRow, 'waiting_for'>, now: number): string {
  const waiting = row.waiting_for;
  if (!waiting) return '';
  if (!waiting.until) return waiting.message;
  const left = Date.parse(waiting.until) - now;
  return `${waiting.message} ${left > 500 ? inClock(left) : ''}`.trim();
}

function inClock(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return `in ${minutes}:${String(seconds % 60).padStart(2, '0')}`;
}

/** What stands at the right of a row: per cent, the try, the time it took. */
export function figure(job: Job): string {
  const { row } = job;
  if (row.state === 'running') return percent(job.progress);
  if (row.state === 'paused') return percent(row.progress);
  if (job.ended) return row.active_ms > 0 ? duration(row.active_ms) : '';
  if (row.priority !== 0) return words.side.priority(row.priority);
  return row.progress > 0 ? percent(row.progress) : '';
}

/** Which shape a job has. */
export function markOf(
  row: JobRow,
): 'running' | 'done' | 'read' | 'failed' | 'waiting' | 'person' | 'queued' | 'paused' | 'cancelled' {
  if (needsPerson(row)) return 'person';
  if (row.state === 'completed') return row.findings > 0 ? 'read' : 'done';
  return row.state;
}
