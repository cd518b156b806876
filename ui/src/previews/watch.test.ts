import { describe, expect, test } from 'vitest';
import type { Backend } from '../backend/backend';
import type { Preview } from '../backend/wire/Preview';
import { Watch } from './watch.svelte';

const preview = (job: string, port: number, cpu_ms: number): Preview => ({
  ...{ job, kind: 'build', title: job, url: `http://127.0.0.1:${port}/`, port, folder: `/p/${job}`, log: '' },
  ...{ memory: 1, cpu_ms, stays: false },
});

describe('the servers that are watched', () => {
  test('use as much of a processor as they took since the last look', async () => {
    let cpu = 1000;
    const watch = new Watch({ previews: () => Promise.resolve([preview('a', 4300, cpu)]) } as unknown as Backend);
    await watch.load(10_000);
    expect(watch.of('a')?.cpu).toBeNull();
    cpu += 500;
    await watch.load(12_000);
    expect(watch.of('a')?.cpu).toBe(25);
  });

  test('stay in the list when they are stopped, and can be started again', async () => {
    let running = [preview('b', 4301, 0), preview('a', 4300, 0)];
    const watch = new Watch({
      previews: () => Promise.resolve(running),
      stopPreview: (job: string) => Promise.resolve(void (running = running.filter((one) => one.job !== job))),
      startPreview: (job: string) => Promise.resolve(void (running = [...running, preview(job, 4302, 0)])),
    } as unknown as Backend);
    await watch.load();
    expect(watch.servers?.map((server) => server.preview.port)).toEqual([4300, 4301]);
    await watch.act('a', 'stop');
    expect(watch.of('a')?.running).toBe(false);
    await watch.act('a', 'start');
    expect(watch.of('a')?.running).toBe(true);
    expect(watch.of('a')?.preview.port).toBe(4302);
  });

  test('are looked at again when one cannot be stopped', async () => {
    const watch = new Watch({
      previews: () => Promise.resolve([preview('a', 4300, 0)]),
      stopPreview: () => Promise.reject(new Error('it stays')),
    } as unknown as Backend);
    await watch.load();
    await expect(watch.act('a', 'stop')).rejects.toThrow('it stays');
    expect(watch.of('a')?.running).toBe(true);
    expect(watch.busy).toBeNull();
  });
});
