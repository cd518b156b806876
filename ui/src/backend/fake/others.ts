/** Jobs of the fake program that are no clones: commands, workflows, builds. */
import type { JobResult } from '../wire/JobResult';
import type { JobState } from '../wire/JobState';
import type { JobView } from '../wire/JobView';
import type { Problem } from '../wire/Problem';
import type { StepView } from '../wire/StepView';
import { id, problem } from './make';
import type { Scene } from './scenes';
import { CLONE_STEPS, type Kind, progressOf, stepsAt, working } from './steps';

const step = (name: string, title: string, takes: number, weight: number, done: string, total = 0): Kind => ({
  ...{ name, title, takes, weight, done, total },
  unit: total ? 'items' : '',
});

const COMMAND: Kind[] = [step('check', 'Check', 0.1, 0.01, ''), step('run', 'Run', 24, 1, '', 8420)];
const BUILD: Kind[] = [
  step('unpack', 'Unpack', 0.4, 10, '412 entries, 3,180,442 bytes'),
  step('detect', 'Detect', 0.1, 1, ''),
  step('install', 'Install dependencies', 14, 20, ''),
  step('type-check', 'Type-check', 6, 30, ''),
  step('build', 'Build', 5, 20, ''),
  step('start-preview', 'Start preview', 0.3, 19, ''),
  step('ready', 'Ready', 1.2, 20, ''),
];

interface Called {
  calls?: [string, unknown][];
}

/** The steps of a job, by its kind. */
export function stepsOf(job: Pick<JobView, 'kind' | 'spec'>): Kind[] {
  if (job.kind === 'command') return COMMAND;
  if (job.kind === 'build') return BUILD;
  if (job.kind !== 'workflow') return CLONE_STEPS;
  return ((job.spec as Called).calls ?? []).map(([title], n) => step(`command-${n + 1}`, title, 6, 1, '', 1200));
}

const PHASES = ['Read the index', 'Move files', 'Rewrite references', 'Clear up'];

/** What a step says of itself when it is this far. */
export function saysAt(job: JobView, at: StepView, share: number): string {
  if (job.kind === 'clone') return working(at, share);
  if (job.kind === 'build') return '';
  const moved = Math.floor(at.total * share * 0.97);
  return `${PHASES[Math.min(3, Math.floor(share * 4))]} · moved ${moved} · skipped ${Math.floor(at.total * share) - moved}`;
}

export function resultOf(job: JobView): JobResult {
  const nothing: JobResult = { url: null, username: null, folder: null, database: null, findings: 0, stats: {} };
  if (job.kind === 'command' || job.kind === 'workflow') return { ...nothing, stats: { moved: 8167, skipped: 253 } };
  if (job.kind === 'build') {
    const { preview } = job.spec as { preview?: boolean };
    return { ...nothing, url: preview === false ? null : 'http://127.0.0.1:4300/', folder: job.source };
  }
  const { url } = job.spec as { url: string | null };
  return {
    ...nothing,
    url: url ?? 'http://127.0.0.1:8410',
    username: 'clonedeck',
    folder: job.target,
    database: 'mysql://shop@127.0.0.1/shop_copy',
  };
}

export interface Other {
  n: number;
  kind: 'command' | 'workflow' | 'build';
  title: string;
  source: string;
  spec: object;
  state: JobState;
  step?: number;
  share?: number;
  error?: Problem;
  waiting?: JobView['waiting_for'];
  /** Steps that had nothing to do, and why; `from cache` is done all the same. */
  skip?: Record<string, string>;
  resumed?: number;
  ago?: number;
}

