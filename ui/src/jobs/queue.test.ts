import { beforeEach, expect, test, vi } from 'vitest';
import type { Backend } from '../backend/backend';
import { id, job as view, past, row, type Told } from '../backend/fake/make';
import type { JobFilter } from '../backend/wire/JobFilter';
import type { JobRow } from '../backend/wire/JobRow';
import type { Tick } from '../backend/wire/Tick';
import type { Update } from '../backend/wire/Update';
import { Queue } from './queue.svelte';

const now = Date.now();
const status = {
  paused: false,
  slots: 4,
  running: 1,
  queued: 0,
  waiting: 0,
  held: 0,
  cpu_percent: 5,
  memory_used: 1,
  memory_total: 2,
  trouble: null,
  runner: null,
};
const nothing: Update = {
  seq: 0,
  changed: [],
  removed: [],
  ticks: [],
  queue: null,
  unread: null,
  show: null,
  offer: null,
  resync: false,
};
const told = (part: Partial<Told> & { n: number; state: Told['state'] }, seq = 1): JobRow => ({
  ...row(view({ title: `site-${part.n}`, ...part }, now)),
  seq: 10 + seq,
});
const running = (n: number, seq = 1) => told({ n, state: 'running', step: 6, share: 0.2, ago: 60 }, seq);
const tick = (n: number, progress: number): Tick => ({
  job: id(n),
  progress,
  step: 'copy-media',
  step_progress: progress,
  done: 1,
  total: 2,
  unit: 'bytes',
  rate: 10,
  message: 'uploads',
  eta_seconds: null,
  active_ms: 1000,
  log_lines: 3,
});

/** Older jobs as the program gives them out: a page at a time, by key. */
const PAST = 250;
let asked: { filter: JobFilter; after: string | null }[];
let queue: Queue;
let send: (part: Partial<Update>) => void;

function page(filter: JobFilter, after: string | null, limit: number) {
  asked.push({ filter, after });
  const from = after === null ? 0 : Number(after);
  const all = Array.from({ length: PAST }, (_, n) => row(past(n, now))).filter(
    (one) => filter.states.length === 0 || filter.states.includes(one.state),
  );
  return Promise.resolve({
    jobs: filter.batch ? [] : all.slice(from, from + limit),
    next: from + limit < all.length ? String(from + limit) : null,
  });
}

beforeEach(async () => {
  asked = [];
  const backend = {
    snapshot: () =>
      Promise.resolve({
        seq: 10,
        active: [running(9001), told({ n: 9002, state: 'queued' })],
        history: { jobs: [row(past(0, now))], next: '1' },
        queue: status,
        unread: 2,
      }),
    follow: (onUpdate: (update: Update) => void) => {
      send = (part) => onUpdate({ ...nothing, seq: 11, ...part });
      return Promise.resolve();
    },
    jobsPage: page,
  } as Partial<Backend> as Backend;
  queue = new Queue(backend);
  await queue.open();
});

const ids = (jobs: { id: string }[]) => jobs.map((job) => job.id);

test('a snapshot fills the list and the counts', () => {
  expect(queue.opening).toBe('open');
  expect(ids(queue.active)).toEqual([id(9001), id(9002)]);
  expect(queue.unread).toBe(2);
  expect(queue.status?.slots).toBe(4);
});

test('a database that cannot be opened is told, and tried again', async () => {
  const problem = { code: 'store-newer', message: 'newer', help: '', context: {}, retryable: false };
  const snapshot = vi
    .fn()
    .mockRejectedValueOnce(problem)
    .mockResolvedValue({ seq: 1, active: [], history: { jobs: [], next: null }, queue: status, unread: 0 });
  const shut = new Queue({ snapshot, follow: () => Promise.resolve(), jobsPage: page } as Partial<Backend> as Backend);
  await shut.open();
  expect(shut.opening).toEqual(problem);
  await shut.open();
  expect(shut.opening).toBe('open');
});

