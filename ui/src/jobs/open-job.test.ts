import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Backend } from '../backend/backend';
import { id, job as view } from '../backend/fake/make';
import type { Tick } from '../backend/wire/Tick';
import { OpenJob, withTick } from './open-job.svelte';

const shop = { ...view({ n: 1, title: 'shop', state: 'running', step: 6, share: 0.2 }, Date.now()), seq: 0 };
const job = vi.fn(() => Promise.resolve(shop));
const backend = { job } as Partial<Backend> as Backend;

beforeEach(() => {
  vi.useFakeTimers();
  job.mockClear();
});
afterEach(() => vi.useRealTimers());

test('a job is loaded once for each change, though the answer does not say of which', async () => {
  const open = new OpenJob(backend, id(1), { seq: 5, step: 'copy-media' });
  await vi.advanceTimersByTimeAsync(1000);
  expect(open.isBehind(5, 'copy-media')).toBe(false);
  expect(open.isBehind(6, 'copy-media')).toBe(true);
  await open.load({ seq: 6, step: 'copy-media' });
  await vi.advanceTimersByTimeAsync(1000);
  expect(open.isBehind(6, 'copy-media')).toBe(false);
  expect(job).toHaveBeenCalledTimes(2);
});

test('a step that the program tells of but does not have is asked for only once', async () => {
  const open = new OpenJob(backend, id(1));
  await vi.advanceTimersByTimeAsync(1000);
  expect(open.isBehind(0, 'elsewhere')).toBe(true);
  await open.load({ seq: 0, step: 'elsewhere' });
  await vi.advanceTimersByTimeAsync(1000);
  expect(open.isBehind(0, 'elsewhere')).toBe(false);
});

test('changes that come while it is loaded cost one more load, a quarter of a second later', async () => {
  const open = new OpenJob(backend, id(1));
  for (let seq = 1; seq < 20; seq += 1) void open.load({ seq, step: undefined });
  await vi.advanceTimersByTimeAsync(2000);
  expect(job).toHaveBeenCalledTimes(2);
});

test('a job that is gone is a problem, until it is there again', async () => {
  job.mockRejectedValueOnce({ code: 'job.unknown', message: 'There is no such job.', help: '', context: {}, retryable: false });
  const open = new OpenJob(backend, id(1));
  await vi.advanceTimersByTimeAsync(1000);
  expect(open.problem?.code).toBe('job.unknown');
  await open.load();
  expect(open.problem).toBeNull();
});

test('a step moves on with the progress told of it, and of no other', () => {
  const step = shop.steps[6]!;
  const tick: Tick = {
    job: id(1),
    progress: 40,
    step: step.name,
    step_progress: 55,
    done: 3,
    total: 9,
    unit: 'files',
    rate: 2,
    message: 'uploads',
    eta_seconds: null,
    active_ms: 9000,
    log_lines: 1,
  };
  expect(withTick(step, tick, 4000)).toMatchObject({
    progress: 55,
    done: 3,
    total: 9,
    message: 'uploads',
    active_ms: Math.max(step.active_ms, 5000),
  });
  expect(withTick(shop.steps[5]!, tick, 4000)).toBe(shop.steps[5]);
  expect(withTick(step, null, 0)).toBe(step);
});