export function other(told: Other, now: number): JobView {
  const kinds = stepsOf(told);
  const begun = now - (told.ago ?? 30) * 1000;
  const ended = told.state === 'completed' || told.state === 'failed' || told.state === 'cancelled';
  const current = told.state === 'completed' ? kinds.length : (told.step ?? 0);
  const untouched = told.state === 'queued';
  const skip = told.skip ?? {};
  const steps = stepsAt(untouched ? -1 : current, told.share ?? 0, begun, Object.keys(skip), kinds);
  for (const one of steps) {
    if (one.state !== 'skipped') continue;
    one.message = skip[one.name] ?? '';
    if (one.message === 'from cache') Object.assign(one, { state: 'completed', progress: 100, active_ms: 240 });
  }
  const at = untouched ? undefined : steps[current];
  const job: JobView = {
    id: id(told.n),
    ...{ kind: told.kind, title: told.title, source: told.source, state: told.state, spec: told.spec, steps },
    target: null,
    platform: null,
    priority: 0,
    progress: told.state === 'completed' ? 100 : progressOf(steps, kinds),
    current_step: ended || untouched ? null : (at?.name ?? null),
    created_at: new Date(begun - 1000).toISOString(),
    started_at: untouched ? null : new Date(begun).toISOString(),
    active_ms: steps.reduce((sum, one) => sum + one.active_ms, 0),
    finished_at: ended ? new Date(begun + 20_000).toISOString() : null,
    attempts: 1,
    crashes: 0,
    resumed: told.resumed ?? 0,
    eta_seconds: null,
    waiting_for: told.waiting ?? null,
    result: null,
    error: told.error ?? null,
    batch: null,
    batch_title: null,
    seq: 0,
  };
  if (at) {
    at.message = saysAt(job, at, told.share ?? 0);
    if (told.state !== 'running') {
      at.state = told.state === 'failed' ? 'failed' : told.state === 'cancelled' ? 'undone' : 'waiting';
      at.rate = 0;
      at.error = told.error ?? null;
    }
  }
  if (told.state === 'completed') job.result = resultOf(job);
  return job;
}

const SHOP = '/home/ada/sites/shop';
const call = (command: string, given: Record<string, string[]> = {}, dry_run = false) => ({
  command,
  arguments: given,
  dry_run,
});

const INTERRUPTED = problem(
  'command.interrupted',
  'Move files to folders: Clonedeck was stopped while it ran. It was at “Rewrite references”, 4,120 of 8,420. Run it again?',
  'It changes the site and cannot go on by itself. Look at the site; resume the job to run it again, or cancel it.',
);
const EXITED = problem(
  'process.failed',
  'Bring the database up to date ended with exit code 1. It was at “m260114_add_index”.',
  'Its last lines say why; the whole output is in the log.',
  {
    exit_code: '1',
    output: [
      '*** applying m260114_add_index',
      '    > create index idx_products_sku on products (sku) ...',
      "SQLSTATE[23000]: Integrity constraint violation: 1062 Duplicate entry 'A-1042' for key 'idx_products_sku'",
      '*** failed to apply m260114_add_index (time: 0.214s)',
      '3 from 5 migrations were applied. The rest of the migrations are canceled.',
    ].join('\n'),
  },
  false,
);
const KILLED = problem(
  'process.killed',
  'Make the thumbnails anew was ended by signal 9 (KILL).',
  'Something outside ended it; often the machine had no memory left.',
  { signal: '9', output: '4,120/8,420 Regenerated thumbnails for "harbour-at-dawn" (ID 7731).' },
  false,
);
const TYPES = problem(
  'process.failed',
  'The type-check ended with exit code 2.',
  'Its last lines say why; the whole output is in the log.',
  {
    exit_code: '2',
    output:
      "src/cart.ts(41,7): error TS2322: Type 'string' is not assignable to type 'number'.\nsrc/main.ts(8,14): error TS2551: Property 'totl' does not exist on type 'Cart'. Did you mean 'total'?",
  },
  false,
);