test('progress moves only the job it is about', () => {
  const { active, history } = queue;
  send({ ticks: [tick(9001, 44)] });
  expect(queue.get(id(9001))?.progress).toBe(44);
  expect(queue.get(id(9002))?.tick).toBeNull();
  expect([queue.active, queue.history]).toEqual([active, history]);
});

test('progress of a job that does not run any more counts no longer', () => {
  send({ ticks: [tick(9001, 44)] });
  send({ changed: [told({ n: 9001, state: 'paused', step: 6, share: 0.3 }, 2)] });
  send({ ticks: [tick(9001, 45)] });
  expect(queue.get(id(9001))?.tick).toBeNull();
});

test('what ends leaves the line and heads the history', () => {
  send({ changed: [told({ n: 9001, state: 'completed', ago: 5 }, 3)] });
  expect(ids(queue.active)).toEqual([id(9002)]);
  expect(queue.history[0]?.id).toBe(id(9001));
  expect(queue.history).toHaveLength(2);
});

test('what is tried again comes back from the history', () => {
  send({ changed: [told({ n: 9001, state: 'failed', step: 6, ago: 5 }, 3)] });
  send({ changed: [running(9001, 4)] });
  expect(ids(queue.active)).toContain(id(9001));
  expect(ids(queue.history)).not.toContain(id(9001));
});

test('an older row never undoes a newer one', () => {
  send({ changed: [told({ n: 9001, state: 'completed' }, 7)] });
  send({ changed: [running(9001, 6)] });
  expect(queue.get(id(9001))?.row.state).toBe('completed');
});

test('what is new joins its group, sooner with a higher priority', () => {
  send({ changed: [told({ n: 9003, state: 'queued', ago: 1 }, 2), told({ n: 9004, state: 'queued', ago: 1, priority: 10 }, 3)] });
  expect(ids(queue.active.filter((job) => job.row.state === 'queued'))).toEqual([id(9004), id(9002), id(9003)]);
});

test('what was removed is gone', () => {
  send({ removed: [id(9002)] });
  expect(ids(queue.active)).toEqual([id(9001)]);
  expect(queue.get(id(9002))).toBeUndefined();
});

test('the history is loaded by key until its end, nothing twice', async () => {
  while (queue.older === 'more') await queue.loadOlder();
  expect(queue.older).toBe('end');
  expect(new Set(ids(queue.history)).size).toBe(queue.history.length);
  expect(queue.history).toHaveLength(PAST);
  expect(asked.map(({ after }) => after)).toEqual(['1', '101', '201']);
});

test('a filter is asked of the program, and an older answer does not overtake a newer', async () => {
  const first = queue.narrow({ states: ['completed'], kinds: [], search: '', site: null, batch: null });
  const second = queue.narrow({ states: ['failed'], kinds: [], search: '', site: null, batch: null });
  await Promise.all([first, second]);
  expect(queue.history.every((job) => job.row.state === 'failed')).toBe(true);
  expect(queue.items.every((item) => item.kind !== 'job' || item.job.row.state === 'failed')).toBe(true);
});

test('a filter for what has not ended asks for no history', async () => {
  await queue.narrow({ states: ['running'], kinds: [], search: '', site: null, batch: null });
  expect(asked).toEqual([]);
  expect(queue.items.map((item) => item.kind)).toEqual(['head', 'job']);
});

test('a job or a folder from outside is handed on', () => {
  const shown: string[] = [];
  queue.onShow = (job) => shown.push(job);
  queue.onOffer = (offer) => shown.push(offer.source);
  send({ show: id(9001) });
  send({ offer: { source: '/srv/shop', by_link: false, refused: null, cancel: null } });
  send({ offer: { source: '', by_link: true, refused: null, cancel: null } });
  expect(shown).toEqual([id(9001), '/srv/shop', '']);
});
