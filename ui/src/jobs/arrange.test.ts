import { expect, test } from 'vitest';
import { job as view, row, type Told } from '../backend/fake/make';
import { arrange, leader, rank, shows } from './arrange';
import { Job } from './job.svelte';
import { NO_FILTER } from './queue.svelte';

const now = new Date(2026, 10, 22, 14, 0).getTime();
let number = 0;
const make = (told: Omit<Told, 'n' | 'title'> & { title?: string }) =>
  new Job(row(view({ n: (number += 1), title: 'shop.example.com', ...told }, now)));
const keys = (active: Job[], history: Job[] = [], batches = new Map<string, Job[]>(), opened = new Set<string>()) =>
  arrange(active, history, batches, opened, now).map((item) => (item.kind === 'head' ? item.key.slice(5) : item.key));

test('who needs a person comes first, then what runs, waits, is in line, is paused, and the history by day', () => {
  const queued = make({ state: 'queued' });
  const running = make({ state: 'running', step: 6 });
  const person = make({
    state: 'waiting',
    step: 6,
    waiting: { code: 'disk-full', message: 'The disk is full', until: null, needs_person: true, help: 'Free some space.' },
  });
  const waiting = make({
    state: 'waiting',
    step: 6,
    waiting: { code: 'retry', message: 'Again', until: null, needs_person: false, help: '' },
  });
  const paused = make({ state: 'paused', step: 6 });
  const today = make({ state: 'completed', ago: 600 });
  const yesterday = make({ state: 'failed', step: 2, ago: 86_400 });
  expect(keys([queued, running, person, waiting, paused], [today, yesterday])).toEqual([
    'needs-you',
    person.id,
    'running',
    running.id,
    'waiting',
    waiting.id,
    'queued',
    queued.id,
    'paused',
    paused.id,
    'day:today',
    today.id,
    'day:yesterday',
    yesterday.id,
  ]);
});

test('a batch is one row where its liveliest member stands, and opens to show all', () => {
  const members = [
    make({ state: 'completed', batch: 'b' }),
    make({ state: 'running', step: 6, batch: 'b' }),
    make({ state: 'queued', batch: 'b' }),
  ];
  const [done, running, queued] = members as [Job, Job, Job];
  const batches = new Map([['b', members]]);
  expect(leader(members)).toBe(running);
  expect(keys([running, queued], [done], batches)).toEqual(['running', 'batch:b']);
  expect(keys([running, queued], [done], batches, new Set(['b']))).toEqual([
    'running',
    'batch:b',
    done.id,
    running.id,
    queued.id,
  ]);
});

test('a batch of one is a job', () => {
  const lonely = make({ state: 'running', step: 6, batch: 'b' });
  expect(keys([lonely], [], new Map([['b', [lonely]]]))).toEqual(['running', lonely.id]);
});

test('a filter looks at state, kind, title and folders', () => {
  const job = make({ state: 'running', step: 6, title: 'Shop.example.com', target: '/srv/copies/staging' });
  expect(shows(NO_FILTER, job)).toBe(true);
  expect(shows({ ...NO_FILTER, search: 'shop' }, job)).toBe(true);
  expect(shows({ ...NO_FILTER, search: 'STAGING' }, job)).toBe(true);
  expect(shows({ ...NO_FILTER, search: 'blog' }, job)).toBe(false);
  expect(shows({ ...NO_FILTER, states: ['failed'] }, job)).toBe(false);
  expect(shows({ ...NO_FILTER, kinds: ['build'] }, job)).toBe(false);
});

test('a higher priority goes before what was added a little earlier, but not for ever', () => {
  const early = make({ state: 'queued', ago: 600 });
  const urgent = make({ state: 'queued', ago: 60, priority: 5 });
  const ancient = make({ state: 'queued', ago: 86_400 });
  expect([early, urgent, ancient].sort((a, b) => rank(a) - rank(b))).toEqual([ancient, urgent, early]);
});