export function commandsOf(now: number): Scene {
  const order = (command: string, given = {}) => ({ site: SHOP, call: call(command, given), confirm: null });
  const one = (told: Omit<Other, 'kind' | 'source' | 'spec'> & Partial<Other>) =>
    other({ kind: 'command', source: SHOP, spec: order('wp.media-regenerate'), ...told }, now);
  const calls: [string, unknown][] = [
    ['Bring the database up to date (only shown)', call('wp.core-update-db', {}, true)],
    ['Bring the database up to date', call('wp.core-update-db')],
    ['Make the thumbnails anew', call('wp.media-regenerate', { 'only-missing': [] })],
    ['Empty the object cache', call('wp.cache-flush')],
  ];
  return {
    active: [
      one({ n: 920_001, title: 'Make the thumbnails anew: shop', state: 'running', step: 1, share: 0.49 }),
      one({
        ...{ n: 920_002, kind: 'workflow', title: 'After a deploy: shop', state: 'running', step: 2, share: 0.3 },
        spec: { site: SHOP, title: 'After a deploy', calls },
      }),
      one({
        ...{ n: 920_003, title: 'Move files to folders: shop', state: 'waiting', step: 1, share: 0.49, resumed: 1 },
        spec: order('craft.move-files'),
        error: INTERRUPTED,
        waiting: {
          ...{ code: 'command.interrupted', message: INTERRUPTED.message, help: INTERRUPTED.help },
          ...{ until: null, needs_person: true },
        },
      }),
    ],
    ended: [
      one({ n: 820_001, title: 'Move files to folders: shop', state: 'completed', ago: 300 }),
      one({
        ...{ n: 820_002, title: 'Bring the database up to date: shop', state: 'failed', step: 1, share: 0.6, ago: 900 },
        spec: order('craft.up'),
        error: EXITED,
      }),
      one({
        n: 820_003,
        title: 'Make the thumbnails anew: shop',
        state: 'failed',
        step: 1,
        share: 0.49,
        error: KILLED,
        ago: 1900,
      }),
    ],
    past: 4,
  };
}

export function buildsOf(now: number): Scene {
  const one = (told: Omit<Other, 'kind' | 'spec'> & Partial<Other>) =>
    other({ kind: 'build', spec: { source: told.source, build: true, preview: true, stays: false }, ...told }, now);
  const folder = { unpack: 'it is a folder' };
  return {
    active: [
      one({
        n: 930_001,
        title: 'Build landing',
        source: '/home/ada/projects/landing',
        state: 'running',
        step: 2,
        share: 0.4,
        skip: folder,
      }),
    ],
    ended: [
      one({
        ...{ n: 830_001, title: 'Build shop-front', source: '/home/ada/projects/shop-front', state: 'completed', ago: 600 },
        skip: { ...folder, install: 'from cache', 'type-check': 'from cache', build: 'from cache' },
      }),
      one({
        ...{ n: 830_002, title: 'Build checkout.zip', source: '/home/ada/Downloads/checkout.zip', state: 'failed', step: 3 },
        ...{ share: 0.2, error: TYPES, ago: 2000 },
      }),
    ],
    past: 4,
  };
}

const COMMAND_LOG: [string, string, string][] = [
  ['check', 'info', ''],
  ['run', 'info', '$ wp media regenerate --only-missing --no-color'],
  ['run', 'info', 'Phase: Read the index'],
  ['run', 'info', 'Found 8,420 images to regenerate.'],
  ['run', 'info', '1/8420 Regenerated thumbnails for "harbour-at-dawn" (ID 41).'],
  ['run', 'info', '2/8420 Regenerated thumbnails for "market-hall" (ID 42).'],
  ['run', 'warn', 'Warning: 3/8420 Can\'t find "old-poster" (ID 43).'],
  ['run', 'info', 'Phase: Move files'],
];
const BUILD_LOG: [string, string, string][] = [
  ['detect', 'info', 'Vite, npm'],
  ['install', 'info', '$ npm ci --no-audit --no-fund'],
  ['install', 'info', 'added 214 packages in 9s'],
  ['type-check', 'info', '$ node_modules/.bin/tsc --noEmit --pretty false'],
  ['build', 'info', '\x1b[36mvite v8.3.0\x1b[0m building for production...'],
  ['build', 'info', '\x1b[32m✓ built in 1.94s\x1b[0m'],
];

/** The log of a job that is no clone. */
export function logOf(job: JobView): [string, string, string][] | undefined {
  return job.kind === 'clone' ? undefined : job.kind === 'build' ? BUILD_LOG : COMMAND_LOG;
}
