/** Jobs of the fake program: a few told in detail, and any number made from their number alone. */
import type { JobRow } from '../wire/JobRow';
import type { JobState } from '../wire/JobState';
import type { JobView } from '../wire/JobView';
import type { Problem } from '../wire/Problem';
import { CLONE_STEPS, progressOf, stepsAt } from './steps';

const NAMES = [
  'shop',
  'blog',
  'docs',
  'forum',
  'kasse',
  'magazin',
  'intranet',
  'verein',
  'museum',
  'bakery',
  'archive',
  'press',
  'events',
  'travel',
];
const ENDS = ['example.com', 'example.net', 'example.org', 'kunde.de', 'firma.example', 'studio.example'];

export function id(number: number): string {
  return `0193a000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

export function problem(
  code: string,
  message: string,
  help: string,
  context: Record<string, string> = {},
  retryable = true,
): Problem {
  return { code, message, help, context, retryable };
}

export const NOT_EMPTY = problem(
  'target-not-empty',
  'The folder /home/ada/sites/forum-copy holds 14 files.',
  'Empty it, choose another folder, or clone again with “Put aside what is there”.',
  { path: '/home/ada/sites/forum-copy' },
  false,
);

export const SERVER_GONE = problem(
  'database-unreachable',
  'The database server at 127.0.0.1:3306 closed the connection while wp_postmeta was copied.',
  'Look whether the server still runs, then retry this step; it goes on at row 560,001.',
  { server: '127.0.0.1:3306', table: 'wp_postmeta', row: '560001' },
);

/** The least that has to be said of a job. */
export interface Told {
  n: number;
  title: string;
  state: JobState;
  step?: number;
  share?: number;
  priority?: number;
  error?: Problem | null;
  waiting?: JobView['waiting_for'];
  skip?: string[];
  source?: string;
  target?: string;
  url?: string;
  resumed?: number;
  findings?: number;
  ago?: number;
  batch?: string | null;
  batchTitle?: string | null;
}

export function job(told: Told, now: number): JobView {
  const ended = told.state === 'completed' || told.state === 'failed' || told.state === 'cancelled';
  const begun = now - (told.ago ?? 192) * 1000;
  const current = told.state === 'completed' ? CLONE_STEPS.length : (told.step ?? 0);
  const untouched = told.state === 'queued' && told.step === undefined;
  const steps = stepsAt(untouched ? -1 : current, told.share ?? 0, begun, told.skip);
  const at = steps[current];
  if (at && !untouched && told.state !== 'running') {
    at.state = told.state === 'failed' ? 'failed' : told.state === 'cancelled' ? 'undone' : 'waiting';
    at.rate = 0;
    at.error = told.state === 'failed' ? (told.error ?? NOT_EMPTY) : (told.error ?? null);
  }
  const name = told.title.split('.')[0] ?? told.title;
  const url = told.url ?? 'http://127.0.0.1:8410';
  const source = told.source ?? `/home/ada/sites/${name}`;
  const target = told.target ?? `/home/ada/sites/${name}-copy`;
  const active = steps.reduce((sum, step) => sum + step.active_ms, 0);
  return {
    id: id(told.n),
    kind: 'clone',
    title: told.title,
    source,
    target,
    platform: untouched ? null : 'WordPress 6.8',
    state: told.state,
    priority: told.priority ?? 0,
    progress: told.state === 'completed' ? 100 : progressOf(steps),
    current_step: ended || untouched ? null : (at?.name ?? null),
    created_at: new Date(begun - 2000).toISOString(),
    started_at: untouched ? null : new Date(begun).toISOString(),
    finished_at: ended ? new Date(begun + active).toISOString() : null,
    active_ms: active,
    attempts: steps.filter((step) => step.attempts > 0).length,
    crashes: 0,
    resumed: told.resumed ?? 0,
    eta_seconds: told.state === 'running' ? { low: 70, high: 140 } : null,
    waiting_for: told.waiting ?? null,
    steps,
    result:
      told.state === 'completed'
        ? {
            url,
            username: 'clonedeck',
            folder: target,
            database: `mysql://shop@127.0.0.1/${name}_copy`,
            findings: told.findings ?? 0,
            stats: {},
          }
        : null,
    error: told.state === 'failed' ? (told.error ?? NOT_EMPTY) : null,
    batch: told.batch ?? null,
    batch_title: told.batchTitle ?? null,
    spec: {
      source,
      target,
      url: told.url ?? null,
      db: `mysql://shop@127.0.0.1/${name}_copy`,
      skip: (told.skip ?? []).map((step) => step.replace('copy-', '')),
      exclude: ['wp-content/cache/**'],
      replace: false,
      verify_all: false,
    },
    seq: 0,
  };
}

export function row(view: JobView): JobRow {
  const step = view.steps.find((candidate) => candidate.name === view.current_step);
  return {
    id: view.id,
    kind: view.kind,
    title: view.title,
    source: view.source,
    target: view.target,
    state: view.state,
    priority: view.priority,
    progress: view.progress,
    current_step: view.current_step,
    current_title: step?.title ?? null,
    message: step?.message ?? '',
    eta_seconds: view.eta_seconds,
    waiting_for: view.waiting_for,
    error: view.error,
    created_at: view.created_at,
    started_at: view.started_at,
    finished_at: view.finished_at,
    active_ms: view.active_ms,
    resumed: view.resumed,
    batch: view.batch,
    batch_title: view.batch_title,
    findings: view.result?.findings ?? 0,
    seq: view.seq,
  };
}

/** Something that ended long ago, from its number: the same every time it is asked for. */
export function past(n: number, now: number): JobView {
  const pick = (n * 2_654_435_761) % 4_294_967_296;
  const title = `${NAMES[pick % NAMES.length]}.${ENDS[(pick >> 5) % ENDS.length] ?? 'example.com'}`;
  const roll = pick % 20;
  const state: JobState = roll === 3 ? 'failed' : roll === 11 ? 'cancelled' : 'completed';
  const error = roll === 3 ? (n % 2 ? NOT_EMPTY : SERVER_GONE) : null;
  const step = roll === 3 && n % 2 === 0 ? 7 : 2;
  return job({ n, title, state, step, share: 0.35, error, findings: roll === 5 ? 2 : 0, ago: 10_800 + n * 1740 }, now);
}
